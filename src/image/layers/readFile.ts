/** The bytes of one file of a layer, by decompressing as little of it as can be. */
import { Effect, Stream } from "effect"
import { LayerInvalid } from "../../oci/OciError.ts"
import type { LookError } from "../../ops/api/errors.ts"
import { type Checkpoint, CodecFailed } from "../ports/LayerCodec.ts"
import { digestOf, type Entry, hexOf, type LayerTable } from "../table/Entry.ts"
import { Unpacked } from "../tar/Unpacked.ts"
import type { LayerSource } from "./LayerSource.ts"
import { checkpointsOf } from "./readLayer.ts"

export interface FileWindow {
  readonly offset: number
  /** In bytes; cut at the end of the file. */
  readonly length: number
}

/**
 * The content of a file, or a window of it. All of it is checked against the SHA-256 that the first look has noted: the
 * stream fails with `LayerInvalid` before its last piece where it differs. A window cannot be checked.
 */
export const readFile = (
  source: LayerSource,
  table: LayerTable,
  entry: Entry,
  { length, offset }: FileWindow = { offset: 0, length: entry.size }
): Stream.Stream<Uint8Array, LookError> => {
  const end = Math.min(entry.size, offset + length)
  if (offset >= end) return Stream.empty
  const content = entry.sparse === undefined
    ? readTar(source, table, entry.offset + offset, entry.offset + end)
    : cut(unpacked(readTar(source, table, entry.offset, entry.offset + entry.stored), entry), offset, end)
  return offset === 0 && end === entry.size ? checked(content, source, table, entry) : content
}

/** With its holes. */
const unpacked = <E>(body: Stream.Stream<Uint8Array, E>, entry: Entry): Stream.Stream<Uint8Array, E> =>
  Stream.suspend(() => {
    const file = new Unpacked(entry)
    return Stream.concat(
      Stream.flatMap(body, (bytes) => Stream.fromIterable(file.data(bytes))),
      Stream.suspend(() => Stream.fromIterable(file.end()))
    )
  })

/** Bytes `from` up to, not including, `to`. */
const cut = <E>(content: Stream.Stream<Uint8Array, E>, from: number, to: number): Stream.Stream<Uint8Array, E> =>
  Stream.suspend(() => {
    let at = 0
    return content.pipe(
      Stream.takeWhile(() => at < to),
      Stream.map((bytes) => {
        const part = bytes.subarray(Math.max(0, from - at), Math.max(0, to - at))
        at += bytes.length
        return part
      }),
      Stream.filter(({ length }) => length > 0)
    )
  })

export const notAsTold = ({ digest, own }: LayerTable): LayerInvalid =>
  new LayerInvalid({
    digest,
    reason: own === undefined
      ? "a file is not what it was at first"
      : "a file is not what its own table of contents says"
  })

/** Holds the last piece back until all of them agree with the digest. */
const checked = (
  content: Stream.Stream<Uint8Array, LookError>,
  { codec }: LayerSource,
  table: LayerTable,
  entry: Entry
): Stream.Stream<Uint8Array, LookError> =>
  Stream.suspend(() => {
    const hash = codec.sha256()
    let held: Uint8Array | undefined
    return Stream.concat(
      Stream.flatMap(content, (bytes) => {
        hash.update(bytes)
        const before = held
        held = bytes
        return before === undefined ? Stream.empty : Stream.succeed(before)
      }),
      Stream.suspend(() =>
        held === undefined || `sha256:${hexOf(hash.digest())}` !== digestOf(table, entry)
          ? Stream.fail(notAsTold(table))
          : Stream.succeed(held)
      )
    )
  })

/** Input that is decoded at once, in bytes: what comes out is held, and may be 1,000 or 32,000 times as much. */
const pieceBytes = { gzip: 16 * 1024, zstd: 1024 } as const

/** Bytes `from` up to, not including, `to` of the uncompressed layer; not checked. */
export const readTar = (
  source: LayerSource,
  table: LayerTable,
  from: number,
  to: number
): Stream.Stream<Uint8Array, LookError> => {
  const { registry, repository } = source
  const { compression, digest } = table
  if (from >= to) return Stream.empty
  if (compression === "none") {
    return Stream.unwrap(
      Effect.map(registry.getBlobRange(repository, digest, { offset: from, end: to }), ({ stream }) => stream)
    )
  }
  return Stream.unwrap(Effect.gen(function*() {
    const checkpoint = yield* before(source, table, from)
    const blob = yield* registry.getBlobRange(
      repository,
      digest,
      { offset: checkpoint?.in ?? 0 },
      { passing: true, verify: false }
    )
    let at = checkpoint?.out ?? 0
    let found: Array<Uint8Array> = []
    const sink = (bytes: Uint8Array) => {
      // A copy, which `slice` of Node's buffers is not.
      const part = new Uint8Array(bytes.subarray(Math.max(0, from - at), Math.max(0, to - at)))
      at += bytes.length
      if (part.length > 0) found.push(part)
    }
    const decoder = yield* Effect.acquireRelease(
      Effect.sync(() =>
        checkpoint === undefined
          ? source.codec.decode(compression, sink)
          : source.codec.resume(compression, checkpoint, sink)
      ),
      (decoder) => Effect.sync(() => decoder.close())
    )
    const decode = (bytes: Uint8Array) =>
      Effect.try({
        try: () => {
          decoder.write(bytes)
          const parts = found
          found = []
          return parts
        },
        catch: (error) => {
          if (error instanceof CodecFailed) return new LayerInvalid({ digest, reason: error.message })
          throw error
        }
      })
    return blob.stream.pipe(
      Stream.flatMap((bytes) => Stream.fromIterable(piecesOf(bytes, pieceBytes[compression]))),
      Stream.takeWhile(() => at < to),
      Stream.mapEffect(decode),
      Stream.flatMap((parts) => Stream.fromIterable(parts))
    )
  }))
}

/** The last checkpoint that is not behind a place; none where the beginning of the layer is as near. */
const before = (
  source: LayerSource,
  table: LayerTable,
  place: number
): Effect.Effect<Checkpoint | undefined, LookError> =>
  Effect.map(checkpointsOf(source, table), (all) => lastBefore(all, place))

const lastBefore = (all: ReadonlyArray<Checkpoint>, place: number): Checkpoint | undefined => {
  let [low, high] = [0, all.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((all[middle]?.out ?? 0) <= place) low = middle + 1
    else high = middle
  }
  return all[low - 1]
}

const piecesOf = function*(bytes: Uint8Array, length: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}
