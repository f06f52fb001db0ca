/** Upload sessions as folders: they outlive the process, and another one can go on with them (RELIABILITY 2.9). */
import { Clock, Effect, Result, Schema, Stream } from "effect"
import { randomBytes } from "node:crypto"
import { dirname, join } from "node:path"
import {
  absent,
  isUploadId,
  type OpenUpload,
  type UploadEvent,
  uploadExpiryMillis,
  type UploadId,
  type UploadState
} from "../layout/Upload.ts"
import { type Algorithm, ContentDigest } from "../oci/Digest.ts"
import { type StorageError, type SymlinkRefused, UploadBusy } from "../oci/OciError.ts"
import { Repository } from "../oci/Reference.ts"
import type { RegistryError, UploadSession, UploadStore } from "../ops/ports.ts"
import { placeBlob } from "./blobFiles.ts"
import { makeFolder, removeFolder, syncFile, syncFolder, tell, withTemporary } from "./durable.ts"
import { type RunningHash, runningHash } from "./hasher.ts"
import type { LayoutProblem } from "./indexFile.ts"
import { asStorage, guard, identityOf, ifThere, type LayoutFiles, readAll, statIfThere } from "./layoutFiles.ts"
import type { FileHandle, FileStat, FsError } from "./LayoutFs.ts"
import { readBytes, type Verified } from "./readBlob.ts"

/** What a session says of itself; how far it has got is the size of its data. */
const Meta = Schema.fromJsonString(Schema.Struct({
  repository: Repository,
  /** Set before the data becomes a blob; kept for a day so that committing again is answered. */
  committed: Schema.optionalKey(Schema.Struct({ digest: ContentDigest, size: Schema.Natural }))
}))
type Meta = typeof Meta.Type

const decodeMeta = Schema.decodeUnknownResult(Meta)
const encodeMeta = Schema.encodeUnknownResult(Meta)

/** A hash that follows a session while this process appends to it. */
interface Following {
  readonly hash: RunningHash
  size: number
}

/** Hashes kept; a session without one is read again when it is committed. */
const followed = 1024

interface Folder {
  readonly data: string
  readonly meta: string
  readonly lock: string
  readonly path: string
}

const folderOf = ({ uploads }: LayoutFiles, id: UploadId): Folder => {
  const path = join(uploads, id)
  return { path, data: join(path, "data"), meta: join(path, "meta.json"), lock: join(path, "lock") }
}

export const makeUploadStore = (
  files: LayoutFiles,
  { ready, verified }: { readonly ready: Effect.Effect<void, LayoutProblem>; readonly verified: Verified }
): UploadStore => {
  const storage = asStorage(files.root)
  const following = new Map<UploadId, Following>()

  const list = storage(Effect.gen(function*() {
    const names = (yield* ifThere(files.fs.readDirectory(files.uploads))) ?? []
    const states = yield* Effect.forEach(
      names.filter(isUploadId),
      (id) => Effect.map(read(files, id), (state) => ({ id, state }))
    )
    return states
  }))

  return {
    create: Effect.fnUntraced(function*(repository) {
      yield* ready
      const now = yield* Clock.currentTimeMillis
      for (const { id, state } of yield* list) yield* storage(sweep(files, id, state, now))
      const id = newId()
      yield* storage(start(files, id, repository))
      const state = yield* storage(read(files, id))
      following.set(id, { hash: runningHash("sha256"), size: 0 })
      const [oldest] = following.keys()
      if (following.size > followed && oldest !== undefined) following.delete(oldest)
      return state._tag === "Open" ? state : yield* Effect.die(`session ${id} vanished while it was made`)
    }),
    stat: (id) => storage(read(files, id)),
    list: Effect.map(list, (all) => all.flatMap(({ state }) => state._tag === "Open" ? [state] : [])),
    exclusive: Effect.fnUntraced(function*(id) {
      const folder = folderOf(files, id)
      const held = yield* storage(Effect.gen(function*() {
        yield* guard(files, folder.lock)
        if ((yield* statIfThere(files.fs, folder.path)) === undefined) return undefined
        const handle = yield* ifThere(files.fs.open(folder.lock, { access: "lock" }))
        return handle === undefined ? undefined : yield* handle.tryLock
      }))
      if (held === false) return yield* new UploadBusy({ upload: id })
      // It may have been cancelled or swept while the lock was being taken.
      const state = yield* storage(read(files, id))
      if (state._tag === "Committed") yield* storage(settle(files, folder, state.digest))
      return sessionOf(files, verified, following, id, state)
    })
  }
}

const newId = (): UploadId => {
  const id = randomBytes(16).toString("hex")
  if (!isUploadId(id)) throw new TypeError(`no upload id: ${id}`)
  return id
}

const touchedOf = (mtimeNs: bigint): number => Number(mtimeNs / 1_000_000n)

/** What a session is now; a folder that nobody can make sense of is no session. */
const read = Effect.fnUntraced(function*(
  files: LayoutFiles,
  id: UploadId
): Effect.fn.Return<UploadState, FsError | SymlinkRefused> {
  const { data, meta } = folderOf(files, id)
  yield* guard(files, meta)
  const text = yield* Effect.scoped(Effect.gen(function*() {
    const handle = yield* ifThere(files.fs.open(meta, { access: "read" }))
    if (handle === undefined) return undefined
    return Buffer.from(yield* readAll(handle, Math.min((yield* handle.stat).size, 4096))).toString("utf8")
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

/** Whether the data has the blob's name as well: a commit that a crash cut short has happened all the same. */
const isBlob = (files: LayoutFiles, data: FileStat, digest: ContentDigest): Effect.Effect<boolean, FsError> =>
  Effect.map(
    statIfThere(files.fs, files.blob(digest)),
    (blob) => blob?.ino === data.ino && blob.dev === data.dev
  )

const start = Effect.fnUntraced(
  function*(files: LayoutFiles, id: UploadId, repository: Repository): Effect.fn.Return<void, FsError> {
    const folder = folderOf(files, id)
    yield* makeFolder(files, folder.path)
    yield* Effect.scoped(Effect.asVoid(files.fs.open(folder.data, { access: "create" })))
    yield* writeMeta(files, folder, { repository })
  }
)

const writeMeta = (files: LayoutFiles, folder: Folder, meta: Meta): Effect.Effect<void, FsError> =>
  withTemporary(
    files,
    "meta",
    Effect.fnUntraced(function*(path, handle) {
      yield* handle.write(Buffer.from(Result.getOrThrow(encodeMeta(meta))), 0)
      yield* syncFile(files, handle)
      yield* files.fs.rename(path, folder.meta)
      yield* syncFolder(files, folder.path)
    })
  )

/** Removes a session a day after its last append, or after it was committed, unless somebody is at it. */
const sweep = Effect.fnUntraced(function*(
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
    if (handle !== undefined && (yield* handle.tryLock)) yield* discard(files, id)
  }))
})

/** Out of sight first, so that nobody finds half a session. */
const discard = Effect.fnUntraced(function*(files: LayoutFiles, id: UploadId): Effect.fn.Return<void, FsError> {
  const folder = folderOf(files, id)
  const aside = join(files.temporary, `upload.${id}`)
  if ((yield* tell(files.fs.rename(folder.path, aside), "ENOENT")) === "ENOENT") return
  yield* syncFolder(files, files.uploads)
  yield* removeFolder(files, aside)
})

const sessionOf = (
  files: LayoutFiles,
  verified: Verified,
  following: Map<UploadId, Following>,
  id: UploadId,
  state: UploadState
): UploadSession => {
  const folder = folderOf(files, id)
  const storage = asStorage(files.root)
  const from = state._tag === "Open" ? state.size : 0
  const openData = storage(files.fs.open(folder.data, { access: "update" }))

  const follow = (offset: number, piece: Uint8Array): void => {
    const hash = following.get(id)
    if (hash === undefined) return
    // Somebody else has appended in between: what this hash has seen is no longer all.
    if (hash.size !== offset) following.delete(id)
    else {
      hash.hash.update(piece)
      hash.size += piece.length
    }
  }

  return {
    state,
    append: (content) =>
      Effect.scoped(Effect.gen(function*() {
        const handle = yield* openData
        let size = from
        // What has arrived is kept whatever becomes of the rest, and is on the disk before anybody is told.
        const arrived = Stream.runForEach(content, (piece): Effect.Effect<void, StorageError | RegistryError> =>
          Effect.map(storage(handle.write(piece, size)), () => {
            follow(size, piece)
            size += piece.length
          }))
        const settled = Effect.onExit(arrived, () =>
          storage(Effect.andThen(handle.truncate(size), syncFile(files, handle))))
        yield* settled
        return size - from
      })),
    digest: (algorithm) =>
      Effect.scoped(Effect.gen(function*() {
        const hash = following.get(id)
        if (algorithm === "sha256" && hash?.size === from) return hash.hash.digest()
        return yield* storage(hashFile(yield* openData, from, algorithm))
      })),
    conclude: (event) =>
      storage(Effect.scoped(Effect.gen(function*() {
        following.delete(id)
        if (event._tag === "UploadCancelled") return yield* discard(files, id)
        if (event._tag === "UploadCommitted" && state._tag === "Open") {
          yield* commit(files, verified, folder, state, event)
        }
      })))
  }
}

/**
 * The session says what it is to become, then its data gets the blob's name, moving no bytes, and only then loses its
 * own: a crash in between leaves a session that is committed or can be, and never one whose data is a blob to append to.
 */
const commit = Effect.fnUntraced(function*(
  files: LayoutFiles,
  verified: Verified,
  folder: Folder,
  { id, repository, size }: OpenUpload,
  { digest }: Extract<UploadEvent, { readonly _tag: "UploadCommitted" }>
) {
  const handle = yield* files.fs.open(folder.data, { access: "update" })
  yield* syncFile(files, handle)
  yield* writeMeta(files, folder, { repository, committed: { digest, size } })
  const second = join(files.temporary, `commit.${id}`)
  yield* makeFolder(files, files.temporary)
  yield* ifThere(files.fs.unlink(second))
  yield* Effect.onError(
    Effect.andThen(files.fs.link(folder.data, second), placeBlob(files, verified, second, handle, digest)),
    () => Effect.ignore(ifThere(files.fs.unlink(second)))
  )
  yield* files.fs.unlink(folder.data)
  verified.add(identityOf(yield* handle.stat))
})

/** Ends a commit that a crash cut short: answering it again must promise no less than the first answer would have. */
const settle = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { data }: Folder,
  digest: ContentDigest
): Effect.fn.Return<void, FsError> {
  if ((yield* statIfThere(files.fs, data)) === undefined) return
  yield* syncFolder(files, dirname(files.blob(digest)))
  yield* ifThere(files.fs.unlink(data))
})

const hashFile = Effect.fnUntraced(function*(
  handle: FileHandle,
  size: number,
  algorithm: Algorithm
): Effect.fn.Return<ContentDigest, FsError> {
  const hash = runningHash(algorithm)
  const piece = new Uint8Array(readBytes)
  for (let offset = 0; offset < size;) {
    const count = yield* handle.read(piece.subarray(0, Math.min(readBytes, size - offset)), offset)
    if (count === 0) break
    hash.update(piece.subarray(0, count))
    offset += count
  }
  return hash.digest()
})
