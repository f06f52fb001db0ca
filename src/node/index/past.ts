/** What the journal tells of the past: the states that were, and what an index of another tool may go back to. */
import { Effect } from "effect"
import { overrules } from "../../layout/Commit.ts"
import type { Event } from "../../layout/Event.ts"
import { replay } from "../../layout/evolve.ts"
import { type Base, saidSince, takeIn } from "../../layout/reconcile.ts"
import { empty, fromEntries, fromIndex, type State } from "../../layout/State.ts"
import type { StorageError, SymlinkRefused } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import { asStorage } from "../files/asStorage.ts"
import type { LayoutFiles } from "../files/layoutFiles.ts"
import type { FsError } from "../fs/LayoutFs.ts"
import {
  committed,
  type Generation,
  type GroupRecord,
  isOfGroup,
  type Line,
  snapshotOf
} from "../journal/journalRecord.ts"
import { readLines } from "../journal/journalSegments.ts"
import type { ChangedIndex } from "./replacedIndexes.ts"

/** The states that the lines of a journal describe; a point before the first line gives the state of the first line. */
export const historyOf = (lines: ReadonlyArray<Line>, defaultRepository: Repository | undefined) => {
  const first = snapshotOf(lines)
  const start = first === undefined ? empty(defaultRepository) : fromEntries(first.entries, defaultRepository)
  const groups = committed(lines)
  return {
    /** Before the first group. */
    start,
    /** After the last group up to this line. */
    upTo: (seq: number): State =>
      groups.filter((group) => group.seq <= seq)
        .reduce((state, { commits }) => replay(state, commits.flatMap(({ events }) => events)), start),
    /** After the commit of a revision. */
    after: (revision: number): State =>
      groups.flatMap(({ commits }) => commits).filter((commit) => commit.revision <= revision)
        .reduce((state, { events }) => replay(state, events), start)
  }
}

export interface Past {
  /** Lines back to the base of the index at least; without the last group, if it was not published. */
  readonly lines: ReadonlyArray<Line>
  /** The state after the last group. */
  readonly head: State
  /** Whether the index carries a generation of this journal, so that its writer had read one of ours. */
  readonly isOurs: boolean
  readonly defaultRepository: Repository | undefined
}

/** Reads as much of the past as an index with this generation needs. */
export const readPast = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { defaultRepository, generation, newest, unpublished }: {
    /** The lines of the last segment. */
    readonly newest: ReadonlyArray<Line>
    readonly unpublished: boolean
    readonly generation: Generation | undefined
    readonly defaultRepository: Repository | undefined
  }
): Effect.fn.Return<Past, FsError> {
  const lines = yield* readLines(files, (lines) => reachesBack(lines, generation), newest)
  const happened = unpublished ? lines.slice(0, -1) : lines
  return {
    lines: happened,
    head: historyOf(happened, defaultRepository).upTo(Number.POSITIVE_INFINITY),
    isOurs: isOfJournal(generation, lines),
    defaultRepository
  }
})

const isOfJournal = (generation: Generation | undefined, lines: ReadonlyArray<Line>): generation is Generation =>
  generation !== undefined && generation.journal === lines[0]?.record.journal

/** Whether lines have the group that an index goes back to. Without one, all of the journal counts. */
const reachesBack = (lines: ReadonlyArray<Line>, generation: Generation | undefined): boolean =>
  isOfJournal(generation, lines) && committed(lines).some((group) => isOfGroup(generation, group))

/**
 * When the index with this hash was superseded for the last time: milliseconds since 1970. Infinite where it holds
 * still; nothing where no group wrote or replaced it.
 */
export const supersededAt = (lines: ReadonlyArray<Line>, hash: string): number | undefined => {
  const groups = committed(lines)
  const timeOf = (group: GroupRecord | undefined): number => group?.commits.at(-1)?.time ?? Number.POSITIVE_INFINITY
  const times = groups.flatMap((group, place) => [
    ...(group.after === hash ? [timeOf(groups[place + 1])] : []),
    ...(group.before === hash ? [timeOf(group)] : [])
  ])
  if (snapshotOf(lines)?.after === hash) times.push(timeOf(groups[0]))
  return times.length === 0 ? undefined : Math.max(...times)
}

/**
 * The base of an index (R9): the group of its generation; the whole journal, if the generation is of this journal but
 * of an unknown group (a copy that was changed separately); without a generation, the state when we adopted the layout.
 *
 * @param upTo the last line that its writer can have known of
 */
export const baseOf = (
  { defaultRepository, lines }: Pick<Past, "defaultRepository" | "lines">,
  generation: Generation | undefined,
  upTo = Number.POSITIVE_INFINITY
): Base => {
  const history = historyOf(lines, defaultRepository)
  const groups = committed(lines).filter(({ seq }) => seq <= upTo)
  const own = groups.find((group) => isOfGroup(generation, group))
  const eventsAfter = (seq: number) =>
    groups.filter((group) => group.seq > seq).flatMap(({ commits }) => commits).map(({ events }) => events)
  if (own !== undefined) return { said: saidSince(history.upTo(own.seq), heldSince(groups, own.seq)) }
  if (isOfJournal(generation, lines)) return { said: saidSince(history.start, eventsAfter(0)), diverged: true }
  const [first, ...later] = eventsAfter(0)
  const isAdopted = snapshotOf(lines) === undefined && groups[0]?.commits[0].actor === "foreign"
  if (!isAdopted || first === undefined) {
    return { said: saidSince(history.start, eventsAfter(0)), adopted: history.start }
  }
  const adopted = replay(history.start, first)
  return { said: saidSince(adopted, later), adopted }
}

/**
 * The events after a line, as they appeared in our indexes. A `foreign` commit that the next commit overruled (R10) was
 * never in an index of ours, so the two count as one.
 */
const heldSince = (groups: ReadonlyArray<GroupRecord>, seq: number): ReadonlyArray<ReadonlyArray<Event>> => {
  const commits = groups.filter((group) => group.seq > seq).flatMap((group) => group.commits)
  return commits.flatMap((commit, place) => {
    const next = commits[place + 1]
    if (next !== undefined && overrules(next)) return []
    return [overrules(commit) ? [...(commits[place - 1]?.events ?? []), ...commit.events] : commit.events]
  })
}

/** The state once the changes of other tools in replaced indexes are merged (R11). */
export const withReplacedIndexes = Effect.fnUntraced(function*(
  files: LayoutFiles,
  state: State,
  changed: ReadonlyArray<ChangedIndex>
): Effect.fn.Return<State, StorageError | SymlinkRefused> {
  if (changed.length === 0) return state
  const { defaultRepository } = state
  const lines = yield* asStorage(files.root)(readLines(files, (lines) => changed.every(isWithin(lines))))
  const groups = committed(lines)
  const history = historyOf(lines, defaultRepository)
  return changed.reduce((ours, { replaced: { after, before }, index }) => {
    const record = groups.findLast((group) => group.before === before && group.after === after)
    return takeIn(ours, {
      index: fromIndex(index.entries, { defaultRepository, bytes: index.bytes }),
      versions: record === undefined ? undefined : {
        since: history.upTo(record.seq),
        base: baseOf({ lines, defaultRepository }, index.generation, record.seq)
      }
    })
  }, state)
})

/** Whether lines tell when an index was replaced, and go back to the version its writer started from. */
const isWithin =
  (lines: ReadonlyArray<Line>) => ({ replaced: { after, before }, index: { generation } }: ChangedIndex) =>
    committed(lines).some((group) => group.before === before && group.after === after) && reachesBack(lines, generation)
