/**
 * The journal in segments. The one being written has a fixed name; once it is long, it is kept under the number of the
 * commit that comes next, and a new one begins with all that it led to. So the end of the journal is one file of bounded
 * size, however much has happened.
 */
import { Effect } from "effect"
import { dirname, join } from "node:path"
import type { State } from "../../layout/State.ts"
import { syncFolder, tell, writeSynced } from "../files/durable.ts"
import { cannotLink } from "../files/fallback.ts"
import { identityOf } from "../files/identity.ts"
import { ifThere, type LayoutFiles, statIfThere } from "../files/layoutFiles.ts"
import type { FsError } from "../fs/LayoutFs.ts"
import { type JournalEnd, readSegment, readWhole, replaceJournal, type Segment, skimSegment } from "./journalFile.ts"
import { lastOf, lastTime, type Line, nextRevision, SnapshotRecord, writeLine } from "./journalRecord.ts"

const form = /^before-(\d{15})\.ndjson$/u

/** The segment whose commits come before that of a revision. */
const segmentBefore = ({ journal }: LayoutFiles, revision: number): string =>
  join(dirname(journal), `before-${String(revision).padStart(15, "0")}.ndjson`)

/** The revisions that come after each of the segments that are closed, the oldest first. */
const closedSegments = (files: LayoutFiles): Effect.Effect<ReadonlyArray<number>, FsError> =>
  Effect.map(ifThere(files.fs.readDirectory(dirname(files.journal))), (names = []) =>
    names.flatMap((name) => {
      const [, revision] = form.exec(name) ?? []
      return revision === undefined ? [] : [Number(revision)]
    }).toSorted((a, b) => a - b))

/**
 * The lines of the journal, oldest first, as far back as is asked for: by whole segments, until `enough` is content with
 * them or there is none before them whose end is the line that they go on from.
 *
 * @param newest the lines to begin with; those of the segment that is being written by default
 */
export const readLines = Effect.fnUntraced(function*(
  files: LayoutFiles,
  enough: (lines: ReadonlyArray<Line>) => boolean = () => false,
  newest?: ReadonlyArray<Line>
): Effect.fn.Return<ReadonlyArray<Line>, FsError> {
  let lines = newest ?? (yield* readSegment(files, files.journal))
  while (!enough(lines)) {
    const before = yield* skimBefore(files, lines[0])
    if (before === undefined) break
    lines = before.lines.concat(lines)
  }
  return lines
})

/**
 * The segment with a line that was the last of the journal a moment ago, up to that line: by now there may be more, also
 * in later segments. Nothing where no chain leads back to it.
 */
export const segmentUpTo = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { hash }: Line,
  mentioning?: string
): Effect.fn.Return<Segment | undefined, FsError> {
  const wanted = { mentioning, upTo: hash }
  let segment: Segment = yield* skimSegment(files, files.journal, wanted)
  while (segment.last !== hash) {
    const { first }: Segment = segment
    if (first?.record._tag !== "Snapshot") return undefined
    segment = yield* skimSegment(files, segmentBefore(files, first.record.revision), wanted)
    if (segment.last !== hash && segment.last !== first.record.prev) return undefined
  }
  return segment
})

/** The segment that a snapshot goes on from; nothing where it was let go of, or is another one. */
export const skimBefore = Effect.fnUntraced(function*(
  files: LayoutFiles,
  first: Line | undefined,
  wanted?: Parameters<typeof skimSegment>[2]
): Effect.fn.Return<Segment | undefined, FsError> {
  if (first?.record._tag !== "Snapshot") return undefined
  const before = yield* skimSegment(files, segmentBefore(files, first.record.revision), wanted)
  return before.last === first.record.prev ? before : undefined
})

/** The closed segment that the commit of a revision is in; broken also where the next one does not go on from it. */
export const readAround = Effect.fnUntraced(function*(
  files: LayoutFiles,
  revision: number
): Effect.fn.Return<Segment | undefined, FsError> {
  const current = yield* skimSegment(files, files.journal, { mentioning: inNoLine })
  // A crash may have left a name for a segment that was not closed after all.
  const begins = current.first?.record._tag === "Snapshot" ? current.first.record.revision : 1
  const [before, after] = (yield* closedSegments(files)).filter((after) => after > revision && after <= begins)
  if (before === undefined) return undefined
  const segment = yield* skimSegment(files, segmentBefore(files, before))
  const { first } = after === undefined
    ? current
    : yield* skimSegment(files, segmentBefore(files, after), { mentioning: inNoLine })
  const isNext = first?.record._tag === "Snapshot" && first.record.prev === segment.last
  return { ...segment, broken: segment.broken || !isNext }
})

/** Stands in no line. */
const inNoLine = "\u0000"

/**
 * Begins a new segment where the last one has become long, and lets go of segments that are kept no longer. A crash at
 * any point leaves the old segment or the new one, each with all that it goes on from.
 *
 * @param head the state after the last commit that happened
 */
export const rotate = Effect.fnUntraced(function*(
  files: LayoutFiles,
  end: JournalEnd,
  { head, indexBytes, now }: { readonly head: State; readonly indexBytes: number; readonly now: number }
): Effect.fn.Return<JournalEnd, FsError> {
  const { last } = end
  const { segmentBytes, segmentIndexes } = files.history
  if (last === undefined || end.size < Math.max(segmentBytes, segmentIndexes * indexBytes)) return end
  const lines = yield* readSegment(files, files.journal)
  const [first] = lines
  const top = lastOf(lines)
  const revision = nextRevision(last)
  if (first?.record._tag === "Snapshot" && first.record.revision === revision) return end
  const old = yield* outlived(files, revision, now)
  const kept = (yield* closedSegments(files)).find((after) => !old.includes(after))
  const record = new SnapshotRecord({
    journal: last.record.journal,
    seq: last.record.seq + 1,
    prev: last.hash,
    revision,
    started: startedAt(first) ?? now,
    time: lastTime(last),
    oldest: kept ?? revision,
    after: top?.after ?? "",
    id: top?.id ?? "",
    parts: top?.parts ?? { blobs: "", own: "", marker: "" },
    entries: head.entries.map(({ value }) => value)
  })
  yield* keepSegment(files, segmentBefore(files, revision))
  const begun = yield* beginSegment(files, record)
  for (const after of old) yield* ifThere(files.fs.unlink(segmentBefore(files, after)))
  return begun
})

/** When the first commit of a journal happened, by a first line of any of its segments. */
const startedAt = (first: Line | undefined): number | undefined => {
  if (first?.record._tag === "Snapshot") return first.record.started
  return first?.record._tag === "Group" ? first.record.commits[0].time : undefined
}

/** The closed segments that are kept no longer. */
const outlived = Effect.fnUntraced(function*(
  files: LayoutFiles,
  revision: number,
  now: number
): Effect.fn.Return<ReadonlyArray<number>, FsError> {
  const { keepCommits, keepMillis } = files.history
  const old: Array<number> = []
  for (const after of yield* closedSegments(files)) {
    if (revision - after < keepCommits) break
    const stat = yield* statIfThere(files.fs, segmentBefore(files, after))
    // It was written for the last time when its last commit happened.
    if (stat !== undefined && now - Number(stat.mtimeNs / 1_000_000n) >= keepMillis) old.push(after)
  }
  return old
})

/** Gives the segment that is being written a second name, which stays. */
const keepSegment = Effect.fnUntraced(function*(
  files: LayoutFiles,
  path: string
): Effect.fn.Return<void, FsError> {
  const { fs, journal } = files
  // A crash may have left an older one here, before the journal went on in the same segment.
  yield* ifThere(fs.unlink(path))
  if ((yield* tell(fs.link(journal, path), ...cannotLink)) !== "done") {
    const bytes = yield* Effect.scoped(Effect.gen(function*() {
      const handle = yield* fs.open(journal, { access: "read" })
      return yield* readWhole(journal, handle, (yield* handle.stat).size)
    }))
    yield* writeSynced(files, "segment", bytes, (temporary) => fs.rename(temporary, path))
  }
  yield* syncFolder(files, dirname(journal))
})

const beginSegment = Effect.fnUntraced(function*(
  files: LayoutFiles,
  record: SnapshotRecord
): Effect.fn.Return<JournalEnd, FsError> {
  const { hash, text } = writeLine(record)
  const bytes = Buffer.from(text)
  const identity = yield* writeSynced(
    files,
    "segment",
    bytes,
    (path, handle) => Effect.map(Effect.andThen(replaceJournal(files, path), handle.stat), identityOf)
  )
  return { last: { record, hash }, size: bytes.length, torn: 0, identity, named: true }
})

/** How the segments of a layout that was removed are called, with the time at which they were put aside. */
const removedForm = /\.ndjson\.removed\.(\d{1,16})\.[0-9a-f]{32}$/u

/** The lines of journals that were put aside since a time, since their layouts were removed. */
export const linesPutAside = Effect.fnUntraced(function*(
  files: LayoutFiles,
  since: number
): Effect.fn.Return<ReadonlyArray<Line>, FsError> {
  const folder = dirname(files.journal)
  const names = (yield* ifThere(files.fs.readDirectory(folder))) ?? []
  const lines: Array<Line> = []
  for (const name of names) {
    const [, removed] = removedForm.exec(name) ?? []
    if (removed !== undefined && Number(removed) >= since) lines.push(...yield* readSegment(files, join(folder, name)))
  }
  return lines
})

/**
 * Takes every segment out of the way, and the replaced indexes with them: a history that says nothing about the index
 * any more is kept for a person to look at. The replaced indexes go first: without their journal they would be merged.
 */
export const setAside = Effect.fnUntraced(function*(
  files: LayoutFiles,
  suffix: string
): Effect.fn.Return<void, FsError> {
  yield* ifThere(files.fs.rename(files.replaced, join(dirname(files.journal), `replaced.${suffix}`)))
  yield* syncFolder(files, files.own)
  for (const revision of yield* closedSegments(files)) {
    const path = segmentBefore(files, revision)
    yield* ifThere(files.fs.rename(path, `${path}.${suffix}`))
  }
  yield* files.fs.rename(files.journal, `${files.journal}.${suffix}`)
  yield* syncFolder(files, dirname(files.journal))
})
