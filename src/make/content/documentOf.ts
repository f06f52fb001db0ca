/** Documents that are to be written again. */
import { Effect } from "effect"
import type { JsonObject } from "../../oci/Descriptor.ts"
import { ImageUnsuitable } from "../../oci/OciError.ts"
import type { ReadManifest } from "../../ops/refs/copySource.ts"

/** The document of a manifest; what readers could take in two ways is left alone. */
export const documentOf = (
  { descriptor: { digest }, manifest: { document, shadowed } }: Pick<ReadManifest, "descriptor" | "manifest">
): Effect.Effect<JsonObject, ImageUnsuitable> =>
  shadowed === undefined
    ? Effect.succeed(document)
    : Effect.fail(new ImageUnsuitable({ digest, reason: "has a key twice, and is not written again for that" }))
