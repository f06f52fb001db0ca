/** The port for the index of one layout. */
import type { Effect, Option, Result } from "effect"
import type { Event } from "../../layout/Event.ts"
import type { State } from "../../layout/State.ts"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"

/** What a transaction did. */
export interface Committed {
  /** The state its decision was made on. */
  readonly before: State
  readonly after: State
  readonly events: ReadonlyArray<Event>
  /** The number of the commit; none when there was nothing to do. */
  readonly revision: Option.Option<number>
}

/** A decision, and what it has to know besides the state. */
export interface Transaction<A, E, D> {
  readonly evidence: (state: State) => Effect.Effect<A, E>
  readonly decide: (state: State, evidence: A) => Result.Result<ReadonlyArray<Event>, D>
}

/** One layout's index. */
export interface LayoutStore {
  /** The state as of now, without waiting for writers. */
  readonly snapshot: Effect.Effect<State, ReadFault>
  /** The state of a moment ago, where it costs a request to be sure: for what is looked at again before it counts. */
  readonly recent?: Effect.Effect<State, ReadFault>
  /**
   * Decides on the latest state and makes the events durable before it answers, refusals and no-ops included.
   *
   * `evidence` runs under the layout's lock: other writers wait for it, readers do not. Evidence of a push and of a tag
   * looks at the content that it names, and reads the lists of fallback tags; that of an undo looks at all that it
   * brings back. Evidence of a deletion, a pin and a collection walks over what the entries lead to, within
   * `walkManifests`, `walkDepth` and `walkBytes`. Who asks for that reads the manifests before the lock (`readAhead`),
   * so that under it only those are read that have come or have lost their entry since, or that are too many to be
   * remembered (`rememberedManifests`). A collection is done in batches, each under the lock for itself.
   *
   * Decisions that wait together are committed as one group, each on the state its predecessors left. A blob that a
   * decision deletes or collects is removed under the same lock, once that is on record; one to be collected stays if
   * it was just pushed again.
   */
  readonly transact: <A, E, D>(
    transaction: Transaction<A, E, D>
  ) => Effect.Effect<Committed, E | D | WriteFault>
  /**
   * Looks as a writer does, and changes nothing itself: what other tools have overwritten or removed of ours is put
   * back, and what they did is recorded. A layout that we have never written is left as it is.
   */
  readonly tend: Effect.Effect<void, WriteFault>
}
