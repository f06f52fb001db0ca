/** The port for what is known of manifests. */
import type { Effect } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { Facts } from "../../oci/Manifest.ts"

/**
 * What was found out about manifests, also by earlier processes, so that they are not all read again to tell what
 * refers to one. It may be incomplete or old: questions are answered from it, but it never decides what may be deleted.
 */
export interface FactsCache {
  /** What earlier processes have found out of a manifest. */
  readonly load: Effect.Effect<(descriptor: Descriptor) => Facts | undefined>
  readonly learn: (descriptor: Descriptor, facts: Facts) => Effect.Effect<void>
  /** Keeps what was learned, now or later. Called after a write into the layout, so that files may be left in it. */
  readonly keep: Effect.Effect<void>
}
