/** The port for pinned content. */
import type { Effect } from "effect"
import type { ContentDigest } from "../../oci/Digest.ts"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import type { Pin } from "../api/Garbage.ts"

/** Content that stays though nothing in the layout needs it. */
export interface Pins {
  readonly all: Effect.Effect<ReadonlyMap<ContentDigest, Pin>, ReadFault>
  readonly add: (digest: ContentDigest, pin: Pin) => Effect.Effect<void, WriteFault>
  /** Whether there was one. */
  readonly remove: (digest: ContentDigest) => Effect.Effect<boolean, WriteFault>
}
