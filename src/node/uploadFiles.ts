/** Upload sessions as folders: they outlive the process, and another one can go on with them (RELIABILITY 2.9). */
import { Clock, Effect, Stream } from "effect"
import { dirname, join } from "node:path"
import { isUploadId, type OpenUpload, type UploadEvent, type UploadId, type UploadState } from "../layout/Upload.ts"
import type { Algorithm, ContentDigest } from "../oci/Digest.ts"
import { type StorageError, UploadBusy } from "../oci/OciError.ts"
import type { RegistryError, UploadSession, UploadStore } from "../ops/ports.ts"
import { placeBlob, type Preparation } from "./blobFiles.ts"
import { makeFolder, syncFile, syncFolder } from "./durable.ts"
import { type RunningHash, runningHash } from "./hasher.ts"
import { asStorage, guard, identityOf, ifThere, type LayoutFiles, statIfThere } from "./layoutFiles.ts"
import type { FileHandle, FsError } from "./LayoutFs.ts"
import { readBytes, type Verified } from "./readBlob.ts"
import {
  discardUpload,
  type Folder,
  folderOf,
  newId,
  readUpload,
  startUpload,
  sweepUpload,
  writeMeta
} from "./uploadFolder.ts"

/** A hash that follows a session while this process appends to it. */
interface Following {
  readonly hash: RunningHash
  size: number
}

/** Hashes kept; a session without one is read again when it is committed. */
const followed = 1024

export const makeUploadStore = (
  files: LayoutFiles,
  { established, ready }: Preparation,
  verified: Verified
): UploadStore => {
  const storage = asStorage(files.root)
  const following = new Map<UploadId, Following>()

  const list = storage(Effect.gen(function*() {
    const names = (yield* ifThere(files.fs.readDirectory(files.uploads))) ?? []
    const states = yield* Effect.forEach(
      names.filter(isUploadId),
      (id) => Effect.map(readUpload(files, id), (state) => ({ id, state }))
    )
    return states
  }))

  return {
    create: Effect.fnUntraced(function*(repository) {
      yield* ready
      const now = yield* Clock.currentTimeMillis
      // A session that cannot be removed now is removed another time; it is no reason to refuse a new one.
      for (const { id, state } of yield* list) yield* Effect.ignore(sweepUpload(files, id, state, now))
      const id = newId()
      yield* storage(startUpload(files, id, repository))
      const state = yield* storage(readUpload(files, id))
      following.set(id, { hash: runningHash("sha256"), size: 0 })
      const [oldest] = following.keys()
      if (following.size > followed && oldest !== undefined) following.delete(oldest)
      return state._tag === "Open" ? state : yield* Effect.die(`session ${id} vanished while it was made`)
    }),
    stat: (id) => storage(readUpload(files, id)),
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
      const state = yield* storage(readUpload(files, id))
      if (state._tag === "Committed") yield* storage(settle(files, folder, state.digest))
      return sessionOf({ files, verified, following, established }, id, state)
    })
  }
}

/** What the sessions of a layout share. */
interface Shared {
  readonly files: LayoutFiles
  readonly verified: Verified
  readonly following: Map<UploadId, Following>
  readonly established: Preparation["established"]
}

const sessionOf = (
  { established, files, following, verified }: Shared,
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
        if (event._tag === "UploadCancelled") return yield* discardUpload(files, id)
        if (event._tag === "UploadCommitted" && state._tag === "Open") {
          yield* established
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
