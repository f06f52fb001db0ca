/** The records as history. */
import { Effect, Schedule, Stream } from "effect"
import { replay } from "../../layout/evolve.ts"
import { empty } from "../../layout/State.ts"
import { RevisionUnknown } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { FoundCommit, Journal } from "../../ops/ports/ports.ts"
import { type BucketLayout, foreignDrafts, lastRevision } from "./commit.ts"
import type { Head } from "./head.ts"

/** How often a watcher looks for changes. */
const watchMillis = 1000

const recorded = ({ lines }: Head): ReadonlyArray<FoundCommit> =>
  lines.flatMap(({ record: { commits, journal } }) => commits.map((commit) => ({ ...commit, journal })))

/** What other tools have changed since the last commit, as the commits that it will be. */
const pending = (head: Head): ReadonlyArray<FoundCommit> =>
  foreignDrafts(head).map((draft, place) => ({
    ...draft,
    time: head.date,
    revision: lastRevision(head) + 1 + place,
    pending: true
  }))

export const makeJournal = (
  { look }: Pick<BucketLayout, "look">,
  defaultRepository: Repository | undefined
): Journal => ({
  changes: Stream.fromSchedule(Schedule.spaced(watchMillis)).pipe(
    Stream.map(() => undefined),
    (later) => Stream.concat(Stream.succeed(undefined), later)
  ),
  commits: ({ before = Number.POSITIVE_INFINITY } = {}) =>
    Stream.unwrap(Effect.map(look, (head) =>
      Stream.fromIterable(
        [...recorded(head), ...pending(head)].filter(({ revision }) => revision < before).toReversed()
      ))),
  putAside: () => Stream.empty,
  stateAt: Effect.fnUntraced(function*(revision) {
    const head = yield* look
    const all = [...recorded(head), ...pending(head)]
    const newest = all.at(-1)?.revision ?? 0
    if (revision > newest) return yield* new RevisionUnknown({ asked: `revision ${revision}`, newest })
    if (revision === newest) return head.state
    return all.filter((commit) => commit.revision <= revision)
      .reduce((state, { events }) => replay(state, events), empty(defaultRepository))
  })
})
