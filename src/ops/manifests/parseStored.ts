/** Reads a manifest that is stored, so that a failure names it. */
import { Result } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { field } from "../../oci/field.ts"
import { parseManifest } from "../../oci/Manifest.ts"
import { ManifestInvalid } from "../../oci/OciError.ts"

export const parseStored = (
  bytes: Uint8Array,
  { digest, mediaType }: Pick<Descriptor, "digest" | "mediaType">
): ReturnType<typeof parseManifest> =>
  Result.mapError(
    parseManifest(bytes, mediaType, "read"),
    (error) =>
      error._tag === "ManifestInvalid"
        ? new ManifestInvalid({
          reason: error.reason,
          digest,
          ...field("path", error.path)
        })
        : error
  )
