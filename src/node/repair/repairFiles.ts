/** Puts the files right that make a folder a layout. Everything here happens under the layout's lock. */
import { Effect, Option, Result, type Schema } from "effect"
import { dirname, relative } from "node:path"
import type { State } from "../../layout/State.ts"
import type { WriteFault } from "../../oci/faults.ts"
import { type FormatUnsupported, IndexInvalid, LayoutInvalid, type SymlinkRefused } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import { emptyTrash } from "../blobs/trash.ts"
import { createFile, createMarker } from "../commit/initLayout.ts"
import { asStorage } from "../files/asStorage.ts"
import { keepOwner, makeFolder, syncFolder, syncWhole, tell, withTemporary } from "../files/durable.ts"
import { cannotExchange, cannotLink } from "../files/fallback.ts"
import { guard, type LayoutFiles, statIfThere } from "../files/layoutFiles.ts"
import type { FsError } from "../fs/LayoutFs.ts"
import { checkLayout, readClosedIndex, textOf } from "../index/indexFile.ts"
import { emptyIndex, putTogether, takeApart } from "../index/indexText.ts"
import { historyOf } from "../index/past.ts"
import { stillWaits } from "../index/replacedIndexes.ts"
import { readEnd } from "../journal/journalFile.ts"
import { generationText, isSpent, lastOf } from "../journal/journalRecord.ts"
import { segmentUpTo } from "../journal/journalSegments.ts"
import { lockToRepair, quarantined } from "./quarantine.ts"

/** What was done; nothing where there was nothing to do. */
type Mended = Effect.Effect<Option.Option<string>, WriteFault | FsError>

export const repairFile = (
  files: LayoutFiles,
  what: "marker" | "list",
  lockWaitMillis: number
): Effect.Effect<Option.Option<string>, WriteFault> =>
  locked(files, lockWaitMillis, what === "marker" ? mendMarker(files) : mendList(files))

/** Deletes for good what collections have taken away. */
export const emptyTrashNow = (files: LayoutFiles, lockWaitMillis: number): Effect.Effect<void, WriteFault> =>
  Effect.asVoid(locked(files, lockWaitMillis, Effect.as(emptyTrash(files), Option.none())))

const locked = (
  files: LayoutFiles,
  lockWaitMillis: number,
  mended: Mended
): Effect.Effect<Option.Option<string>, WriteFault> =>
  asStorage(files.root)(Effect.scoped(Effect.andThen(lockToRepair(files, lockWaitMillis), mended)))

const mendMarker = (files: LayoutFiles): Mended =>
  Effect.gen(function*() {
    if ((yield* checkLayout(files)) !== undefined) return Option.none()
    if ((yield* readClosedIndex(files)) === undefined) {
      return yield* new LayoutInvalid({ path: "oci-layout", reason: "is missing, and so is the index beside it" })
    }
    yield* createMarker(files)
    return Option.some("wrote oci-layout")
  })

const mendList = (files: LayoutFiles): Mended =>
  Effect.gen(function*() {
    const index = yield* readClosedIndex(files)
    if (index === undefined || index.entries.length > 0) return Option.none()
    const found = textOf(index)
    const text = putTogether(takeApart(found, []), [], undefined)
    if (text === found) return Option.none()
    yield* replaceIndex(files, text)
    return Option.some(`wrote "manifests": [] into index.json`)
  })

/** An index where it is lost, whole from the first moment on: who comes after a crash finds it lost, or made. */
export const restoreIndex = (
  files: LayoutFiles,
  { defaultRepository, lockWaitMillis, recovered }: {
    readonly defaultRepository: Repository | undefined
    readonly lockWaitMillis: number
    /** What is listed where no journal tells what was: what of it can be read, and what is under `blobs/`. */
    readonly recovered: ReadonlyArray<Schema.Json>
  }
): Effect.Effect<Option.Option<string>, WriteFault> =>
  locked(
    files,
    lockWaitMillis,
    Effect.gen(function*() {
      const read = yield* Effect.result(readClosedIndex(files))
      if (Result.isFailure(read) && read.failure._tag !== "IndexInvalid") return yield* Effect.fail(read.failure)
      if (Result.isSuccess(read) && read.success !== undefined) return Option.none()
      const known = yield* lastCommitted(files, defaultRepository)
      const entries = known === undefined ? recovered : known.state.entries.map(({ value }) => value)
      yield* makeFolder(files, files.blobs)
      yield* createMarker(files)
      const kept = yield* replaceIndex(files, putTogether(takeApart(emptyIndex, []), entries, known?.generation))
      const done = known === undefined
        ? `wrote an index of ${entries.length} manifests that could be read in it or were found under blobs/`
        : "wrote the index of the last commit again"
      return Option.some(kept === undefined ? done : `${done}; what was there is kept as ${kept}`)
    })
  )

/** What the journal says the index was; nothing where there is none, or it cannot be trusted. */
const lastCommitted = Effect.fnUntraced(function*(
  files: LayoutFiles,
  defaultRepository: Repository | undefined
): Effect.fn.Return<
  { readonly state: State; readonly generation: string } | undefined,
  FsError | FormatUnsupported | SymlinkRefused
> {
  const { last } = yield* readEnd(files)
  if (last === undefined || isSpent(last)) return undefined
  const segment = yield* segmentUpTo(files, last)
  if (segment === undefined || segment.broken) return undefined
  const { record } = last
  // A group that still waits where it was written was never published, and no caller was told that it happened.
  const waits = record._tag === "Group" && (yield* stillWaits(files, record))
  const lines = waits ? segment.lines.slice(0, -1) : segment.lines
  const top = lastOf(lines)
  if (top === undefined) return undefined
  const state = historyOf(lines, defaultRepository).upTo(Number.POSITIVE_INFINITY)
  return { state, generation: generationText(top) }
})

/**
 * Puts an index in the place of the one there is, which is kept in the quarantine: where, or nothing if there was none.
 */
const replaceIndex = Effect.fnUntraced(function*(
  files: LayoutFiles,
  text: string
): Effect.fn.Return<string | undefined, FsError | SymlinkRefused | IndexInvalid> {
  const { fs, index, root } = files
  yield* guard(files, index)
  const there = yield* statIfThere(fs, index)
  if (there !== undefined && there.kind !== "file") {
    return yield* new IndexInvalid({ path: relative(root, index), reason: "is no regular file; move it away first" })
  }
  if (there === undefined) return yield* Effect.as(createFile(files, index, text), undefined)
  const kept = yield* quarantined(files, "index.json")
  // A name of its own first, so that a call that fails loses nothing.
  const linked = yield* tell(fs.link(index, kept), ...cannotLink)
  yield* withTemporary(
    files,
    "index",
    Effect.fnUntraced(function*(path, handle) {
      yield* handle.write(Buffer.from(text), 0)
      yield* keepOwner(handle, there)
      yield* syncWhole(files, handle)
      const exchanged = yield* Effect.result(fs.exchange(path, index))
      if (Result.isFailure(exchanged)) {
        if (!cannotExchange.has(exchanged.failure.code)) return yield* exchanged.failure
        return yield* fs.rename(path, index)
      }
      // A tool that takes no lock may have put another one there meanwhile.
      const replaced = yield* fs.linkStat(path)
      if (linked !== "done") yield* fs.rename(path, kept)
      else if (replaced.ino !== there.ino) yield* fs.rename(path, yield* quarantined(files, "index.json"))
    })
  )
  yield* syncFolder(files, dirname(kept))
  yield* syncFolder(files, root)
  return relative(root, kept)
})
