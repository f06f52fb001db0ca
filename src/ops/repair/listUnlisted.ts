/** Gives an entry to a manifest that no entry leads to. */
import { Effect, Option } from "effect"
import { decide } from "../../layout/decide.ts"
import { entriesOfDigest, type State } from "../../layout/State.ts"
import { isContentDigest } from "../../oci/Digest.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { RepairError } from "../api/errors.ts"
import { repairOf } from "../api/findings.ts"
import { belongingsIn } from "../reachability/belonging.ts"
import type { Unlisted } from "../reachability/unlisted.ts"
import { recoveredName } from "./rebuildIndex.ts"
import { did, left, type Outcome, type RepairTask } from "./repairTask.ts"

/** One that belongs to another gets an entry without a name in the other's repository; all else a tag in `recovered`. */
export const listUnlisted = Effect.fnUntraced(function*(
  { dryRun, finding: { code, digest }, layout, opened }: RepairTask
): Effect.fn.Return<Outcome, RepairError> {
  if (!isContentDigest(digest)) return left("only content of a sha256 or sha512 digest can be listed")
  const { unlisted } = yield* belongingsIn(opened, yield* opened.layout.snapshot, true)
  const found = unlisted.get(digest)
  if (found === undefined) return left("an entry leads to it by now")
  if (dryRun) return did(repairOf(code).how)
  const recovered = yield* recoveredName(digest, layout)
  const place = (state: State): Repository | undefined => subjectsPlace(state, found, unlisted) ?? layout
  const { after, revision } = yield* opened.layout.transact({
    evidence: () => Effect.void,
    decide: (state) => {
      const { descriptor } = found
      const repository = place(state)
      const isReferrer = code === "REFERRER_UNLISTED" && repository !== undefined
      return decide(state, {
        _tag: "PutManifest",
        repository: isReferrer ? repository : recovered.repository,
        descriptor,
        tags: isReferrer ? [] : [{ tag: recovered.tag }],
        missing: []
      })
    }
  })
  const names = entriesOfDigest(after, digest).map(({ name }) =>
    name._tag === "Tagged" ? `${name.repository}:${name.tag}` : name._tag === "Raw" ? "" : name.repository
  )
  return Option.isNone(revision)
    ? left("an entry leads to it by now")
    : did(`listed it in ${names.join(", ")}`, revision)
})

/** The repository of the first entry of what it refers to, which may refer to another in turn without an entry. */
const subjectsPlace = (
  state: State,
  first: Unlisted,
  unlisted: ReadonlyMap<string, Unlisted>
): Repository | undefined => {
  const met = new Set<Unlisted>()
  for (let one: Unlisted | undefined = first; one !== undefined && !met.has(one);) {
    met.add(one)
    const digest: string = one.facts.subject?.digest ?? ""
    const [place] = entriesOfDigest(state, digest).flatMap(({ name }) => name._tag === "Raw" ? [] : [name.repository])
    if (place !== undefined) return place
    one = unlisted.get(digest)
  }
  return undefined
}
