/** The journal as history: commits newest first, and states as they were. */
import { Effect, Option, Queue, Stream } from "effect"
import { join } from "node:path"
import { EntryAdded } from "../../layout/Event.ts"
import { rewind } from "../../layout/evolve.ts"
import { algorithms } from "../../oci/Digest.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { HistoryInvalid, RevisionUnknown } from "../../oci/OciError.ts"
import type { FoundCommit, Journal } from "../../ops/ports/Journal.ts"
import { asStorage } from "../files/asStorage.ts"
import type { LayoutFiles } from "../files/layoutFiles.ts"
import type { IndexCache } from "../index/indexCache.ts"
import type { LayoutView } from "../index/layoutView.ts"
import { historyOf } from "../index/past.ts"
import type { Segment } from "../journal/journalFile.ts"
import { committed, lastTime, type Line, nextRevision } from "../journal/journalRecord.ts"
import { linesPutAside, readAround, segmentUpTo, skimBefore } from "../journal/journalSegments.ts"
import { foreignDrafts } from "./drafts.ts"

/** How often a watcher looks for changes, where the system tells of them and where it does not. */
const patientMillis = 10_000
const impatientMillis = 1000

export const makeJournal = (files: LayoutFiles, cache: IndexCache): Journal => {
  const storage = asStorage(files.root)

  /** The last segment with a commit that has happened; by now there may be more in later ones. */
  const lastSegment = Effect.fnUntraced(function*(
    { end: { last }, unpublished }: LayoutView,
    mentioning?: string
  ): Effect.fn.Return<Segment, ReadFault> {
    if (last === undefined) return { first: undefined, lines: [], last: undefined, broken: false }
    const segment = yield* storage(segmentUpTo(files, last, mentioning))
    if (segment === undefined) return yield* damagedHistory
    return unpublished && segment.lines.at(-1)?.hash === last.hash
      ? { ...segment, lines: segment.lines.slice(0, -1) }
      : segment
  })

  /** The segment before this one; nothing where there is none, or it is kept no longer. */
  const segmentBefore = Effect.fnUntraced(function*(
    { broken, first }: Segment,
    oldest: number,
    mentioning: string | undefined
  ): Effect.fn.Return<Segment | undefined, ReadFault> {
    const before = yield* storage(skimBefore(files, first, { mentioning }))
    const isWhole = before !== undefined || first?.record._tag !== "Snapshot" || first.record.revision < oldest
    if (isWhole && !broken) return before
    return yield* new HistoryInvalid({ ...beginsWith(first), reason: "is not what was written before" })
  })

  const recorded = (seen: LayoutView, mentioning: string | undefined): Stream.Stream<FoundCommit, ReadFault> =>
    Stream.unwrap(Effect.map(lastSegment(seen, mentioning), (newest) => {
      const { first, lines } = newest
      const oldest = first?.record._tag === "Snapshot" ? first.record.oldest : 1
      const older = Stream.paginate(newest, (after) =>
        Effect.map(
          segmentBefore(after, oldest, mentioning),
          (segment) => [newestFirst(segment?.lines ?? []), Option.fromUndefinedOr(segment)] as const
        ))
      return Stream.concat(Stream.fromIterable(newestFirst(lines)), older)
    }))

  /** A signal for each possible change: from the file system where it can watch, and from a timer everywhere. */
  const changes = Stream.callback<void>(
    Effect.fnUntraced(function*(queue) {
      const tell = () => void Queue.offerUnsafe(queue, undefined)
      const watched = yield* Effect.isSuccess(files.fs.watch(files.root, tell))
      for (const algorithm of algorithms) {
        // A collection of another tool shows nowhere else. Where there is no such folder yet, there is nothing to see.
        yield* Effect.ignore(files.fs.watch(join(files.blobs, algorithm), tell))
      }
      while (true) {
        tell()
        yield* Effect.sleep(watched ? patientMillis : impatientMillis)
      }
    }),
    { bufferSize: 1, strategy: "sliding" }
  )

  return {
    changes,
    commits: ({ before = Number.POSITIVE_INFINITY, mentioning } = {}) =>
      Stream.unwrap(Effect.map(cache.lookToWrite, ({ seen }) => {
        const past = seen.damaged
          ? Stream.fail(damagedHistory)
          : seen.wiped
          ? Stream.empty
          : recorded(seen, mentioning)
        const all = Stream.concat(Stream.fromIterable(pendingCommits(seen).toReversed()), past)
        return Stream.filter(all, ({ revision }) => revision < before)
      })),

    putAside: (since) =>
      Stream.unwrap(Effect.map(
        storage(linesPutAside(files, since)),
        (lines) => Stream.fromIterable([...snapshotCommits(lines), ...newestFirst(lines)])
      )),

    stateAt: Effect.fnUntraced(function*(revision) {
      const { seen } = yield* cache.lookToWrite
      const next = nextOf(seen)
      const pending = pendingCommits(seen)
      if (revision === next - 1) return seen.head
      if (revision === next - 1 + pending.length) return seen.state
      if (revision === next && pending.length > 1) return seen.toolState
      const unknown = { asked: `revision ${revision}`, newest: next - 1 + pending.length }
      if (revision >= next) return yield* new RevisionUnknown(unknown)
      const closed = yield* storage(readAround(files, revision))
      const { broken, first, lines } = closed ?? (yield* lastSegment(seen))
      if (broken) {
        const known = closed === undefined ? beginsWith(first) : {}
        if (known.from === undefined || revision < known.from - 1) {
          return yield* new HistoryInvalid({ ...known, reason: `around revision ${revision} was changed` })
        }
        const since = newestFirst(lines).filter((commit) => commit.revision > revision)
        return rewind(seen.head, since.toReversed().flatMap(({ events }) => events))
      }
      const oldest = lines[0]?.record._tag === "Snapshot" ? lines[0].record.revision - 1 : 0
      if (revision < oldest) return yield* new RevisionUnknown({ ...unknown, oldest })
      return historyOf(lines, seen.state.defaultRepository).after(revision)
    })
  }
}

/** The revision of the first commit in or after a line. */
const beginsWith = (line: Line | undefined): { readonly from?: number } => {
  const record = line?.record
  if (record === undefined) return {}
  return { from: record._tag === "Group" ? record.commits[0].revision : record.revision }
}

const damagedHistory = new HistoryInvalid({ reason: "has a broken chain" })

/** What segments began with, each as one commit. */
const snapshotCommits = (lines: ReadonlyArray<Line>): ReadonlyArray<FoundCommit> =>
  lines.flatMap(({ record }) =>
    record._tag === "Snapshot"
      ? [{
        revision: record.revision,
        time: record.time,
        actor: "foreign",
        events: record.entries.map((value) => new EntryAdded({ value }))
      }]
      : []
  )

const newestFirst = (lines: ReadonlyArray<Line>): ReadonlyArray<FoundCommit> =>
  committed(lines).flatMap(({ commits, journal }) => commits.map((commit) => ({ ...commit, journal }))).toReversed()

/** The revision that the next commit gets. */
const nextOf = ({ damaged, end: { last }, unpublished, wiped }: LayoutView): number => {
  if (damaged || wiped) return 1
  return unpublished && last?.record._tag === "Group" ? last.record.commits[0].revision : nextRevision(last)
}

/** What others have changed since the last commit, as the commits that it will be, the oldest first. */
const pendingCommits = (seen: LayoutView): ReadonlyArray<FoundCommit> => {
  const { end, index } = seen
  if (index === undefined) return []
  const time = Math.max(index.modified, lastTime(end.last))
  return foreignDrafts(seen, seen.state).map((draft, place) => ({
    ...draft,
    time,
    revision: nextOf(seen) + place,
    pending: true
  }))
}
