/** The folder of one upload session: what it says of itself, and how it comes and goes. */
import { Effect, Result, Schema, type Scope } from "effect"
import { dirname, join } from "node:path"
import { absent, isUploadId, uploadExpiryMillis, type UploadId, type UploadState } from "../../layout/Upload.ts"
import { ContentDigest } from "../../oci/Digest.ts"
import type { SymlinkRefused } from "../../oci/OciError.ts"
import { Repository } from "../../oci/Reference.ts"
import {
  makeFolder,
  makeOne,
  openLock,
  openNew,
  removeFolder,
  syncFile,
  syncFolder,
  tell,
  withTemporary
} from "../files/durable.ts"
import { readBytes } from "../files/hashFile.ts"
import { ifThere, type LayoutFiles, openRegular, RandomName, readAll, statIfThere } from "../files/layoutFiles.ts"
import { type FileHandle, type FileStat, FsError } from "../fs/LayoutFs.ts"

/** What a session says of itself; how far it has got is the size of its data. */
const Meta = Schema.fromJsonString(Schema.Struct({ repository: Repository }))

/** Written before the data becomes a blob; kept for a day so that committing again is answered. */
const Committed = Schema.fromJsonString(Schema.Struct({ digest: ContentDigest, size: Schema.Natural }))

const [decodeMeta, encodeMeta] = [Schema.decodeUnknownResult(Meta), Schema.encodeResult(Meta)]
const [decodeCommitted, encodeCommitted] = [Schema.decodeUnknownResult(Committed), Schema.encodeResult(Committed)]

export interface Folder {
  readonly path: string
  readonly data: string
  readonly meta: string
  readonly committed: string
  readonly lock: string
}

export const folderOf = ({ uploads }: LayoutFiles, id: UploadId): Folder => {
  const path = join(uploads, id)
  return {
    path,
    data: join(path, "data"),
    meta: join(path, "meta.json"),
    committed: join(path, "committed.json"),
    lock: join(path, "lock")
  }
}

export const newId: Effect.Effect<UploadId> = Effect.flatMap(RandomName, (name) => {
  const id = name()
  return isUploadId(id) ? Effect.succeed(id) : Effect.die(`no upload id: ${id}`)
})

const touchedOf = (mtimeNs: bigint): number => Number(mtimeNs / 1_000_000n)

/** What a session is now; a folder without valid state is no session. */
export const readUpload = Effect.fnUntraced(function*(
  files: LayoutFiles,
  id: UploadId
): Effect.fn.Return<UploadState, FsError | SymlinkRefused> {
  const folder = folderOf(files, id)
  const meta = decodeMeta(yield* readSmall(files, folder.meta))
  if (Result.isFailure(meta)) return absent
  const { repository } = meta.success
  const stat = yield* statIfThere(files.fs, folder.data)
  // Data with one name is no blob yet, whatever else is said.
  if (stat === undefined || stat.links > 1) {
    const committed = decodeCommitted(yield* readSmall(files, folder.committed))
    if (
      Result.isSuccess(committed) && (stat === undefined || (yield* isBlob(files, stat, committed.success.digest)))
    ) {
      return { _tag: "Committed", repository, ...committed.success }
    }
  }
  if (stat?.kind !== "file") return absent
  return { _tag: "Open", id, repository, size: stat.size, touched: touchedOf(stat.mtimeNs) }
})

/** The text of a file of the folder; none where there is no such file. */
const readSmall = Effect.fnUntraced(function*(files: LayoutFiles, path: string) {
  const opened = yield* ifThere(openRegular(files, path))
  if (opened === undefined) return undefined
  return Buffer.from(yield* readAll(opened.handle, Math.min(opened.stat.size, 4096))).toString("utf8")
}, Effect.scoped)

/** Whether the data has the blob's name as well: a commit that a crash cut short has happened all the same. */
const isBlob = (files: LayoutFiles, data: FileStat, digest: ContentDigest): Effect.Effect<boolean, FsError> =>
  Effect.map(
    statIfThere(files.fs, files.blob(digest)),
    (blob) => blob?.ino === data.ino && blob.dev === data.dev
  )

/** A session in which nothing is acknowledged yet is not synced: a power cut may take it. */
export const startUpload = Effect.fnUntraced(
  function*(files: LayoutFiles, id: UploadId, repository: Repository): Effect.fn.Return<void, FsError> {
    const folder = folderOf(files, id)
    const made = yield* tell(makeOne(files, folder.path), "ENOENT")
    if (made === "ENOENT") yield* makeFolder(files, folder.path)
    yield* Effect.scoped(Effect.asVoid(openNew(files, folder.data)))
    yield* writeNew(files, folder.meta, Result.getOrThrow(encodeMeta({ repository })))
  }
)

/** Makes sure that the session, and not only its data, lasts. */
export const syncSession = Effect.fnUntraced(
  function*(files: LayoutFiles, { meta, path }: Folder): Effect.fn.Return<void, FsError> {
    if (files.durability !== "power") return
    const opened = files.fs.open(meta, { access: "update" })
    yield* Effect.scoped(Effect.flatMap(opened, (handle) => syncFile(files, handle)))
    yield* syncFolder(files, path)
    yield* syncFolder(files, files.uploads)
  }
)

/** Nothing of it is synced: what a power cut takes or tears is taken as not written. */
const writeNew = (files: LayoutFiles, path: string, text: string): Effect.Effect<void, FsError> =>
  Effect.scoped(Effect.flatMap(openNew(files, path), (handle) => handle.write(Buffer.from(text), 0)))

/**
 * Opens the data of a session to be written to. A file with a second name may be a blob, or a file
 * outside: it is copied, and the copy takes its place.
 */
export const openData = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { data }: Folder
): Effect.fn.Return<FileHandle, FsError, Scope.Scope> {
  const handle = yield* files.fs.open(data, { access: "update" })
  if ((yield* handle.stat).links <= 1) return handle
  yield* Effect.scoped(
    Effect.flatMap(files.fs.open(data, { access: "read" }), (source) => copyData(files, data, source))
  )
  const copy = yield* files.fs.open(data, { access: "update" })
  const { links } = yield* copy.stat
  return links <= 1
    ? copy
    : yield* new FsError({
      operation: "open",
      path: data,
      code: "EMLINK",
      cause: new Error("it was given another name")
    })
})

const copyData = (files: LayoutFiles, data: string, source: FileHandle): Effect.Effect<void, FsError> =>
  withTemporary(
    files,
    "data",
    Effect.fnUntraced(function*(path, copy) {
      const piece = new Uint8Array(readBytes)
      let size = 0
      for (let count = 0; (count = yield* source.read(piece, size)) > 0; size += count) {
        yield* copy.write(piece.subarray(0, count), size)
      }
      yield* syncFile(files, copy)
      yield* files.fs.rename(path, data)
      yield* syncFolder(files, dirname(data))
    })
  )

/** Says what the session is to become. An earlier commit may have said so before it failed, or before a crash. */
export const writeCommitted = Effect.fnUntraced(
  function*(
    files: LayoutFiles,
    { committed: path }: Folder,
    committed: typeof Committed.Type
  ): Effect.fn.Return<void, FsError> {
    const write = writeNew(files, path, Result.getOrThrow(encodeCommitted(committed)))
    const written = yield* tell(write, "EEXIST")
    if (written === "EEXIST") yield* Effect.andThen(ifThere(files.fs.unlink(path)), write)
  }
)

/** Removes a session a day after its last append, or after it was committed, unless a process is using it. */
export const sweepUpload = Effect.fnUntraced(function*(
  files: LayoutFiles,
  id: UploadId,
  state: UploadState,
  now: number
): Effect.fn.Return<void, FsError> {
  const folder = folderOf(files, id)
  const stat = yield* statIfThere(files.fs, folder.path)
  if (stat === undefined) return
  const touched = state._tag === "Open" ? state.touched : touchedOf(stat.mtimeNs)
  if (now - touched < uploadExpiryMillis) return
  yield* Effect.scoped(Effect.gen(function*() {
    const handle = yield* ifThere(openLock(files, folder.lock))
    if (handle !== undefined && (yield* handle.tryLock)) yield* discardUpload(files, id)
  }))
})

/** A folder of a lower layer of an overlay, which is no longer to be moved. */
const cannotMove = ["EXDEV", "EINVAL", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"] as const

/** What says that there is a session goes first. */
const discardInPlace = Effect.fnUntraced(
  function*(files: LayoutFiles, { meta, path }: Folder): Effect.fn.Return<void, FsError> {
    yield* ifThere(files.fs.unlink(meta))
    yield* syncFolder(files, path)
    yield* removeFolder(files, path)
    yield* syncFolder(files, files.uploads)
  }
)

/** It is renamed first, so that no process finds half a session. */
export const discardUpload = Effect.fnUntraced(
  function*(files: LayoutFiles, id: UploadId): Effect.fn.Return<void, FsError> {
    const folder = folderOf(files, id)
    const aside = join(files.temporary, `upload.${id}`)
    const moved = yield* tell(files.fs.rename(folder.path, aside), "ENOENT", ...cannotMove)
    if (moved === "ENOENT") return
    if (moved !== "done") return yield* discardInPlace(files, folder)
    // What fails has changed nothing: the session is there as before, as far as it can be put back.
    yield* Effect.tapError(
      syncFolder(files, files.uploads),
      () => Effect.ignore(files.fs.rename(aside, folder.path))
    )
    yield* removeFolder(files, aside)
  }
)
