/** Whether a layout has all that a manifest needs. */
import { Effect, Option } from "effect"
import type { Missing } from "../../layout/Command.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { isContentDigest } from "../../oci/Digest.ts"
import type { WriteFault } from "../../oci/faults.ts"
import { children, type Manifest } from "../../oci/Manifest.ts"
import { kindOf } from "../../oci/MediaType.ts"
import { ManifestInvalid } from "../../oci/OciError.ts"
import type { BlobStore } from "../ports/BlobStore.ts"
import type { Opened } from "./catalog.ts"

/**
 * What a manifest needs and the layout has not; content of another size than a new manifest says is refused outright.
 *
 * @param look how to look for a blob
 * @param isStored whether the manifest is stored elsewhere already, and says what it says
 */
export const missingFrom = Effect.fnUntraced(
  function*(
    opened: Opened,
    manifest: Manifest,
    look: BlobStore["protect"],
    isStored: boolean
  ): Effect.fn.Return<ReadonlyArray<Missing>, ManifestInvalid | WriteFault> {
    const missing: Array<Missing> = []
    for (const { descriptor, optional, path } of children(manifest)) {
      const { digest, size } = descriptor
      const options = {
        manifest: kindOf(descriptor.mediaType) !== "other",
        // What is stored elsewhere may say a wrong size of content that is right.
        ...(isStored ? {} : { size })
      }
      const stored = isContentDigest(digest) ? yield* look(digest, options) : Option.none<number>()
      if (Option.isSome(stored) && stored.value !== size && !isStored) {
        return yield* new ManifestInvalid({
          path: `${path}.size`,
          reason: `says ${size}, the blob has ${stored.value} bytes`
        })
      }
      if (Option.isNone(stored) && !optional && Option.isNone(opened.manifests.embedded(descriptor))) {
        missing.push({ path, digest })
      }
    }
    return missing
  }
)

/** Whether a manifest is in a file of the layout, which from then on lasts as long as what names it. */
export const isStored = (
  opened: Opened,
  { digest, size }: Pick<Descriptor, "digest" | "size">
): Effect.Effect<boolean, WriteFault> =>
  isContentDigest(digest)
    ? Effect.map(opened.blobs.protect(digest, { manifest: true, size }), Option.isSome)
    : Effect.succeed(false)
