/** Upload sessions as folders: they outlive the process, and another one can go on with them. */
import { Clock, Effect, Exit } from "effect"
import { dirname, join } from "node:path"
import { absent, isUploadId, type UploadId, type UploadState } from "../../layout/Upload.ts"
import type { ContentDigest } from "../../oci/Digest.ts"
import { UploadBusy } from "../../oci/OciError.ts"
import type { UploadSession, UploadStore } from "../../ops/ports/UploadStore.ts"
import { placeBlob } from "../blobs/blobFiles.ts"
import { asStorage } from "../files/asStorage.ts"
import { makeFolder, openLock, syncFile, syncFolder, tell } from "../files/durable.ts"
import { cannotLink } from "../files/fallback.ts"
import { type RunningHash, runningHash } from "../files/hasher.ts"
import { hashFile } from "../files/hashFile.ts"
import { identityOf, isAsWritten } from "../files/identity.ts"
import { guard, guardOwn, ifThere, isNoFile, type LayoutFiles, statIfThere } from "../files/layoutFiles.ts"
import { afterNaming, type Trusted } from "../files/trusted.ts"
import { writePieces } from "../files/writePieces.ts"
import { FsError } from "../fs/LayoutFs.ts"
import type { Preparation } from "../index/Preparation.ts"
import {
  discardUpload,
  type Folder,
  folderOf,
  newId,
  openData,
  readUpload,
  startUpload,
  sweepUpload,
  syncSession,
  writeCommitted
} from "./uploadFolder.ts"

/** A hash that follows a session while this process appends to it. */
interface Following {
  readonly hash: RunningHash
  size: number
  /** What the data was after the last append: what else was written into it has not been hashed. */
  identity: string | undefined
}

/** From one look for sessions that have expired to the next: an hour. */
const sweepMillis = 3_600_000

/** The most sessions whose hash is kept in memory. The bytes of any other session are read and hashed again. */
const mostFollowed = 1024

export const makeUploadStore = (
  files: LayoutFiles,
  { foldersCreated, layoutCreated }: Preparation,
  trusted: Trusted
): UploadStore => {
  const storage = asStorage(files.root)
  const following = new Map<UploadId, Following>()
  const lasting = new Set<UploadId>()

  const list = storage(Effect.gen(function*() {
    yield* guard(files, join(files.uploads, "any"))
    const names = (yield* ifThere(files.fs.readDirectory(files.uploads))) ?? []
    const states = yield* Effect.forEach(
      names.filter(isUploadId),
      // An entry that is no session does not hide the others.
      (id) =>
        readUpload(files, id).pipe(
          Effect.catchIf(isNoFile, () => Effect.succeed(absent)),
          Effect.map((state) => ({ id, state }))
        )
    )
    return states
  }))

  /** Looking at all sessions takes longer the more there are: that is not done for each that begins. */
  let swept = Number.NEGATIVE_INFINITY
  const sweep = Effect.fnUntraced(function*() {
    const now = yield* Clock.currentTimeMillis
    // A clock that was set back is no reason to wait.
    if (now >= swept && now - swept < sweepMillis) return
    swept = now
    // A session that cannot be removed now is removed another time; it is no reason to refuse a new one.
    for (const { id, state } of yield* list) yield* Effect.ignore(sweepUpload(files, id, state, now))
  })

  return {
    create: Effect.fnUntraced(function*(repository) {
      yield* foldersCreated
      yield* sweep()
      const id = yield* newId
      yield* storage(startUpload(files, id, repository))
      following.set(id, { hash: runningHash("sha256"), size: 0, identity: undefined })
      const [oldest] = following.keys()
      if (following.size > mostFollowed && oldest !== undefined) following.delete(oldest)
      return { _tag: "Open", id, repository, size: 0, touched: yield* Clock.currentTimeMillis }
    }),
    stat: (id) => storage(readUpload(files, id)),
    list: Effect.map(list, (all) => all.flatMap(({ state }) => state._tag === "Open" ? [state] : [])),
    exclusive: Effect.fnUntraced(function*(id) {
      const folder = folderOf(files, id)
      const held = yield* storage(Effect.gen(function*() {
        yield* guardOwn(files)
        yield* guard(files, folder.lock)
        if ((yield* statIfThere(files.fs, folder.path)) === undefined) return undefined
        const handle = yield* ifThere(openLock(files, folder.lock))
        return handle === undefined ? undefined : yield* handle.tryLock
      }))
      if (held === false) return yield* new UploadBusy({ upload: id })
      // It may have been cancelled or swept while the lock was being taken.
      const state = yield* storage(readUpload(files, id))
      if (state._tag === "Committed") yield* storage(removeCommitted(files, folder, state.digest))
      return sessionOf({ files, trusted, following, lasting, layoutCreated }, id, state)
    })
  }
}

/** Only an attacker changes the data between its digest and its commit: what comes now is not what was pushed. */
const exchanged = (path: string): FsError =>
  new FsError({ operation: "open", path, code: "ESTALE", cause: new Error("it was changed after it was hashed") })

/** What the sessions of a layout share. */
interface Shared {
  readonly files: LayoutFiles
  readonly trusted: Trusted
  readonly following: Map<UploadId, Following>
  /** Those that this process has synced themselves, not only their data; one that is missing is synced once more. */
  readonly lasting: Set<UploadId>
  readonly layoutCreated: Preparation["layoutCreated"]
}

const sessionOf = (
  { layoutCreated, files, following, lasting, trusted }: Shared,
  id: UploadId,
  state: UploadState
): UploadSession => {
  const folder = folderOf(files, id)
  const storage = asStorage(files.root)
  let size = state._tag === "Open" ? state.size : 0
  const opened = storage(openData(files, folder))
  /** The identity of the data when its digest was computed. */
  let hashed: string | undefined

  const follow = (offset: number, piece: Uint8Array): void => {
    const hash = following.get(id)
    if (hash === undefined) return
    // Another process has appended in between: this hash has not seen all bytes.
    if (hash.size !== offset) following.delete(id)
    else {
      hash.hash.update(piece)
      hash.size += piece.length
    }
  }

  const lastingSession = Effect.gen(function*() {
    if (lasting.has(id)) return
    yield* syncSession(files, folder)
    if (lasting.size >= mostFollowed) lasting.clear()
    lasting.add(id)
  })

  return {
    state,
    append: Effect.fnUntraced(function*(content, { committed = false } = {}) {
      const handle = yield* opened
      const from = size
      let isLost = false
      const syncAhead = Effect.uninterruptible(Effect.tapError(syncFile(files, handle), () =>
        Effect.sync(() => {
          isLost = true
        })))
      // What has arrived is kept even if the rest fails, and is on the disk before the caller is told.
      const arrived = storage(writePieces(handle, content, {
        from,
        see: (piece, offset) => follow(offset, piece),
        syncAhead: files.durability === "power" ? syncAhead : undefined,
        wrote: (end) => {
          size = end
        }
      })).pipe(
        // What was hashed may not have been written.
        Effect.onError(() => Effect.sync(() => following.delete(id)))
      )
      const ended = Effect.onExit(arrived, (exit) =>
        storage(Effect.gen(function*() {
          // A sync that has failed is not told again: what was to be synced is not kept.
          if (isLost) size = from
          yield* handle.truncate(size)
          if (committed && Exit.isSuccess(exit)) return
          yield* syncFile(files, handle)
          yield* lastingSession
        })))
      yield* ended
      const followed = following.get(id)
      if (followed !== undefined) {
        followed.identity = identityOf(yield* storage(handle.stat))
      }
      return size - from
    }, Effect.scoped),
    digest: Effect.fnUntraced(function*(algorithm) {
      const handle = yield* opened
      const stat = yield* storage(handle.stat)
      hashed = identityOf(stat)
      const followed = following.get(id)
      // Other data may have been put in the place of what was appended.
      const isFollowed = algorithm === "sha256" && followed?.size === size && size > 0 && followed.identity === hashed
      return isFollowed ? followed.hash.digest() : yield* storage(hashFile(handle, size, algorithm))
    }, Effect.scoped),
    conclude: (event) =>
      storage(Effect.scoped(Effect.gen(function*() {
        following.delete(id)
        lasting.delete(id)
        if (event._tag === "UploadCancelled") return yield* discardUpload(files, id)
        if (event._tag === "UploadCommitted" && state._tag === "Open") {
          yield* layoutCreated
          yield* commit({ files, trusted, folder, hashed }, { id, size, digest: event.digest })
        }
      })))
  }
}

/**
 * The session says what it is to become, then its data gets the blob's name, moving no bytes, and only then loses its
 * own: a crash in between leaves a session that is committed or can be, and never one whose data is a blob to append
 * to. What it says is not synced: a power cut after the answer may take that, and the session with it, not the blob.
 */
const commit = Effect.fnUntraced(function*(
  { files, folder, hashed, trusted }: {
    readonly files: LayoutFiles
    readonly trusted: Trusted
    readonly folder: Folder
    readonly hashed: string | undefined
  },
  { digest, id, size }: { readonly id: UploadId; readonly digest: ContentDigest; readonly size: number }
) {
  const handle = yield* openData(files, folder)
  if (!isAsWritten(hashed ?? "", yield* handle.stat)) return yield* exchanged(folder.data)
  yield* syncFile(files, handle)
  yield* writeCommitted(files, folder, { digest, size })
  const second = join(files.temporary, `commit.${id}`)
  yield* makeFolder(files, files.temporary)
  yield* ifThere(files.fs.unlink(second))
  // Where there are no links, the data itself is moved.
  const placed = Effect.gen(function*() {
    const linked = yield* tell(files.fs.link(folder.data, second), ...cannotLink)
    // What is said to have been refused may have been done.
    if (linked !== "done") yield* ifThere(files.fs.unlink(second))
    yield* placeBlob(files, trusted, { path: linked === "done" ? second : folder.data, handle, digest, how: "link" })
  })
  yield* Effect.onError(placed, () => Effect.ignore(ifThere(files.fs.unlink(second))))
  const before = yield* handle.stat
  yield* ifThere(files.fs.unlink(folder.data))
  const unnamed = afterNaming(files, { stat: before, mtimeReliable: true }, yield* handle.stat)
  for (const known of [trusted.verified, trusted.durable]) if (known.has(before)) known.add(unnamed)
})

/** Ends a commit that a crash cut short: answering it again must promise no less than the first answer would have. */
const removeCommitted = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { data }: Folder,
  digest: ContentDigest
): Effect.fn.Return<void, FsError> {
  if ((yield* statIfThere(files.fs, data)) === undefined) return
  yield* syncFolder(files, dirname(files.blob(digest)))
  yield* ifThere(files.fs.unlink(data))
})
