/** Opens archives: plain tars are read where they are, compressed ones are unpacked once into a file without a name. */
import { Effect, type Scope, Stream } from "effect"
import { randomUUID } from "node:crypto"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { CodecFailed } from "../../image/ports/LayerCodec.ts"
import { asStorage } from "../../node/files/asStorage.ts"
import { readPieces } from "../../node/files/readPieces.ts"
import type { FileHandle, FsError } from "../../node/fs/LayoutFs.ts"
import { nodeFs } from "../../node/fs/nodeFs.ts"
import { layerCodec } from "../../node/layers/layerCodec.ts"
import {
  ArchiveInvalid,
  FileUnknown,
  type RegistryError,
  type StorageError,
  type SymlinkRefused
} from "../../oci/OciError.ts"
import * as limits from "./limits.ts"

/** A file that can be read at any place. */
export interface OpenFile {
  readonly path: string
  readonly handle: FileHandle
  readonly size: number
}

const headBytes = 512

/** Whether a file begins as an archive does. */
export type Look = "tar" | "gzip" | "zstd" | "other"

export const lookOf = (head: Uint8Array): Look => {
  const starts = (...bytes: ReadonlyArray<number>) => bytes.every((byte, at) => head[at] === byte)
  if (starts(0x1f, 0x8b)) return "gzip"
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return "zstd"
  const magic = Buffer.from(head.subarray(257, 262)).toString("latin1")
  return magic === "ustar" ? "tar" : "other"
}

/** The first bytes of an open file. */
const headOf = Effect.fnUntraced(function*(handle: FileHandle): Effect.fn.Return<Uint8Array, FsError> {
  const head = new Uint8Array(headBytes)
  return head.subarray(0, yield* handle.read(head, 0))
})

/** Whether there is a file at a path that begins as an archive does; a file that cannot be read is none. */
export const isArchive = (path: string): Effect.Effect<boolean> =>
  Effect.scoped(Effect.gen(function*() {
    const handle = yield* nodeFs.open(resolve(path), { access: "read", follow: true })
    if ((yield* handle.stat).kind !== "file") return false
    return lookOf(yield* headOf(handle)) !== "other"
  })).pipe(Effect.orElseSucceed(() => false))

/** A tar, ready to be read; `content` in the place of a file is unpacked as it comes. */
export const openTar = Effect.fnUntraced(function*(
  path: string,
  content?: Stream.Stream<Uint8Array, RegistryError>
): Effect.fn.Return<OpenFile, RegistryError, Scope.Scope> {
  if (content !== undefined) return yield* unpacked(path, content, undefined)
  const real = resolve(path)
  const handle = yield* nodeFs.open(real, { access: "read", follow: true }).pipe(
    Effect.catchIf(
      (error) => error.code === "ENOENT" || error.code === "ENOTDIR",
      () => Effect.fail(new FileUnknown({ path, reason: "does not exist" }))
    ),
    asStorage("/")
  )
  const { kind, size } = yield* asStorage("/")(handle.stat)
  if (kind !== "file") return yield* new ArchiveInvalid({ path, reason: "it is no regular file" })
  const look = lookOf(yield* asStorage("/")(headOf(handle)))
  if (look === "tar" || look === "other") return { path, handle, size }
  const whole = readPieces("/", handle, { from: 0, to: size, passing: true })
  return yield* unpacked(path, whole, size)
})

/** Content in a file that no other process can name, decompressed where it is compressed. */
const unpacked = Effect.fnUntraced(function*<E>(
  path: string,
  content: Stream.Stream<Uint8Array, E>,
  packed: number | undefined
): Effect.fn.Return<OpenFile, E | ArchiveInvalid | StorageError | SymlinkRefused, Scope.Scope> {
  const temporary = join(tmpdir(), `ocilayout-${randomUUID()}`)
  const tell = asStorage("/")
  const written = yield* tell(nodeFs.open(temporary, { access: "create" }, 0o600))
  const handle = yield* tell(nodeFs.open(temporary, { access: "read" }))
  // It is gone as soon as it is closed, however this process ends.
  yield* tell(nodeFs.unlink(temporary))
  let size = 0
  let taken = 0
  let begun: { readonly write: (bytes: Uint8Array) => void; readonly finish: () => void } | undefined
  const pieces: Array<Uint8Array> = []
  const sink = (bytes: Uint8Array): void => {
    size += bytes.length
    const bomb = size > limits.ratioFrom && size > Math.max(packed ?? taken, 1) * limits.ratio
    if (size > limits.unpackedBytes || bomb) throw new CodecFailed("it unpacks to more than an archive may hold")
    pieces.push(bytes.slice())
  }
  const flush = Effect.fnUntraced(function*(from: number): Effect.fn.Return<void, StorageError | SymlinkRefused> {
    let at = from
    for (const piece of pieces.splice(0)) {
      yield* tell(written.write(piece, at))
      at += piece.length
    }
  })
  const guarded = (work: () => void) =>
    Effect.try({
      try: work,
      catch: (error) =>
        new ArchiveInvalid({ path, reason: error instanceof CodecFailed ? error.message : "it cannot be decompressed" })
    })
  let close: () => void = () => undefined
  yield* Effect.addFinalizer(() => Effect.sync(() => close()))
  yield* Stream.runForEach(
    content,
    Effect.fnUntraced(function*(piece) {
      const before = size
      taken += piece.length
      yield* guarded(() => {
        if (begun === undefined) {
          const look = lookOf(piece)
          if (look === "gzip" || look === "zstd") {
            const decoder = layerCodec.decode(look, sink)
            close = () => decoder.close()
            begun = decoder
          } else begun = { write: sink, finish: () => undefined }
        }
        begun.write(piece)
      })
      yield* flush(before)
    })
  )
  const before = size
  yield* guarded(() => begun?.finish())
  yield* flush(before)
  return { path, handle, size }
})
