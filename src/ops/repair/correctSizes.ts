/** Corrects sizes in the index, whose bytes no digest vouches for; in a manifest a wrong size stays as it is. */
import { Effect, Option, Result } from "effect"
import { EntryReplaced } from "../../layout/Event.ts"
import { keyOf, replay } from "../../layout/evolve.ts"
import { entriesOfDigest, type State } from "../../layout/State.ts"
import { isJsonObject } from "../../oci/Descriptor.ts"
import { isContentDigest } from "../../oci/Digest.ts"
import type { RepairError } from "../api/errors.ts"
import { did, left, type Outcome, type RepairTask } from "./repairTask.ts"

export const correctSizes = Effect.fnUntraced(function*(
  { finding: { digest }, opened }: RepairTask
): Effect.fn.Return<Outcome, RepairError> {
  const stored = isContentDigest(digest) ? yield* opened.blobs.stat(digest) : Option.none<number>()
  if (digest === undefined || Option.isNone(stored)) return left("its content is not there")
  const { events, revision } = yield* opened.layout.transact({
    evidence: () => Effect.void,
    decide: (state) => Result.succeed(corrections(state, digest, stored.value))
  })
  return events.length > 0
    ? did(`wrote the right size, ${stored.value}, into the index`, revision)
    : left("its bytes are right: a manifest names a wrong size, and cannot be changed without becoming another one")
})

/** Each on the state that the one before it leaves: entries are named by their place among those alike. */
const corrections = (state: State, digest: string, size: number): ReadonlyArray<EntryReplaced> => {
  const events: Array<EntryReplaced> = []
  let next = state
  for (;;) {
    const wrong = entriesOfDigest(next, digest).find(({ descriptor }) =>
      descriptor !== undefined && descriptor.size !== size
    )
    if (wrong === undefined || !isJsonObject(wrong.value)) return events
    const event = new EntryReplaced({ ...keyOf(next, wrong), from: wrong.value, to: { ...wrong.value, size } })
    events.push(event)
    next = replay(next, [event])
  }
}
