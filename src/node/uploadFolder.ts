/** The folder of one upload session: what it says of itself, and how it comes and goes. */
import { Effect, Result, Schema } from "effect"
import { join } from "node:path"
import { absent, isUploadId, uploadExpiryMillis, type UploadId, type UploadState } from "../layout/Upload.ts"
import { ContentDigest } from "../oci/Digest.ts"
import type { SymlinkRefused } from "../oci/OciError.ts"
import { Repository } from "../oci/Reference.ts"
import { makeFolder, removeFolder, syncFolder, tell, writeFile } from "./durable.ts"
import { ifThere, type LayoutFiles, openRegular, RandomName, readAll, statIfThere } from "./layoutFiles.ts"
import type { FileStat, FsError } from "./LayoutFs.ts"

/** What a session says of itself; how far it has got is the size of its data. */
const Meta = Schema.fromJsonString(Schema.Struct({
  repository: Repository,
  /** Set before the data becomes a blob; kept for a day so that committing again is answered. */
  committed: Schema.optionalKey(Schema.Struct({ digest: ContentDigest, size: Schema.Natural }))
}))
type Meta = typeof Meta.Type

const decodeMeta = Schema.decodeUnknownResult(Meta)
const encodeMeta = Schema.encodeUnknownResult(Meta)

export interface Folder {
  readonly data: string
  readonly meta: string
  readonly lock: string
  readonly path: string
}

export const folderOf = ({ uploads }: LayoutFiles, id: UploadId): Folder => {
  const path = join(uploads, id)
  return { path, data: join(path, "data"), meta: join(path, "meta.json"), lock: join(path, "lock") }
}

export const newId: Effect.Effect<UploadId> = Effect.flatMap(RandomName, (name) => {
  const id = name()
  return isUploadId(id) ? Effect.succeed(id) : Effect.die(`no upload id: ${id}`)
})

const touchedOf = (mtimeNs: bigint): number => Number(mtimeNs / 1_000_000n)

/** What a session is now; a folder that nobody can make sense of is no session. */
export const readUpload = Effect.fnUntraced(function*(
  files: LayoutFiles,
  id: UploadId
): Effect.fn.Return<UploadState, FsError | SymlinkRefused> {
  const { data, meta } = folderOf(files, id)
  const text = yield* Effect.scoped(Effect.gen(function*() {
    const opened = yield* ifThere(openRegular(files, meta))
    if (opened === undefined) return undefined
    return Buffer.from(yield* readAll(opened.handle, Math.min(opened.stat.size, 4096))).toString("utf8")
  }))
  const decoded = decodeMeta(text)
  if (Result.isFailure(decoded)) return absent
  const { committed, repository } = decoded.success
  const stat = yield* statIfThere(files.fs, data)
  if (committed !== undefined && (stat === undefined || (yield* isBlob(files, stat, committed.digest)))) {
    return { _tag: "Committed", repository, ...committed }
  }
  if (stat?.kind !== "file") return absent
  return { _tag: "Open", id, repository, size: stat.size, touched: touchedOf(stat.mtimeNs) }
})

/** Whether a session could not be read because something else lies in its place, or in that of its files. */
export const isNoSession = (error: FsError | SymlinkRefused): boolean =>
  error._tag === "SymlinkRefused" || error.code === "ELOOP" || error.code === "ENOTREG" || error.code === "ENXIO"

/** Whether the data has the blob's name as well: a commit that a crash cut short has happened all the same. */
const isBlob = (files: LayoutFiles, data: FileStat, digest: ContentDigest): Effect.Effect<boolean, FsError> =>
  Effect.map(
    statIfThere(files.fs, files.blob(digest)),
    (blob) => blob?.ino === data.ino && blob.dev === data.dev
  )

export const startUpload = Effect.fnUntraced(
  function*(files: LayoutFiles, id: UploadId, repository: Repository): Effect.fn.Return<void, FsError> {
    const folder = folderOf(files, id)
    yield* makeFolder(files, folder.path)
    yield* Effect.scoped(Effect.asVoid(files.fs.open(folder.data, { access: "create" })))
    yield* writeMeta(files, folder, { repository })
  }
)

export const writeMeta = (files: LayoutFiles, folder: Folder, meta: Meta): Effect.Effect<void, FsError> =>
  writeFile(files, "meta", folder.meta, Result.getOrThrow(encodeMeta(meta)))

/** Removes a session a day after its last append, or after it was committed, unless somebody is at it. */
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
    const handle = yield* ifThere(files.fs.open(folder.lock, { access: "lock" }))
    if (handle !== undefined && (yield* handle.tryLock)) yield* discardUpload(files, id)
  }))
})

/** Out of sight first, so that nobody finds half a session. */
export const discardUpload = Effect.fnUntraced(
  function*(files: LayoutFiles, id: UploadId): Effect.fn.Return<void, FsError> {
    const folder = folderOf(files, id)
    const aside = join(files.temporary, `upload.${id}`)
    if ((yield* tell(files.fs.rename(folder.path, aside), "ENOENT")) === "ENOENT") return
    // What fails has changed nothing: the session is there as before, as far as it can be put back.
    yield* Effect.tapError(
      syncFolder(files, files.uploads),
      () => Effect.ignore(files.fs.rename(aside, folder.path))
    )
    yield* removeFolder(files, aside)
  }
)
