import { assert, describe, it } from "@effect/vitest"
import { randomBytes } from "node:crypto"
import { constants, gzipSync, zstdCompressSync } from "node:zlib"
import { type Checkpoint, CodecFailed } from "../../../src/image/ports/LayerCodec.ts"
import { layerCodec } from "../../../src/node/layers/layerCodec.ts"

/** Text that compresses about as files do. */
const content = (length: number): Buffer => {
  const words = Array.from({ length: 500 }, () => randomBytes(3).toString("hex"))
  const parts: Array<string> = []
  for (let size = 0; size < length; size += 8) parts.push(`${words[Math.floor(Math.random() * words.length)] ?? ""} \n`)
  return Buffer.from(parts.join("")).subarray(0, length)
}

const decoded = (
  compression: "gzip" | "zstd",
  blob: Buffer,
  piece: number,
  checkpoint?: (checkpoint: Checkpoint) => void
): Buffer => {
  const parts: Array<Buffer> = []
  const sink = (bytes: Uint8Array) => void parts.push(Buffer.from(bytes))
  const decoder = layerCodec.decode(
    compression,
    sink,
    checkpoint === undefined ? undefined : { span: 64 * 1024, checkpoint }
  )
  try {
    for (let at = 0; at < blob.length; at += piece) decoder.write(blob.subarray(at, at + piece))
    decoder.finish()
  } finally {
    decoder.close()
  }
  return Buffer.concat(parts)
}

const [a, b] = [content(300_001), Buffer.from(randomBytes(70_003))]
const both = Buffer.concat([a, b])
const skippable = Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0]), Buffer.alloc(4)])
const [zstdA, zstdB] = [zstdCompressSync(a), zstdCompressSync(b)]

const whole: ReadonlyArray<readonly [name: string, compression: "gzip" | "zstd", blob: Buffer]> = [
  ["one member", "gzip", gzipSync(both)],
  ["two members", "gzip", Buffer.concat([gzipSync(a), gzipSync(b)])],
  ["an empty member first", "gzip", Buffer.concat([gzipSync(""), gzipSync(both)])],
  ["stored blocks", "gzip", gzipSync(both, { level: 0 })],
  ["zeros behind the last member", "gzip", Buffer.concat([gzipSync(both), Buffer.alloc(1000)])],
  ["two frames", "zstd", Buffer.concat([zstdA, zstdB])],
  ["a skippable frame first", "zstd", Buffer.concat([skippable, zstdA, zstdB])],
  ["a skippable frame between", "zstd", Buffer.concat([zstdA, skippable, zstdB])],
  ["a skippable frame last", "zstd", Buffer.concat([zstdA, zstdB, skippable])],
  [
    "empty frames around",
    "zstd",
    Buffer.concat([zstdCompressSync(Buffer.alloc(0)), zstdCompressSync(both), zstdCompressSync(Buffer.alloc(0))])
  ]
]

describe("decompression of layers", () => {
  it.each(whole)("decodes %s of %s, in pieces of any length", (_, compression, blob) => {
    for (const piece of [1000, 65_536, blob.length]) {
      assert.isTrue(decoded(compression, blob, piece).equals(both), `pieces of ${piece} bytes`)
    }
  })

  it("decodes frames that fill the buffer to its last byte", () => {
    const full = content(256 * 1024)
    const blob = Buffer.concat([zstdCompressSync(full), zstdCompressSync(full), zstdCompressSync(full)])
    assert.isTrue(decoded("zstd", blob, blob.length).equals(Buffer.concat([full, full, full])))
  })

  const broken: ReadonlyArray<readonly [name: string, compression: "gzip" | "zstd", blob: Buffer]> = [
    ["gzip that is cut short", "gzip", gzipSync(both).subarray(0, -9)],
    ["gzip without its checksum", "gzip", gzipSync(both).subarray(0, -1)],
    ["gzip with garbage behind it", "gzip", Buffer.concat([gzipSync(both), Buffer.from("garbage garbage")])],
    ["zstd that is cut short", "zstd", zstdA.subarray(0, -1)],
    ["zstd with garbage behind it", "zstd", Buffer.concat([zstdA, Buffer.from("garbage garbage")])],
    ["what is no gzip", "gzip", Buffer.from("this is no gzip at all")],
    ["nothing", "gzip", Buffer.alloc(0)]
  ]
  it.each(broken)("refuses %s", (_, compression, blob) => {
    assert.throws(() => decoded(compression, blob, 1000), CodecFailed)
  })

  const inPieces = (encode: (bytes: Buffer) => Buffer) => (bytes: Buffer) => {
    const parts: Array<Buffer> = []
    for (let at = 0; at < bytes.length; at += 600_000) parts.push(encode(bytes.subarray(at, at + 600_000)))
    return Buffer.concat(parts)
  }
  const encoders: ReadonlyArray<
    readonly [compression: "gzip" | "zstd", name: string, encode: (bytes: Buffer) => Buffer]
  > = [
    ["gzip", "level 1", (bytes) => gzipSync(bytes, { level: 1 })],
    ["gzip", "level 6", (bytes) => gzipSync(bytes)],
    ["gzip", "fixed codes", (bytes) => gzipSync(bytes, { strategy: constants.Z_FIXED })],
    ["gzip", "codes without matches", (bytes) => gzipSync(bytes, { strategy: constants.Z_HUFFMAN_ONLY })],
    ["gzip", "members of 600,000 bytes", inPieces((bytes) => gzipSync(bytes))],
    ["zstd", "frames of 600,000 bytes", inPieces((bytes) => zstdCompressSync(bytes))],
    [
      "zstd",
      "frames with others between that are passed over",
      inPieces((bytes) => Buffer.concat([zstdCompressSync(bytes), skippable]))
    ]
  ]
  it.each(encoders)("reads %s of %s from every checkpoint as from the start", (compression, _, encode) => {
    const large = content(2_000_000)
    const blob = encode(large)
    const checkpoints: Array<Checkpoint> = []
    const told = (checkpoint: Checkpoint) => void checkpoints.push(checkpoint)
    assert.isTrue(decoded(compression, blob, 32_768, told).equals(large))
    assert.isAtLeast(checkpoints.length, 2)
    for (const checkpoint of checkpoints) {
      const parts: Array<Buffer> = []
      const decoder = layerCodec.resume(compression, checkpoint, (bytes) => void parts.push(Buffer.from(bytes)))
      for (let at = checkpoint.in; at < blob.length; at += 5000) decoder.write(blob.subarray(at, at + 5000))
      decoder.close()
      assert.isTrue(Buffer.concat(parts).equals(large.subarray(checkpoint.out)), `from ${checkpoint.out}`)
    }
  })
})
