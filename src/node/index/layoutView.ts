/** What index.json and the journal say together; readers and writers see the same. */
import { Clock, Effect } from "effect"
import { relative } from "node:path"
import { merge, type Merged } from "../../layout/reconcile.ts"
import { empty, fromIndex, type State } from "../../layout/State.ts"
import { IndexInvalid, LayoutInvalid } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import { asStorage } from "../files/asStorage.ts"
import { identityOf } from "../files/identity.ts"
import { type LayoutFiles, statIfThere } from "../files/layoutFiles.ts"
import type { FileHandle, FsError } from "../fs/LayoutFs.ts"
import { type JournalEnd, readEnd } from "../journal/journalFile.ts"
import { isOfGroup, isSpent, lastHash, lastOf, type LayoutIdentity } from "../journal/journalRecord.ts"
import { segmentUpTo } from "../journal/journalSegments.ts"
import { findMarker, type IndexOnDisk, type LayoutProblem, type Marker, readIndex, requireWhole } from "./indexFile.ts"
import { isBuiltAnew, isSameLayout, partsDiffer, partsNow } from "./parts.ts"
import { baseOf, type Past, readPast, supersededAt } from "./past.ts"
import { stillWaits } from "./replacedIndexes.ts"

export interface LayoutView {
  /** Nothing when there is no index: an empty layout, which the first write creates. */
  readonly index: IndexOnDisk | undefined
  /** Keeps the inode of `index` in use; the caller that drops the view closes it. */
  readonly handle: FileHandle | undefined
  /** Whether there is an `oci-layout`. */
  readonly created: boolean
  /** Whether a tool has left an `oci-layout` that is no JSON: the journal says that this is a layout all the same. */
  readonly torn: boolean
  readonly end: JournalEnd
  /** What the layout is made of now. */
  readonly parts: LayoutIdentity
  /** The state after the last commit of the journal that happened. */
  readonly head: State
  /** What the index says. */
  readonly found: State
  /** The state that holds: the head, unless another tool has changed the index since. */
  readonly state: State
  /** As `state`, but with the other tool's values for names where R10 keeps ours. Otherwise the same as `state`. */
  readonly toolState: State
  /** Whether `state` is not what the index says: something of ours that was overwritten is to be put back. */
  readonly restored: boolean
  /**
   * Whether the next write has to write the index although its entries are right: it lost its generation, or the
   * layout was copied, and what it is made of is to be recorded anew.
   */
  readonly renew: boolean
  /** Whether the last group of the journal never happened. */
  readonly unpublished: boolean
  /** Whether the journal's chain is broken or cannot go on, so that it says nothing about the index. */
  readonly damaged: boolean
  /** Whether the journal is of a layout that was removed; another one was built in its place. */
  readonly wiped: boolean
}

/** Reads the index between two reads of the end of the journal (R6). */
export const readLayoutView = Effect.fnUntraced(function*(
  files: LayoutFiles,
  defaultRepository: Repository | undefined,
  knownEnd?: JournalEnd
): Effect.fn.Return<LayoutView, LayoutProblem> {
  for (let end = knownEnd;;) {
    const read = yield* readIndex(files)
    const rest = Effect.gen(function*() {
      const marker = yield* findMarker(files)
      end = yield* asStorage(files.root)(readEnd(files, end))
      if (end.last === undefined) yield* requireWhole(files, marker)
      const parts = yield* asStorage(files.root)(partsNow(files))
      const seen = { created: marker !== undefined, torn: marker?.torn !== undefined, end, parts }
      return read === undefined
        ? yield* withoutIndex(files, seen, defaultRepository)
        : yield* withIndex(files, { ...read, ...seen, marker }, defaultRepository)
    })
    const observation = yield* Effect.onError(rest, () => read === undefined ? Effect.void : read.handle.close)
    if (observation !== undefined) return observation
    if (read !== undefined) yield* read.handle.close
  }
})

const nothingOf = (defaultRepository: Repository | undefined) => {
  const nothing = empty(defaultRepository)
  return {
    head: nothing,
    found: nothing,
    state: nothing,
    toolState: nothing,
    restored: false,
    renew: false,
    unpublished: false,
    damaged: false,
    wiped: false
  }
}

const withoutIndex = Effect.fnUntraced(function*(
  { index, root }: LayoutFiles,
  seen: Pick<LayoutView, "created" | "end" | "parts" | "torn">,
  defaultRepository: Repository | undefined
): Effect.fn.Return<LayoutView, IndexInvalid> {
  const { created, end } = seen
  if (created && end.last !== undefined) {
    return yield* new IndexInvalid({
      path: relative(root, index),
      reason: "is missing, though the journal has commits"
    })
  }
  return {
    ...nothingOf(defaultRepository),
    ...seen,
    index: undefined,
    handle: undefined,
    damaged: isSpent(end.last) || end.lost === true,
    // Neither oci-layout nor index.json: all but our own folder was removed.
    wiped: end.last !== undefined
  }
})

/** Answers `undefined` if the journal has changed during this look. Then the caller looks again. */
const withIndex = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { marker, ...seen }: {
    readonly index: IndexOnDisk
    readonly handle: FileHandle
    readonly created: boolean
    readonly torn: boolean
    readonly marker: Marker | undefined
    readonly end: JournalEnd
    readonly parts: LayoutIdentity
  },
  defaultRepository: Repository | undefined
): Effect.fn.Return<LayoutView | undefined, LayoutProblem> {
  const { end, parts, index } = seen
  if (marker === undefined) {
    return yield* new LayoutInvalid({
      path: relative(files.root, files.marker),
      reason: `is missing beside ${relative(files.root, files.index)}`
    })
  }
  const found = fromIndex(index.entries, { defaultRepository, bytes: index.bytes })
  const nothing = nothingOf(defaultRepository)
  const whole = { ...nothing, ...seen, found, state: found, toolState: found }
  const { last } = end
  // We adopt this layout: its present entries become the first commit.
  if (last === undefined) return { ...whole, damaged: end.lost === true }
  if (isSpent(last)) return { ...whole, damaged: true }
  const { record } = last
  // The hash in an abort is not enough: changes by other tools in that index were in the aborted group, and are in no
  // commit.
  if (record._tag !== "Abort" && record.after === index.hash) {
    return { ...whole, head: found, renew: partsDiffer(record.parts, parts) }
  }
  const storage = asStorage(files.root)
  const waits = record._tag === "Group" && (yield* storage(stillWaits(files, record)))
  // A writer that was overtaken says so in the journal first, and then removes the file.
  if (!waits && (yield* storage(hasMoved(files, end)))) return undefined
  const unpublished = waits && !isOfGroup(index.generation, record)
  const segment = yield* storage(segmentUpTo(files, last))
  if (segment === undefined || segment.broken) return { ...whole, damaged: true }
  const past = yield* storage(
    readPast(files, { newest: segment.lines, unpublished, generation: index.generation, defaultRepository })
  )
  const top = lastOf(past.lines)
  const renew = top !== undefined && (!isOfGroup(index.generation, top) || partsDiffer(top.parts, parts))
  const known = { ...whole, head: past.head, unpublished, renew }
  if (lastHash(past.lines) === index.hash) return { ...known, head: found }
  const explained = yield* storage(explain(files, { index, found, marker, parts, past }))
  if (explained === "built anew") return { ...whole, wiped: true }
  return { ...known, ...explained, restored: explained.state !== found }
})

/** Whether the journal has gone on since its end was read. */
const hasMoved = ({ fs, journal }: LayoutFiles, end: JournalEnd): Effect.Effect<boolean, FsError> =>
  Effect.map(statIfThere(fs, journal), (stat) => stat === undefined || identityOf(stat) !== end.identity)

/** Explains an index that differs from the head: restored copy, built anew, or rewritten by a tool, which is merged. */
const explain = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { parts, found, index, marker, past }: {
    readonly index: IndexOnDisk
    readonly found: State
    readonly marker: Marker
    readonly parts: LayoutIdentity
    readonly past: Past
  }
): Effect.fn.Return<Merged | "built anew", FsError> {
  const now = yield* Clock.currentTimeMillis
  const superseded = supersededAt(past.lines, index.hash)
  // In a copy of the layout all files are as young as the copy.
  const isSame = isSameLayout(lastOf(past.lines)?.parts, parts)
  if (superseded !== undefined && isSame && isRestoredCopy({ index, marker, superseded, now })) {
    return { state: found, toolState: found }
  }
  if (!past.isOurs && (yield* isBuiltAnew(files, past, { found, parts }))) return "built anew"
  return merge(past.head, found, baseOf(past, index.generation))
})

/** How long ago a version must have been superseded for a file with its bytes to be a copy that a person restored. */
const restoredMillis = 24 * 60 * 60 * 1000

/**
 * Some tools write `oci-layout` together with the index; a person who restores a copy of the index does not:
 * milliseconds.
 */
const sameHandMillis = 2000

/**
 * Whether a file with the bytes of an earlier version is a copy that a person restored, rather than what a tool read
 * before our last commits and wrote back. A tool reads, works for a while, and writes: so the version must have been
 * superseded a day before the file arrived here, and the file must have been written before that, or at least a day
 * after it and not together with oci-layout (R12). Otherwise it is treated as a stale rewrite: that loses nothing.
 */
const isRestoredCopy = ({ index: { changed, modified }, marker, now, superseded }: {
  readonly index: IndexOnDisk
  readonly marker: Marker
  /** When the version was superseded: milliseconds since 1970. */
  readonly superseded: number
  readonly now: number
}): boolean =>
  changed <= now && modified <= now &&
  changed - superseded >= restoredMillis &&
  (modified <= superseded ||
    (modified - superseded >= restoredMillis && Math.abs(marker.modified - modified) > sameHandMillis))
