/** Compression of layers by node:zlib, in blocks that are compressed side by side. */
import { Effect, Stream } from "effect"
import { promisify } from "node:util"
import { constants, crc32, deflateRaw, zstdCompress } from "node:zlib"
import type { LayerMaker } from "../../make/ports/LayerMaker.ts"
import { InputUnsuitable } from "../../oci/OciError.ts"
import { layerCodec } from "../layers/layerCodec.ts"

/** So many bytes are compressed at once; the same always, since the bytes that come out depend on it. */
const blockBytes = { gzip: 1024 * 1024, zstd: 8 * 1024 * 1024 } as const

/** How far back a block of deflate may refer (RFC 1951). */
const windowBytes = 32 * 1024

/** Blocks under way: those that wait are held in memory. */
const atOnce = 4

const usual = { gzip: 6, zstd: 3 } as const
const highest = { gzip: 9, zstd: 19 } as const

/** RFC 1952, without a name, a time and a system, so that it is the same everywhere. */
const gzipHeader = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff)

const deflate = promisify(deflateRaw)
const zstd = promisify(zstdCompress)

interface Block {
  readonly bytes: Uint8Array
  /** The end of the block before, to which this one may refer. */
  readonly before: Uint8Array
}

/** Pieces put together to blocks of one size, and a shorter last one. */
const blocksOf = <E>(
  content: Stream.Stream<Uint8Array, E>,
  size: number,
  see: (bytes: Uint8Array) => void
): Stream.Stream<Block, E> =>
  Stream.suspend(() => {
    let waiting: Array<Uint8Array> = []
    let held = 0
    let before: Uint8Array = new Uint8Array()
    const take = (): Block => {
      const all = Buffer.concat(waiting, held)
      const bytes = all.subarray(0, size)
      waiting = held > size ? [all.subarray(size)] : []
      held -= bytes.length
      const block = { bytes, before }
      before = bytes.subarray(Math.max(0, bytes.length - windowBytes))
      return block
    }
    return content.pipe(
      Stream.flatMap((piece) => {
        see(piece)
        waiting.push(piece)
        held += piece.length
        const blocks: Array<Block> = []
        for (let full = Math.floor(held / size); full > 0; full--) blocks.push(take())
        return Stream.fromIterable(blocks)
      }),
      Stream.concat(Stream.suspend(() => held > 0 ? Stream.succeed(take()) : Stream.empty))
    )
  })

/** One member, of blocks that end at whole bytes, each with the one before it as its dictionary. */
const gzipped = <E>(content: Stream.Stream<Uint8Array, E>, level: number): Stream.Stream<Uint8Array, E> =>
  Stream.suspend(() => {
    let sum = 0
    let size = 0
    const blocks = blocksOf(content, blockBytes.gzip, (bytes) => {
      sum = crc32(bytes, sum)
      size += bytes.length
    })
    const compressed = Stream.mapEffect(blocks, ({ before, bytes }) =>
      Effect.promise(() =>
        deflate(bytes, {
          level,
          finishFlush: constants.Z_SYNC_FLUSH,
          ...(before.length === 0 ? {} : { dictionary: before })
        })
      ), { concurrency: atOnce })
    const end = Stream.sync(() => {
      // An empty block that is the last one, and the trailer.
      const bytes = Buffer.alloc(10)
      bytes[0] = 3
      bytes.writeUInt32LE(sum, 2)
      bytes.writeUInt32LE(size % 2 ** 32, 6)
      return bytes
    })
    return Stream.concat(Stream.succeed(gzipHeader), Stream.concat(compressed, end))
  })

/** A frame for each block, as pzstd writes them. */
const zstdFrames = <E>(content: Stream.Stream<Uint8Array, E>, level: number): Stream.Stream<Uint8Array, E> =>
  Stream.mapEffect(
    blocksOf(content, blockBytes.zstd, () => undefined),
    ({ bytes }) =>
      Effect.promise(() =>
        zstd(bytes, {
          params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 }
        })
      ),
    { concurrency: atOnce }
  )

/** Makes layers with the zlib of Node. */
export const layerMaker: LayerMaker = {
  codec: layerCodec,
  compress: (content, { kind, level }) => {
    if (kind === "none") return content
    const wanted = level ?? usual[kind]
    if (!Number.isInteger(wanted) || wanted < 1 || wanted > highest[kind]) {
      return Stream.fail(
        new InputUnsuitable({ input: String(wanted), reason: `is no level of ${kind}: from 1 to ${highest[kind]}` })
      )
    }
    return kind === "gzip" ? gzipped(content, wanted) : zstdFrames(content, wanted)
  }
}
