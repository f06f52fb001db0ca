/** Leaves a name that several entries have to the first of them. */
import { Effect, Option, Result } from "effect"
import { decide } from "../../layout/decide.ts"
import { tagged } from "../../layout/query.ts"
import { parseRepository, parseTag } from "../../oci/Reference.ts"
import type { RepairError } from "../api/errors.ts"
import { repairOf } from "../api/findings.ts"
import { did, left, type Outcome, type RepairTask } from "./repairTask.ts"

/** Setting a tag to what it is already is what drops the others: their manifests stay reachable by digest. */
export const dropDuplicates = Effect.fnUntraced(function*(
  { dryRun, finding: { affected: [name = ""], code }, opened }: RepairTask
): Effect.fn.Return<Outcome, RepairError> {
  const colon = name.lastIndexOf(":")
  const repository = yield* Effect.fromResult(parseRepository(name.slice(0, colon)))
  const tag = yield* Effect.fromResult(parseTag(name.slice(colon + 1)))
  const [first, ...others] = tagged(yield* opened.layout.snapshot, repository, tag)
  if (first === undefined || others.length === 0) return left("no two entries have the name by now")
  if (dryRun) return did(repairOf(code).how)
  const { events, revision } = yield* opened.layout.transact({
    evidence: () => Effect.void,
    decide: (state) => {
      const descriptor = tagged(state, repository, tag)[0]?.descriptor
      return descriptor === undefined
        ? Result.succeed([])
        : decide(state, { _tag: "PutManifest", repository, descriptor, tags: [{ tag }], missing: [] })
    }
  })
  return Option.isNone(revision)
    ? left("no two entries have the name by now")
    : did(`dropped it from ${events.length} of them`, revision)
})
