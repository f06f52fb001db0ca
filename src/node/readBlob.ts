/** Reads a blob as a stream that ends only if its bytes are what its name says. */
import { Effect, Option, type Scope, Stream } from "effect"
import { algorithmOf, type ContentDigest } from "../oci/Digest.ts"
import { ContentMismatch, LimitExceeded, type StorageError, type SymlinkRefused } from "../oci/OciError.ts"
import type { BlobRead } from "../ops/ports.ts"
import { runningHash } from "./hasher.ts"
import { readBytes } from "./hashFile.ts"
import { asStorage, identityOf, ifThere, type LayoutFiles, type Opened, openRegular, readAll } from "./layoutFiles.ts"
import type { FileHandle, FsError } from "./LayoutFs.ts"
import { openLease } from "./leases.ts"
import type { Trusted, Verified } from "./trusted.ts"

/** A range of a blob up to this size is worth hashing the whole blob. */
const wholeBytes = 1024 * 1024

/** A blob, or what a lease holds of one that somebody has removed. */
export const openBlob = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { verified }: Trusted,
  digest: ContentDigest
): Effect.fn.Return<Opened | undefined, FsError | SymlinkRefused, Scope.Scope> {
  const opened = yield* ifThere(openRegular(files, files.blob(digest)))
  return opened ?? (yield* openLease(files, verified, digest))
})

type ReadError = ContentMismatch | StorageError | SymlinkRefused

export const readBlob = (files: LayoutFiles, trusted: Trusted) =>
  Effect.fnUntraced(function*(
    digest: ContentDigest,
    { verify, window }: {
      readonly window?: { readonly offset: number; readonly length: number }
      readonly verify: boolean
    }
  ) {
    const { verified } = trusted
    const opened = yield* asStorage(files.root)(openBlob(files, trusted, digest))
    if (opened === undefined) return Option.none<BlobRead>()
    const { handle, stat } = opened
    const { size } = stat
    const known = verified.has(identityOf(stat))
    if (window === undefined) {
      const content = verify ? verifying(files, verified, digest, opened) : bytesOf(files, handle, 0, size)
      return Option.some<BlobRead>({ size, verified: verify || known, content })
    }
    const end = Math.max(window.offset, Math.min(size, window.offset + window.length))
    if (verify && !known && size <= wholeBytes) yield* Stream.runDrain(verifying(files, verified, digest, opened))
    return Option.some<BlobRead>({
      size,
      verified: verified.has(identityOf(stat)),
      content: bytesOf(files, handle, window.offset, end)
    })
  })

/** The whole of a small blob, verified. */
export const getBlob = (files: LayoutFiles, trusted: Trusted) => (digest: ContentDigest, limit: number) =>
  Effect.scoped(Effect.gen(function*() {
    const { verified } = trusted
    const opened = yield* asStorage(files.root)(openBlob(files, trusted, digest))
    if (opened === undefined) return Option.none<Uint8Array>()
    const { handle, stat } = opened
    if (stat.size > limit) return yield* new LimitExceeded({ what: `bytes of ${digest}`, limit })
    const bytes = yield* asStorage(files.root)(readAll(handle, stat.size))
    if (!verified.has(identityOf(stat))) {
      const hash = runningHash(algorithmOf(digest))
      hash.update(bytes)
      yield* requireSame(digest, hash.digest())
      verified.add(identityOf(stat))
    }
    return Option.some(bytes)
  }))

/** The bytes of an open file from `from` up to, not including, `to`; `root` is what paths in errors are relative to. */
const bytesOf = (
  { root }: { readonly root: string },
  handle: FileHandle,
  from: number,
  to: number
): Stream.Stream<Uint8Array, StorageError | SymlinkRefused> =>
  read(root, handle, { from, to }, (bytes) => new Uint8Array(bytes))

/** The same, each piece in the place of the one before: for whoever is done with a piece when it takes the next. */
export const passingBytesOf = (
  { root }: { readonly root: string },
  handle: FileHandle,
  from: number,
  to: number
): Stream.Stream<Uint8Array, StorageError | SymlinkRefused> =>
  Stream.suspend(() => {
    const piece = new Uint8Array(Math.min(readBytes, to - from))
    return read(root, handle, { from, to }, (bytes) => piece.subarray(0, bytes))
  })

const read = (
  root: string,
  handle: FileHandle,
  { from, to }: { readonly from: number; readonly to: number },
  room: (bytes: number) => Uint8Array
): Stream.Stream<Uint8Array, StorageError | SymlinkRefused> =>
  Stream.paginate(
    from,
    Effect.fnUntraced(function*(offset: number) {
      const target = room(Math.min(readBytes, to - offset))
      const count = yield* asStorage(root)(handle.read(target, offset))
      const next = offset + count
      return [
        count === 0 ? [] : [target.subarray(0, count)],
        count === 0 || next >= to ? Option.none() : Option.some(next)
      ] as const
    })
  )

/** Holds the last piece back until all of them agree with the name, so that who sees the end has seen the content. */
const verifying = (
  files: LayoutFiles,
  verified: Verified,
  digest: ContentDigest,
  { handle, stat }: Opened
): Stream.Stream<Uint8Array, ReadError> =>
  Stream.suspend(() => {
    const hash = runningHash(algorithmOf(digest))
    let held: Uint8Array | undefined
    const passed = Stream.mapAccum(
      bytesOf(files, handle, 0, stat.size),
      () => undefined,
      (_, piece): [undefined, ReadonlyArray<Uint8Array>] => {
        hash.update(piece)
        const ready = held === undefined ? [] : [held]
        held = piece
        return [undefined, ready]
      }
    )
    const last = Stream.unwrap(Effect.gen(function*() {
      yield* requireSame(digest, hash.digest())
      verified.add(identityOf(stat))
      return held === undefined ? Stream.empty : Stream.succeed(held)
    }))
    return Stream.concat(passed, last)
  })

const requireSame = (digest: ContentDigest, actual: ContentDigest): Effect.Effect<void, ContentMismatch> =>
  actual === digest
    ? Effect.void
    : Effect.fail(new ContentMismatch({ digest, actual, reason: "the bytes on the disk are not those of its name" }))
