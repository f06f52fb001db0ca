/** Reads a blob as a stream. It fails before its end, if the bytes do not have the digest. */
import { Effect, Option, type Scope, Stream } from "effect"
import { algorithmOf, type ContentDigest } from "../../oci/Digest.ts"
import { type ContentMismatch, LimitExceeded, type StorageError, type SymlinkRefused } from "../../oci/OciError.ts"
import type { BlobRead, BlobStore } from "../../ops/ports/BlobStore.ts"
import { asStorage } from "../files/asStorage.ts"
import { requireDigest, runningHash } from "../files/hasher.ts"
import { ifThere, type LayoutFiles, type Opened, openRegular, readAll } from "../files/layoutFiles.ts"
import { readPieces } from "../files/readPieces.ts"
import type { FileSet, Trusted } from "../files/trusted.ts"
import type { FsError } from "../fs/LayoutFs.ts"
import { openKept } from "./protectBlob.ts"

/** To read a range of a blob of at most this size, the whole blob is hashed: bytes. */
const wholeBytes = 1024 * 1024

/** A blob, or what we hold of one that another tool has removed. */
export const openBlob = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { verified }: Trusted,
  digest: ContentDigest,
  fits?: (size: number) => boolean
): Effect.fn.Return<Opened | undefined, FsError | SymlinkRefused, Scope.Scope> {
  const opened = yield* ifThere(openRegular(files, files.blob(digest)))
  return opened ?? (yield* openKept(files, verified, digest, fits))
})

type ReadError = ContentMismatch | StorageError | SymlinkRefused

export const readBlob = (files: LayoutFiles, trusted: Trusted) =>
  Effect.fnUntraced(function*(
    digest: ContentDigest,
    { passing = false, verify, window }: Parameters<BlobStore["read"]>[1]
  ) {
    const { verified } = trusted
    const opened = yield* asStorage(files.root)(openBlob(files, trusted, digest))
    if (opened === undefined) return Option.none<BlobRead>()
    const { handle, stat } = opened
    const { size } = stat
    const known = verified.has(stat)
    if (window === undefined) {
      const content = verify
        ? verifying(files, verified, digest, opened, passing)
        : readPieces(files.root, handle, { from: 0, to: size, passing })
      return Option.some<BlobRead>({ size, verified: verify || known, content })
    }
    const end = Math.max(window.offset, Math.min(size, window.offset + window.length))
    if (verify && !known && size <= wholeBytes) {
      // The very bytes that were hashed: the file could change before it is read again.
      const bytes = yield* verifiedBytes(files, verified, digest, opened)
      return Option.some<BlobRead>({
        size,
        verified: true,
        content: Stream.fromIterable(end > window.offset ? [bytes.subarray(window.offset, end)] : [])
      })
    }
    return Option.some<BlobRead>({
      size,
      verified: known,
      content: readPieces(files.root, handle, { from: window.offset, to: end, passing })
    })
  })

/** The whole of a small blob, verified. */
export const getBlob = (files: LayoutFiles, trusted: Trusted): BlobStore["get"] => (digest, limit) =>
  Effect.suspend(() => {
    const bytes = knownBytes(files, trusted, digest)
    return bytes !== undefined && bytes.length <= limit
      ? Effect.succeed(Option.some(bytes))
      : getUnknown(files, trusted, digest, limit)
  })

/** The bytes of a blob whose file was read before, and has not changed. */
const knownBytes = (files: LayoutFiles, { contents }: Trusted, digest: ContentDigest): Uint8Array | undefined => {
  if (!contents.knows(digest)) return undefined
  const stat = files.fs.glance(files.blob(digest))
  return stat === undefined ? undefined : contents.get(digest, stat)
}

const getUnknown = (
  files: LayoutFiles,
  trusted: Trusted,
  digest: ContentDigest,
  limit: number
): ReturnType<BlobStore["get"]> =>
  Effect.scoped(Effect.gen(function*() {
    const { contents, verified } = trusted
    const opened = yield* asStorage(files.root)(openBlob(files, trusted, digest, (size) => size <= limit))
    if (opened === undefined) return Option.none<Uint8Array>()
    if (opened.stat.size > limit) return yield* new LimitExceeded({ what: `bytes of ${digest}`, limit })
    const bytes = yield* verifiedBytes(files, verified, digest, opened)
    contents.add(digest, opened, bytes)
    return Option.some(bytes)
  }))

/** All bytes of an open blob; they are hashed unless it is known to have been right. */
const verifiedBytes = Effect.fnUntraced(function*(
  files: LayoutFiles,
  verified: FileSet,
  digest: ContentDigest,
  opened: Opened
): Effect.fn.Return<Uint8Array, ReadError> {
  const bytes = yield* asStorage(files.root)(readAll(opened.handle, opened.stat.size))
  if (!verified.has(opened.stat)) {
    const hash = runningHash(algorithmOf(digest))
    hash.update(bytes)
    yield* requireDigest(digest, hash.digest(), onDisk)
    verified.add(opened)
  }
  return bytes
})

const onDisk = "the bytes on the disk"

/** Holds the last piece back until all of them agree with the name, so that who sees the end has seen the content. */
const verifying = (
  files: LayoutFiles,
  verified: FileSet,
  digest: ContentDigest,
  opened: Opened,
  passing: boolean
): Stream.Stream<Uint8Array, ReadError> =>
  Stream.suspend(() => {
    const hash = runningHash(algorithmOf(digest))
    return readPieces(files.root, opened.handle, {
      from: 0,
      to: opened.stat.size,
      passing,
      see: hash.update,
      approve: Effect.suspend(() => requireDigest(digest, hash.digest(), onDisk)).pipe(
        Effect.andThen(Effect.sync(() => verified.add(opened)))
      )
    })
  })
