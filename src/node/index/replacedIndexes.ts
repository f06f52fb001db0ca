/**
 * Indexes that an exchange took out of the way. A tool that takes no lock may have put one there after we last looked,
 * or still be writing into one, so each is watched for a while, and what it says is merged and not lost.
 */
import { Clock, Effect } from "effect"
import { basename, join } from "node:path"
import type { StorageError, SymlinkRefused } from "../../oci/OciError.ts"
import { asStorage } from "../files/asStorage.ts"
import { syncFolder } from "../files/durable.ts"
import { identityOf, isAsWritten, sizeIn } from "../files/identity.ts"
import { ifThere, type LayoutFiles, RandomName, statIfThere } from "../files/layoutFiles.ts"
import { hashOfName, nameOfHash } from "../files/names.ts"
import type { FileStat, FsError } from "../fs/LayoutFs.ts"
import type { GroupRecord } from "../journal/journalRecord.ts"
import { type Fingerprint, fingerprintOf, type IndexOnDisk, readClosedIndex, readIndexOnce } from "./indexFile.ts"
import { largeBytes, notedUnchanged, noteUnchanged } from "./watchedNote.ts"

/** How long a tool may take between opening an index and writing into it. */
export const watchMillis = 60_000

/** How many replaced indexes are kept at most; with many writes a second, they are watched for less long. */
const mostReplacedIndexes = 32

/** How long an index that never became readable is kept: no tool will finish it. */
const tornMillis = 24 * 60 * 60 * 1000

/** A replaced index, as its name tells. */
export interface ReplacedIndex {
  readonly path: string
  /** Milliseconds since 1970. */
  readonly since: number
  /** The SHA-256 of the index that was to be replaced. */
  readonly before: string
  /** The SHA-256 of the new index; a file here that has this hash is a waiting file, which was not published. */
  readonly after: string
}

/** A replaced index that is not what we had read. */
export interface ChangedIndex {
  readonly replaced: ReplacedIndex
  readonly index: IndexOnDisk
}

const isLarge = (stat: FileStat | undefined): boolean => stat !== undefined && stat.size >= largeBytes

/** The form of the name: time, hash before, hash after, random. */
const form = /^(\d{1,16})\.([\w-]+)\.([\w-]+)\.[0-9a-f]{32}$/u

/** Where an index waits to be published, and what it replaces ends up. */
export const replacedIndexAt = Effect.fnUntraced(
  function*(
    { replaced }: LayoutFiles,
    record: { readonly before: string; readonly after: string }
  ): Effect.fn.Return<ReplacedIndex> {
    const since = yield* Clock.currentTimeMillis
    const name = yield* RandomName
    const { after, before } = record
    const words = [since, nameOfHash(before), nameOfHash(after), name()]
    return { path: join(replaced, words.join(".")), since, before, after }
  }
)

const namesOf = ({ replaced, fs }: LayoutFiles): Effect.Effect<ReadonlyArray<string>, FsError> =>
  Effect.map(ifThere(fs.readDirectory(replaced)), (names = []) => names)

const ofName = ({ replaced }: LayoutFiles, name: string): ReplacedIndex | undefined => {
  const [, since, first = "", second = ""] = form.exec(name) ?? []
  const before = hashOfName(first)
  const after = hashOfName(second)
  return since === undefined || before === undefined || after === undefined
    ? undefined
    : { path: join(replaced, name), since: Number(since), before, after }
}

/** Nothing where there is no file, or a link in its place. */
const printOf = (files: LayoutFiles, path: string): Effect.Effect<Fingerprint | undefined, FsError> =>
  Effect.catchTag(fingerprintOf(files, path), "SymlinkRefused", () => Effect.succeed(undefined))

const hashOf = (files: LayoutFiles, path: string): Effect.Effect<string | undefined, FsError> =>
  Effect.map(printOf(files, path), (print) => print?.hash)

/** Whether the index of a record still waits where it was written: then it was never published (R1). */
export const stillWaits = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { after, before }: GroupRecord
): Effect.fn.Return<boolean, FsError> {
  for (const name of yield* namesOf(files)) {
    const replaced = ofName(files, name)
    if (replaced?.before !== before || replaced.after !== after) continue
    if ((yield* hashOf(files, replaced.path)) === after) return true
  }
  return false
})

/** Only the holder of the lock uses it. */
export interface ReplacedIndexes {
  /**
   * Whether the index that was just replaced is not what we had read; one that is being written is waited for.
   *
   * @param identity of the file that we had read; none where it could have changed without looking changed
   */
  readonly isChanged: (replaced: ReplacedIndex, identity: string | undefined) => Effect.Effect<boolean>
  /** The replaced indexes that are not what we had read. */
  readonly changed: Effect.Effect<ReadonlyArray<ChangedIndex>, StorageError | SymlinkRefused>
  /**
   * Removes the waiting file of a group that happened: a power cut may have kept the new index, and not that it left
   * its waiting name. Nothing is answered before, since the file says that the group never happened. It goes by the
   * list that `changed` made.
   */
  readonly removeWaitingOf: (last: GroupRecord) => Effect.Effect<void, FsError>
  /**
   * Removes what was merged, and what has been watched for long enough; says whether any is still to be watched. It
   * goes by the list that `changed` made, since the lock was taken.
   *
   * @param added what has joined it meanwhile
   */
  readonly sweep: (
    merged: ReadonlyArray<ChangedIndex>,
    last: GroupRecord | undefined,
    added: ReplacedIndex | undefined
  ) => Effect.Effect<boolean, FsError>
}

export const makeReplacedIndexes = (files: LayoutFiles): ReplacedIndexes => {
  /** Files that were hashed and found unchanged when they were old enough for their times to tell, by path. */
  const unchanged = new Map<string, { readonly identity: string; readonly waits: boolean | undefined }>()
  const storage = asStorage(files.root)

  const trust = (
    { after, path }: ReplacedIndex,
    { hash, identity, mtimeReliable }: Pick<Fingerprint, "hash" | "identity" | "mtimeReliable">
  ): void => {
    if (mtimeReliable) unchanged.set(path, { identity, waits: hash === after })
  }

  const isTrusted = (path: string, stat: FileStat): boolean => unchanged.get(path)?.identity === identityOf(stat)

  /** All there are, the oldest first; a name is read once. */
  let byName: ReadonlyMap<string, ReplacedIndex | undefined> = new Map()
  let listed: ReadonlyArray<ReplacedIndex> = []
  const list = Effect.map(namesOf(files), (names) => {
    byName = new Map(names.map((name) => [name, byName.has(name) ? byName.get(name) : ofName(files, name)]))
    // What another process has swept is nothing to be remembered.
    for (const path of unchanged.keys()) if (!byName.has(basename(path))) unchanged.delete(path)
    listed = Array.from(byName.values()).filter((one) => one !== undefined).toSorted((a, b) => a.since - b.since)
    return listed
  })

  /** What became of a file that does not look as it did; a torn one may be in the middle of being written. */
  const look = Effect.fnUntraced(function*(replaced: ReplacedIndex) {
    const { after, before, path } = replaced
    const print = yield* printOf(files, path)
    if (print?.hash === before || print?.hash === after) {
      trust(replaced, print)
      return undefined
    }
    const found = yield* Effect.uninterruptible(Effect.tap(
      readIndexOnce(files, path),
      (read) => read._tag === "Read" ? read.handle.close : Effect.void
    ))
    if (found._tag !== "Read") return undefined
    const { hash } = found.index
    if (hash !== before && hash !== after) return { replaced, index: found.index }
    trust(replaced, found.index)
    return undefined
  })

  const isOver = Effect.fnUntraced(function*({ after, before, path, since }: ReplacedIndex, now: number) {
    const stat = yield* statIfThere(files.fs, path)
    if (stat !== undefined && isTrusted(path, stat)) return true
    // A tool may have written into it a moment ago, so that only its bytes tell.
    const hash = yield* hashOf(files, path)
    if (hash === before || hash === after) return true
    unchanged.delete(path)
    return now - since > tornMillis
  })

  const forget = Effect.fnUntraced(function*(path: string) {
    unchanged.delete(path)
    yield* ifThere(files.fs.unlink(path))
  })

  const note = Effect.suspend(() => {
    const large = Array.from(unchanged).filter(([, { identity }]) => sizeIn(identity) >= largeBytes)
    return large.length === 0
      ? Effect.void
      : noteUnchanged(files, large.map(([path, { identity }]) => [basename(path), identity] as const))
  })

  return {
    isChanged: Effect.fnUntraced(
      function*(replaced, identity) {
        const { before, path } = replaced
        const stat = yield* statIfThere(files.fs, path)
        if (stat !== undefined && identity !== undefined && isAsWritten(identity, stat)) {
          unchanged.set(path, { identity: identityOf(stat), waits: false })
          return false
        }
        const print = yield* printOf(files, path)
        if (print?.hash === before) {
          trust(replaced, print)
          return false
        }
        const there = yield* readClosedIndex(files, path)
        if (there === undefined) return false
        if (there.hash === before) trust(replaced, there)
        return there.hash !== before
        // The next writer looks at it again.
      },
      Effect.orElseSucceed(() => false),
      Effect.tap(note)
    ),
    changed: storage(Effect.gen(function*() {
      const all: Array<ChangedIndex> = []
      const there = yield* list
      const stats = yield* files.fs.linkStats(there.map(({ path }) => path))
      if (stats.some((stat, place) => isLarge(stat) && !unchanged.has(there[place]?.path ?? ""))) {
        for (const [name, identity] of yield* notedUnchanged(files)) {
          const path = join(files.replaced, name)
          if (byName.has(name) && !unchanged.has(path)) unchanged.set(path, { identity, waits: undefined })
        }
      }
      for (const [place, replaced] of there.entries()) {
        const stat = stats[place]
        if (stat === undefined || isTrusted(replaced.path, stat)) continue
        // One that is too large to be an index is as little to be merged as a torn one.
        const found = yield* Effect.catchTag(look(replaced), "IndexTooLarge", () => Effect.succeed(undefined))
        if (found !== undefined) all.push(found)
      }
      return all
    })),
    removeWaitingOf: Effect.fnUntraced(function*({ after, before }): Effect.fn.Return<void, FsError> {
      for (const replaced of listed) {
        if (replaced.before !== before || replaced.after !== after) continue
        const { path } = replaced
        const stat = yield* statIfThere(files.fs, path)
        if (stat === undefined) continue
        const known = isTrusted(path, stat) ? unchanged.get(path)?.waits : undefined
        const waits = known ?? (yield* hashOf(files, path)) === after
        if (!waits) continue
        yield* forget(path)
        yield* syncFolder(files, files.replaced)
      }
    }),
    sweep: Effect.fnUntraced(function*(merged, last, added): Effect.fn.Return<boolean, FsError> {
      for (const { replaced, index } of merged) {
        // What a tool has written into it since is still to be merged.
        if ((yield* hashOf(files, replaced.path)) === index.hash) yield* forget(replaced.path)
      }
      const now = yield* Clock.currentTimeMillis
      const all = added === undefined ? listed : [...listed, added]
      let left = false
      for (const [place, replaced] of all.entries()) {
        if (place >= all.length - mostReplacedIndexes && now - replaced.since < watchMillis) {
          left = true
          continue
        }
        // It is needed to tell whether the last group was published (R5).
        if (replaced.before === last?.before && replaced.after === last.after) continue
        if (yield* isOver(replaced, now)) yield* forget(replaced.path)
      }
      return left
    })
  }
}
