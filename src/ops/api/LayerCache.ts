/** What was found out about layers, kept where they are. */
import type { Effect, Option } from "effect"
import type { ContentDigest } from "../../oci/Digest.ts"

/** A table of contents, or places to read on from. */
export type LayerPart = "table" | "checkpoints"

/**
 * What was found out about layers, also by earlier processes, so that they need not be decompressed again. What
 * is lost is found out again, so nothing here fails.
 */
export interface LayerCache {
  /** What this user has kept before; what others wrote is not believed. */
  readonly load: (digest: ContentDigest, part: LayerPart) => Effect.Effect<Option.Option<Uint8Array>>
  /** Keeps it where that can be done; in a layout that we have never written nothing is kept. */
  readonly save: (digest: ContentDigest, part: LayerPart, bytes: Uint8Array) => Effect.Effect<void>
}
