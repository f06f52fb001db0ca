/** Changes of entries by exactly the name they are written with, for names that fit no grammar. */
import { Result } from "effect"
import type { Digest } from "../oci/Digest.ts"
import { Conflict, ManifestUnknown } from "../oci/OciError.ts"
import type { Decision, DeleteName, MoveName } from "./Command.ts"
import type { Entry } from "./Entry.ts"
import { allNamed } from "./query.ts"
import type { State } from "./State.ts"
import { drop, inSequence, keep, namedAs, release, replacement, type Step } from "./steps.ts"

export const deleteName = (state: State, { ifDigest, keep, refName }: DeleteName): Decision =>
  Result.map(entriesNamed(state, refName, ifDigest), (entries) => {
    const repository = state.defaultRepository
    return inSequence(
      state,
      entries.map((entry) => keep && repository !== undefined ? release(entry, repository) : drop(entry))
    )
  })

export const moveName = (state: State, { descriptor, ifDigest, refName }: MoveName): Decision =>
  Result.map(entriesNamed(state, refName, ifDigest), ([first, ...others]) => {
    const repository = state.defaultRepository
    const moved: Step = (next) =>
      first === undefined || first.digest === descriptor.digest
        ? []
        : [replacement(next, first, namedAs(descriptor, first))]
    const kept: Step = (next) =>
      first === undefined || first.digest === descriptor.digest || repository === undefined
        ? []
        : keep(first, repository)(next)
    return inSequence(state, [moved, ...others.map(drop), kept])
  })

/** The entries of a name, the first of which has this digest. */
const entriesNamed = (
  state: State,
  refName: string,
  ifDigest: Digest | undefined
): Result.Result<ReadonlyArray<Entry>, Conflict | ManifestUnknown> => {
  const entries = allNamed(state, refName)
  const actual = entries[0]?.digest
  const repository = state.defaultRepository ?? ""
  if (actual === undefined) return Result.fail(new ManifestUnknown({ repository, reference: refName }))
  return ifDigest === undefined || ifDigest === actual
    ? Result.succeed(entries)
    : Result.fail(
      new Conflict({ reason: "it points elsewhere", repository, tag: refName, expected: ifDigest, actual })
    )
}
