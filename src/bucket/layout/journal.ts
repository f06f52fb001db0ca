/** The records as history. */
import { Effect, Schedule, Stream } from "effect"
import { replay } from "../../layout/evolve.ts"
import { RevisionUnknown } from "../../oci/OciError.ts"
import type { FoundCommit, Journal } from "../../ops/ports/Journal.ts"
import type { BucketLayout } from "./commit.ts"
import { foreignDrafts, lastRevision } from "./foreignDrafts.ts"
import type { Head } from "./head.ts"
import type { Stretch } from "./past.ts"
import type { StoredRecord } from "./record.ts"

/** How often a watcher looks for changes. */
const watchMillis = 1000

const commitsOf = ({ record: { commits, journal } }: StoredRecord): ReadonlyArray<FoundCommit> =>
  commits.map((commit) => ({ ...commit, journal }))

/** What other tools have changed since the last commit, as the commits that it will be. */
const pending = (head: Head): ReadonlyArray<FoundCommit> =>
  foreignDrafts(head).map((draft, place) => ({
    ...draft,
    time: head.date,
    revision: lastRevision(head) + 1 + place,
    pending: true
  }))

export const makeJournal = ({ look, past }: Pick<BucketLayout, "look" | "past">): Journal => ({
  changes: Stream.fromSchedule(Schedule.spaced(watchMillis)).pipe(
    Stream.map(() => undefined),
    (later) => Stream.concat(Stream.succeed(undefined), later)
  ),
  commits: ({ before = Number.POSITIVE_INFINITY } = {}) =>
    Stream.unwrap(Effect.map(look, (head) => {
      const older = past.backwards(head.base.number)
      const lines = Stream.concat(
        Stream.fromIterable(head.lines.toReversed()),
        head.base.number < 1 ? Stream.empty : older
      )
      return Stream.concat(
        Stream.fromIterable(pending(head).toReversed()),
        Stream.flatMap(lines, (line) => Stream.fromIterable(commitsOf(line).toReversed()))
      ).pipe(Stream.filter(({ revision }) => revision < before))
    })),
  putAside: () => Stream.empty,
  stateAt: Effect.fnUntraced(function*(revision) {
    const head = yield* look
    const waiting = pending(head)
    const newest = lastRevision(head) + waiting.length
    if (revision > newest) return yield* new RevisionUnknown({ asked: `revision ${revision}`, newest })
    if (revision === newest) return head.state
    const floor = head.last?.record.floor?.number ?? 1
    let known: Stretch = head
    while (known.base.revision > revision) {
      known = yield* past.stretch(known.base.number - 1, known.base.number - 1, floor)
    }
    return [...known.lines.flatMap(commitsOf), ...waiting].filter((commit) => commit.revision <= revision)
      .reduce((state, { events }) => replay(state, events), known.base.state)
  })
})
