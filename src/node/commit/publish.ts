/** Makes a group of commits durable: the journal line, then the index, all or none. */
import { Clock, Effect } from "effect"
import { dirname } from "node:path"
import type { Commit } from "../../layout/Commit.ts"
import type { State } from "../../layout/State.ts"
import type { ContentDigest } from "../../oci/Digest.ts"
import { LayoutLocked, OutcomeUnknown, SymlinkRefused } from "../../oci/OciError.ts"
import { endProtection, syncSecondNames } from "../blobs/secondNames.ts"
import { keepOwner, syncFolder, syncWhole } from "../files/durable.ts"
import { tellDockerSave } from "../files/fallback.ts"
import { identityOf, isAsWritten } from "../files/identity.ts"
import { ifThere, type LayoutFiles, RandomName } from "../files/layoutFiles.ts"
import type { FileHandle, FileStat, FsError } from "../fs/LayoutFs.ts"
import { type IndexBytes, writeIndex } from "../index/indexBytes.ts"
import { type IndexOnDisk, textOf } from "../index/indexFile.ts"
import { asWritten } from "../index/indexSpans.ts"
import { takeApart } from "../index/indexText.ts"
import type { ReplacedIndex } from "../index/replacedIndexes.ts"
import { appendRecord, type JournalEnd } from "../journal/journalFile.ts"
import {
  generationText,
  genesis,
  GroupRecord,
  lastTime,
  type LayoutIdentity,
  nextRevision
} from "../journal/journalRecord.ts"
import type { Draft } from "./drafts.ts"
import { takeBack } from "./interrupted.ts"
import { Overtaken, placeOfIndex, replaceIndex, unlessOvertaken, withWaiting } from "./replaceIndex.ts"

/** What a group left behind. */
export interface Published {
  /** The index that was replaced, where it could be kept. */
  readonly replaced: ReplacedIndex | undefined
  readonly end: JournalEnd
  readonly written: IndexBytes
  readonly index: IndexOnDisk
  /** Pins the new index; the caller closes it. */
  readonly handle: FileHandle
  /** The revision of each draft. */
  readonly revisions: ReadonlyArray<number>
}

/** How long a group may take from its time to its publication; one that takes longer is tried again. */
const slowMillis = 60_000

/** What is to be published, and what it is published over. */
interface Publication {
  readonly end: JournalEnd
  readonly parts: LayoutIdentity
  readonly index: IndexOnDisk
  /** How often another tool has replaced the index meanwhile when this was tried before. */
  readonly overtaken: number
  readonly state: State
  /** The index as we have written it, if we have. */
  readonly written: IndexBytes | undefined
}

/**
 * Writes the state that the drafts lead to, in the order of R3: waiting file, record, exchange, both folders. The
 * caller holds the lock and has brought the journal in order.
 */
export const publish = Effect.fnUntraced(function*(
  files: LayoutFiles,
  publication: Publication,
  drafts: ReadonlyArray<Draft>
): Effect.fn.Return<Published, FsError | OutcomeUnknown | Overtaken> {
  const { end, index, overtaken } = publication
  const name = yield* RandomName
  const now = yield* Clock.currentTimeMillis
  const inTime = notTooLate(now)
  const { record, written } = yield* prepareGroup(publication, drafts, { name, now })
  const target = yield* placeOfIndex(files)
  const givesWay = unlessOvertaken(files, index, overtaken)
  const { recorded, replaced, unpublished } = yield* withWaiting(
    files,
    record,
    Effect.fnUntraced(function*(waiting, handle) {
      yield* keepOwner(handle, index.mode)
      yield* handle.write(written.bytes, 0)
      yield* syncWhole(files, handle)
      yield* givesWay
      yield* syncSecondNames(files)
      yield* syncWaiting(files, index, record.journal)
      const recorded = yield* appendRecord(files, end, record)
      const { replaced, unpublished } = yield* givesWay.pipe(
        Effect.andThen(inTime),
        Effect.andThen(replaceIndex(files, { waiting, target, handle, givesWay })),
        Effect.tapError(() => takeBack(files, recorded, record, index.hash))
      )
      return { replaced, recorded, unpublished }
    })
  )
  yield* afterPublishing(syncExchanged(files, target))
  yield* tellDockerSave(files)
  const { handle, ...onDisk } = yield* afterPublishing(openPublished(files, target, unpublished))
  const { bytes, hashed } = written
  const { id, journal, seq } = record
  return {
    replaced,
    end: recorded,
    written,
    handle,
    index: {
      raw: new Uint8Array(0),
      entries: [],
      hash: hashed.hash,
      hashed,
      bytes: bytes.length,
      generation: { journal, seq, id },
      ...onDisk
    },
    revisions: record.commits.map(({ revision }) => revision)
  }
})

/** The new index, and the record that says what led to it. */
const prepareGroup = Effect.fnUntraced(function*(
  { end, index, parts, state, written: last }: Publication,
  drafts: ReadonlyArray<Draft>,
  { name, now }: { readonly name: () => string; readonly now: number }
): Effect.fn.Return<{ readonly record: GroupRecord; readonly written: IndexBytes }> {
  const generation = {
    journal: end.last?.record.journal ?? name(),
    seq: (end.last?.record.seq ?? 0) + 1,
    id: name().slice(0, 16)
  }
  const first = nextRevision(end.last)
  const time = Math.max(lastTime(end.last), now)
  const [head, ...rest] = drafts.map((draft, place): Commit => ({ revision: first + place, ...draft, time }))
  if (head === undefined) return yield* Effect.die("a group without commits")
  const before = last ?? asWritten(index.raw, index.entries, index.hashed)
  const text = before?.text ?? takeApart(textOf(index), index.entries)
  const written = writeIndex(text, state.entries, generationText(generation), before)
  const record = new GroupRecord({
    ...generation,
    prev: end.last?.hash ?? genesis,
    before: index.hash,
    after: written.hashed.hash,
    parts,
    commits: [head, ...rest]
  })
  return { record, written }
})

/**
 * A machine that sleeps in the middle would publish with a time long past, and a tool that read the index before would
 * seem to have read it a day ago: such a group is tried again.
 */
const notTooLate = (begun: number): Effect.Effect<void, Overtaken> =>
  Effect.flatMap(
    Clock.currentTimeMillis,
    (now) => Math.abs(now - begun) > slowMillis ? Effect.fail(new Overtaken()) : Effect.void
  )

/** Pins the new index. A tool may have written into it since it was published. */
const openPublished = Effect.fnUntraced(function*(
  files: LayoutFiles,
  target: string,
  unpublished: FileStat
): Effect.fn.Return<
  & Pick<IndexOnDisk, "changed" | "identity" | "mode" | "modified" | "mtimeReliable">
  & Pick<Published, "handle">,
  FsError
> {
  const handle = yield* files.fs.openHandle(target, { access: "read" })
  const stat = yield* Effect.onError(handle.stat, () => handle.close)
  const isOurs = isAsWritten(identityOf(unpublished), stat)
  return {
    handle,
    identity: identityOf(stat),
    modified: Number(stat.mtimeNs / 1_000_000n),
    changed: Number(stat.ctimeNs / 1_000_000n),
    mtimeReliable: files.times.exact && isOurs,
    mode: stat
  }
})

/**
 * The name of the waiting file must be on the disk before the record. Otherwise, after a power cut, the record would be
 * there without a waiting file, and count as published (R1). An index that has a generation of this journal corrects
 * this (R2), so the sync is needed only if it has none (R3).
 */
const syncWaiting = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { generation }: IndexOnDisk,
  journal: string
): Effect.fn.Return<void, FsError> {
  if (generation?.journal === journal || (yield* files.fs.ordersNames(files.replaced))) return
  yield* syncFolder(files, files.replaced)
})

/**
 * Both folders (R3), since an exchange changes both: a file system may keep only one half of it through a power cut,
 * and then a record that was answered would look as if it had never been published. ext4 and XFS keep both halves or
 * none.
 */
const syncExchanged = Effect.fnUntraced(function*(
  files: LayoutFiles,
  target: string
): Effect.fn.Return<void, FsError> {
  yield* syncFolder(files, dirname(target))
  if (!(yield* files.fs.ordersNames(files.replaced))) yield* syncFolder(files, files.replaced)
})

/** Once published, a failure no longer says that nothing happened. */
export const afterPublishing = <A>(
  effect: Effect.Effect<A, FsError | SymlinkRefused>
): Effect.Effect<A, OutcomeUnknown> =>
  Effect.mapError(
    effect,
    (error) =>
      new OutcomeUnknown({
        operation: "changing the index",
        reason: error instanceof SymlinkRefused
          ? `it is written, but not all that goes with it (${error.message})`
          : `it is written, but may not survive a power cut (${error.operation}: ${error.code})`
      })
  )

/** Removes the blobs whose deletion is on record, under every name; one that is gone already is gone. */
export const removeBlobs = (
  files: LayoutFiles,
  digests: ReadonlyArray<ContentDigest>
): Effect.Effect<void, OutcomeUnknown> =>
  Effect.forEach(digests, (digest) => {
    const path = files.blob(digest)
    return afterPublishing(Effect.gen(function*() {
      yield* endProtection(files, digest)
      yield* ifThere(files.fs.unlink(path))
      yield* ifThere(syncFolder(files, dirname(path)))
    }))
  }, { discard: true })

/** An index that never rests cannot be replaced without losing what another tool writes into it. */
export const neverStill = (waitedMillis: number): LayoutLocked =>
  new LayoutLocked({ path: "index.json", waitedMillis, holder: "a tool that takes no lock and keeps rewriting it" })

/**
 * The answer "nothing to do" acknowledges the index that is there, which may have been published by a process
 * that died before it synced it, or by a tool that never syncs.
 */
export const syncFoundIndex = Effect.fnUntraced(function*(files: LayoutFiles) {
  if (files.durability !== "power") return
  yield* Effect.scoped(Effect.flatMap(
    files.fs.open(files.index, { access: "read", follow: files.symlinks !== "refuse" }),
    (handle) => syncWhole(files, handle)
  ))
  yield* syncFolder(files, files.root)
})
