/** What index.json and the journal say together; readers and writers see the same. */
import { Clock, Effect } from "effect"
import { relative } from "node:path"
import { replay } from "../layout/evolve.ts"
import { type Findings, reconcile, takeIn } from "../layout/reconcile.ts"
import { empty, fromEntries, fromIndex, type State } from "../layout/State.ts"
import { IndexInvalid, LayoutInvalid, type StorageError, type SymlinkRefused } from "../oci/OciError.ts"
import type { Repository } from "../oci/Reference.ts"
import { type Changed, stillWaits } from "./displaced.ts"
import { checkLayout, type IndexOnDisk, type LayoutProblem, readIndex } from "./indexFile.ts"
import { type JournalEnd, readEnd } from "./journalFile.ts"
import { type GroupRecord, isSpent, type Line } from "./journalRecord.ts"
import { readLines, segmentUpTo, speaksOf, startedAt } from "./journalSegments.ts"
import { asStorage, type LayoutFiles } from "./layoutFiles.ts"
import type { FileHandle, FsError } from "./LayoutFs.ts"

export interface Observation {
  /** Nothing when there is no index: an empty layout, which the first write creates. */
  readonly index: IndexOnDisk | undefined
  /** Pins the inode of `index`; whoever drops the observation closes it. */
  readonly handle: FileHandle | undefined
  /** Whether there is an `oci-layout`. */
  readonly created: boolean
  readonly end: JournalEnd
  /** The state after the last commit of the journal that happened. */
  readonly head: State
  /** What the index says. */
  readonly found: State
  /** The state that holds: the head, unless somebody else has changed the index since. */
  readonly state: State
  /** Whether `state` is not what the index says: something of ours that was overwritten is to be put back. */
  readonly restored: boolean
  /** Whether the last group of the journal never happened. */
  readonly unpublished: boolean
  /** Whether the journal's chain is broken or cannot go on, so that it says nothing about the index. */
  readonly damaged: boolean
}

/** How long after our first commit a tool that keeps no annotations is taken to have read the index before it. */
const adoptionMillis = 60 * 60 * 1000

/** Reads everything anew. */
export const observe = Effect.fnUntraced(function*(
  files: LayoutFiles,
  defaultRepository: Repository | undefined,
  knownEnd?: JournalEnd
): Effect.fn.Return<Observation, LayoutProblem> {
  const read = yield* readIndex(files)
  const rest = Effect.gen(function*() {
    const created = yield* checkLayout(files)
    const end = yield* asStorage(files.root)(readEnd(files, knownEnd))
    return read === undefined
      ? yield* withoutIndex(files, created, end, defaultRepository)
      : yield* withIndex(files, { ...read, created, end }, defaultRepository)
  })
  return yield* Effect.onError(rest, () => read === undefined ? Effect.void : read.handle.close)
})

const withoutIndex = Effect.fnUntraced(function*(
  { index, root }: LayoutFiles,
  created: boolean,
  end: JournalEnd,
  defaultRepository: Repository | undefined
): Effect.fn.Return<Observation, IndexInvalid> {
  if (created && end.last !== undefined) {
    return yield* new IndexInvalid({
      path: relative(root, index),
      reason: "is missing, though the journal has commits"
    })
  }
  return {
    index: undefined,
    handle: undefined,
    created,
    end,
    head: empty(defaultRepository),
    found: empty(defaultRepository),
    state: empty(defaultRepository),
    restored: false,
    unpublished: false,
    damaged: isSpent(end.last) || end.lost === true
  }
})

const withIndex = Effect.fnUntraced(function*(
  files: LayoutFiles,
  seen: {
    readonly index: IndexOnDisk
    readonly handle: FileHandle
    readonly created: boolean
    readonly end: JournalEnd
  },
  defaultRepository: Repository | undefined
): Effect.fn.Return<Observation, LayoutProblem> {
  const { created, end, index } = seen
  if (!created) {
    return yield* new LayoutInvalid({
      path: relative(files.root, files.layout),
      reason: `is missing beside ${relative(files.root, files.index)}`
    })
  }
  const found = fromIndex(index.entries, { defaultRepository, bytes: index.bytes })
  const record = end.last?.record
  const nothing = empty(defaultRepository)
  const whole = { ...seen, found, state: found, restored: false, unpublished: false, damaged: false }
  // A layout that we take on: what is in it already is the first thing that happened.
  if (record === undefined) return { ...whole, head: nothing, damaged: end.lost === true }
  if (isSpent(end.last)) return { ...whole, head: nothing, damaged: true }
  // An abort names the index that holds as well, but what others had done to it was part of what did not happen.
  if (record._tag !== "Abort" && record.after === index.hash) return { ...whole, head: found }
  const segment = end.last === undefined ? undefined : yield* asStorage(files.root)(segmentUpTo(files, end.last))
  if (segment === undefined) return { ...whole, head: nothing, damaged: true }
  const now = yield* Clock.currentTimeMillis
  const unpublished = record._tag === "Group" &&
    (record.before === index.hash || (yield* asStorage(files.root)(stillWaits(files, record))))
  const evidence = yield* asStorage(files.root)(
    findings(files, { lines: segment.lines, unpublished, index, found, now })
  )
  const state = reconcile(evidence)
  return { ...whole, head: evidence.head, state, restored: state !== found, unpublished }
})

/**
 * How an index came to be that is not the journal's head (DESIGN 4, "Generation" and "Reconciling a foreign change").
 *
 * A last group that neither the index nor the place it was to be published from shows as never published counts as
 * committed: it may have been acknowledged, and then overwritten.
 */
const findings = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { found, index, lines: newest, now, unpublished }: {
    readonly lines: ReadonlyArray<Line>
    readonly unpublished: boolean
    readonly index: IndexOnDisk
    readonly found: State
    readonly now: number
  }
): Effect.fn.Return<Findings, FsError> {
  const happened = (enough: (lines: ReadonlyArray<Line>) => boolean) =>
    Effect.map(readLines(files, enough, newest), (lines) => unpublished ? lines.slice(0, -1) : lines)
  const derived = index.generation?.journal === newest[0]?.record.journal ? index.generation?.seq : undefined
  const lines = yield* happened((lines) => derived === undefined || reaches(lines, derived))
  const { defaultRepository } = found
  const history = historyOf(lines, defaultRepository)
  const head = history.upTo(Number.POSITIVE_INFINITY)
  const accepted: Findings = { head, index: found, origin: { _tag: "Accepted" } }
  const groups = committed(lines)
  if (groups.some(({ after, before }) => after === index.hash || before === index.hash)) return accepted
  if (derived !== undefined) return { head, index: found, origin: { _tag: "Derived", base: history.upTo(derived) } }
  const started = startedAt(lines[0])
  if (started === undefined || now - started >= adoptionMillis || (yield* speaksOf(files, index.hash))) return accepted
  const first = committed(yield* happened(() => false))[0]?.commits[0]
  const nothing = empty(defaultRepository)
  const base = first?.actor === "foreign" ? replay(nothing, first.events) : nothing
  return { head, index: found, origin: { _tag: "Derived", base } }
})

/** Whether lines go back to the one of this number. */
const reaches = (lines: ReadonlyArray<Line>, seq: number): boolean => (lines[0]?.record.seq ?? 0) <= seq

/** The states that lines of a journal tell of; before the first of them, all is as it was then. */
export const historyOf = (lines: ReadonlyArray<Line>, defaultRepository: Repository | undefined) => {
  const first = lines[0]?.record
  const start = first?._tag === "Snapshot"
    ? fromEntries(first.entries, defaultRepository)
    : empty(defaultRepository)
  const groups = committed(lines)
  return {
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

/** The groups that happened: all that no abort takes back. */
export const committed = (lines: ReadonlyArray<Line>): ReadonlyArray<GroupRecord> => {
  const aborted = new Set(lines.flatMap(({ record }) => record._tag === "Abort" ? [record.aborts] : []))
  return lines.flatMap(({ record }) => record._tag === "Group" && !aborted.has(record.seq) ? [record] : [])
}

/** The state that holds once what others wrote into replaced indexes is merged. */
export const withDisplaced = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { state }: Pick<Observation, "state">,
  changed: ReadonlyArray<Changed>
): Effect.fn.Return<State, StorageError | SymlinkRefused> {
  if (changed.length === 0) return state
  const { defaultRepository } = state
  const lines = yield* asStorage(files.root)(readLines(files, (lines) => changed.every(isWithin(lines))))
  const groups = committed(lines)
  const history = historyOf(lines, defaultRepository)
  return changed.reduce((ours, { displaced, index, instead }) => {
    const { after, before } = displaced
    const record = groups.findLast((group) => group.before === before && group.after === after)
    const base = instead !== undefined && isSameVersion(index.generation ?? instead.generation, instead.generation)
      ? instead.state
      : index.generation !== undefined && index.generation.journal === lines[0]?.record.journal
      ? history.upTo(index.generation.seq)
      : record === undefined
      ? undefined
      : history.upTo(record.seq - 1)
    const since = record === undefined ? base : history.upTo(record.seq)
    return takeIn(ours, {
      index: fromIndex(index.entries, { defaultRepository, bytes: index.bytes }),
      versions: base === undefined || since === undefined ? undefined : { base, since },
      whole: instead !== undefined
    })
  }, state)
})

/** Whether lines tell when an index was replaced, and go back to the version its writer started from. */
const isWithin = (lines: ReadonlyArray<Line>) => ({ displaced: { after, before }, index: { generation } }: Changed) =>
  committed(lines).some((group) => group.before === before && group.after === after) &&
  (generation === undefined || generation.journal !== lines[0]?.record.journal || reaches(lines, generation.seq))

const isSameVersion = (one: IndexOnDisk["generation"], other: IndexOnDisk["generation"]): boolean =>
  one?.journal === other?.journal && one?.seq === other?.seq
