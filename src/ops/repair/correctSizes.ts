/** Corrects sizes in the index, whose bytes no digest vouches for; in a manifest a wrong size stays as it is. */
import { Effect, Option, Result } from "effect"
import type { EntryReplaced } from "../../layout/Event.ts"
import type { State } from "../../layout/State.ts"
import { isContentDigest } from "../../oci/Digest.ts"
import type { RepairError } from "../api/errors.ts"
import { did, left, type Outcome, type RepairTask } from "./repairTask.ts"
import { replaceEntries } from "./replaceEntries.ts"

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

const corrections = (state: State, digest: string, size: number): ReadonlyArray<EntryReplaced> =>
  replaceEntries(
    state,
    digest,
    (value, isDescriptor) => isDescriptor && value["size"] !== size ? { ...value, size } : undefined
  )
