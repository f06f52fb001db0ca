import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Result, Stream } from "effect"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { getBlob, readBlob } from "../../../src/node/blobs/readBlob.ts"
import { hasher } from "../../../src/node/files/hasher.ts"
import { readBytes } from "../../../src/node/files/hashFile.ts"
import { makeTrusted, makeVerified } from "../../../src/node/files/trusted.ts"
import type { ContentDigest } from "../../../src/oci/Digest.ts"
import { ContentMismatch, LimitExceeded } from "../../../src/oci/OciError.ts"
import type { BlobRead } from "../../../src/ops/ports/BlobStore.ts"
import { newDisk } from "../../support/disk.ts"
import { digest } from "../../support/entries.ts"
import { collect, digestOf, textOf, utf8 } from "../../support/images.ts"
import { later } from "../../support/later.ts"

/** A layout with these bytes as a blob of this digest, theirs by default. */
const blobOf = Effect.fnUntraced(function*(bytes: Uint8Array, name: ContentDigest = digestOf(bytes)) {
  const disk = yield* newDisk
  const trusted = makeTrusted()
  const path = `blobs/${name.replace(":", "/")}`
  disk.write(path, bytes)
  const readAny = readBlob(disk.files, trusted)
  return {
    disk,
    name,
    path: disk.path(path),
    /** With a time of its own, so that the change shows where the clock is coarse. */
    replace: (content: Uint8Array) => {
      disk.write(path, content)
      fs.utimesSync(disk.path(path), 1, 1)
    },
    get: getBlob(disk.files, trusted),
    read: (options: Partial<Parameters<typeof readAny>[1]> = {}) =>
      Effect.flatMap(readAny(name, { verify: true, ...options }), Effect.fromOption)
  }
})

const range = (offset: number, length: number) => ({ window: { offset, length } })

/** The pieces that come out, and the failure at their end. */
const pieces = Effect.fnUntraced(function*({ content }: BlobRead) {
  const seen: Array<Uint8Array> = []
  const end = yield* Effect.result(Stream.runForEach(content, (piece) => Effect.sync(() => seen.push(piece))))
  return { seen, failure: Result.isFailure(end) ? end.failure : undefined }
})

const large = randomBytes(3 * readBytes + 17)
const middling = randomBytes(readBytes)

describe("a whole blob", () => {
  it.live.each([0, 1, readBytes - 1, readBytes, readBytes + 1, 2 * readBytes])(
    "of %d bytes is its bytes",
    (size) =>
      Effect.gen(function*() {
        const bytes = large.subarray(0, size)
        const { read } = yield* blobOf(bytes)
        const blob = yield* read()
        assert.deepStrictEqual([blob.size, blob.verified], [size, true])
        assert.isTrue(bytes.equals(yield* collect(blob.content)))
      })
  )

  it.live("is read by its SHA-512 as well", () =>
    Effect.gen(function*() {
      const { read } = yield* blobOf(utf8("content"), hasher.digest("sha512", utf8("content")))
      assert.strictEqual(textOf(yield* collect((yield* read()).content)), "content")
    }))

  it.live("that is not there is none", () =>
    Effect.gen(function*() {
      const { disk } = yield* blobOf(utf8("content"))
      const trusted = makeTrusted()
      assert.isTrue(Option.isNone(yield* readBlob(disk.files, trusted)(digest("a"), { verify: true })))
      assert.isTrue(Option.isNone(yield* getBlob(disk.files, trusted)(digest("a"), 10)))
    }))

  const changed = Buffer.from(large)
  changed.writeUInt8(changed.readUInt8(5) ^ 1, 5)

  const spoiled: ReadonlyArray<readonly [string, Buffer]> = [
    ["changed at its beginning", changed],
    ["cut short", large.subarray(0, -1)],
    ["cut at the end of a piece", large.subarray(0, readBytes)],
    ["longer than it was", Buffer.concat([large, Buffer.from("x")])],
    ["empty", Buffer.alloc(0)]
  ]

  it.live.each(spoiled)(
    "that is %s fails before its end: the last piece is held back",
    ([, bytes]) =>
      Effect.gen(function*() {
        const { name, read } = yield* blobOf(bytes, digestOf(large))
        const { failure, seen } = yield* pieces(yield* read())
        assert.instanceOf(failure, ContentMismatch)
        assert.strictEqual(failure.digest, name)
        assert.strictEqual(failure.actual, digestOf(bytes))
        const last = bytes.length % readBytes === 0 ? readBytes : bytes.length % readBytes
        assert.strictEqual(seen.reduce((sum, { length }) => sum + length, 0), Math.max(0, bytes.length - last))
      })
  )

  it.live("is passed on unread when no caller wants it verified", () =>
    Effect.gen(function*() {
      const { read } = yield* blobOf(utf8("wrong"), digestOf(utf8("right")))
      const blob = yield* read({ verify: false })
      assert.isFalse(blob.verified)
      assert.strictEqual(textOf(yield* collect(blob.content)), "wrong")
    }))

  it.live("is verified again each time it is read", () =>
    Effect.gen(function*() {
      const { read, replace } = yield* blobOf(utf8("right"))
      yield* pieces(yield* read())
      replace(utf8("wrong"))
      assert.instanceOf((yield* pieces(yield* read())).failure, ContentMismatch)
    }))

  it.live("can be left in the middle", () =>
    Effect.gen(function*() {
      const { read } = yield* blobOf(large)
      const first = yield* Stream.runCollect(Stream.take((yield* read()).content, 1))
      assert.deepStrictEqual(first.map(({ length }) => length), [readBytes])
    }))
})

describe("a range", () => {
  const ranges: ReadonlyArray<readonly [number, number, string]> = [
    [0, 10, "0123456789"],
    [3, 4, "3456"],
    [3, 99, "3456789"],
    [10, 1, ""],
    [99, 5, ""],
    [4, 0, ""]
  ]

  it.live.each(ranges)("from %d of %d bytes is %j", ([offset, length, expected]) =>
    Effect.gen(function*() {
      const { read } = yield* blobOf(utf8("0123456789"))
      const blob = yield* read(range(offset, length))
      assert.strictEqual(textOf(yield* collect(blob.content)), expected)
      assert.deepStrictEqual([blob.size, blob.verified], [10, true])
    }))

  it.live("may span pieces", () =>
    Effect.gen(function*() {
      const { read } = yield* blobOf(large)
      const bytes = yield* collect((yield* read(range(5, 2 * readBytes))).content)
      assert.isTrue(large.subarray(5, 5 + 2 * readBytes).equals(bytes))
    }))

  it.live("of a blob of up to 1 MiB verifies the whole of it first", () =>
    Effect.gen(function*() {
      const { read } = yield* blobOf(middling)
      assert.isTrue((yield* read(range(0, 1))).verified)
      const wrong = Buffer.from(middling)
      wrong.writeUInt8(wrong.readUInt8(9) ^ 1, 9)
      const spoiled = yield* blobOf(wrong, digestOf(middling))
      assert.instanceOf(yield* Effect.flip(spoiled.read(range(0, 1))), ContentMismatch)
      assert.isFalse((yield* spoiled.read({ ...range(0, 1), verify: false })).verified)
    }))

  it.live("of a larger blob says that it is not verified, until that very file was", () =>
    Effect.gen(function*() {
      const { path, read, replace } = yield* blobOf(large)
      yield* Effect.sleep("30 millis")
      assert.isFalse((yield* read(range(0, 1))).verified)
      yield* pieces(yield* read())
      assert.isTrue((yield* read(range(0, 1))).verified)
      assert.isTrue((yield* read({ ...range(0, 1), verify: false })).verified)
      fs.utimesSync(path, 0, 0)
      assert.isFalse((yield* read(range(0, 1))).verified)
      replace(large)
      assert.isFalse((yield* read(range(0, 1))).verified)
    }))

  it.live("of a blob that was not read to its end, or was found wrong, stays unverified", () =>
    Effect.gen(function*() {
      const { read } = yield* blobOf(large)
      yield* Stream.runDrain(Stream.take((yield* read()).content, 2))
      assert.isFalse((yield* read(range(0, 1))).verified)
      const wrong = yield* blobOf(large.subarray(1), digestOf(large))
      yield* pieces(yield* wrong.read())
      assert.isFalse((yield* wrong.read(range(0, 1))).verified)
    }))
})

describe("a small blob at once", () => {
  it.live("is its bytes, verified, and hashed once", () =>
    Effect.gen(function*() {
      const { get, name, replace } = yield* blobOf(utf8("right"))
      assert.strictEqual(textOf(Option.getOrThrow(yield* get(name, 5))), "right")
      assert.strictEqual(textOf(Option.getOrThrow(yield* get(name, 5))), "right")
      replace(utf8("wrong"))
      assert.instanceOf(yield* Effect.flip(get(name, 5)), ContentMismatch)
    }))

  it.live("is refused when it is larger than the limit, unread", () =>
    Effect.gen(function*() {
      const { disk, get, name } = yield* blobOf(utf8("right"))
      disk.told()
      assert.instanceOf(yield* Effect.flip(get(name, 4)), LimitExceeded)
      assert.deepStrictEqual(disk.told("read"), [])
    }))
})

describe("what was verified", () => {
  it("is remembered up to a limit, the oldest forgotten first", () => {
    const verified = makeVerified(2)
    const stat = {
      kind: "file",
      dev: 1n,
      ino: 0n,
      size: 5,
      mtimeNs: 1n,
      ctimeNs: 1n,
      birthNs: 1n,
      links: 1,
      mode: 0o644,
      uid: 0,
      gid: 0
    } as const
    const [a, b, c] = [1n, 2n, 3n].map((ino) => ({ ...stat, ino }))
    assert(a !== undefined && b !== undefined && c !== undefined)
    for (const stat of [a, b, b, c]) verified.add({ stat, mtimeReliable: true })
    assert.deepStrictEqual([a, b, c].map(verified.has), [false, true, true])
    verified.add({ stat: { ...stat, ino: 4n }, mtimeReliable: false })
    assert.isFalse(verified.has({ ...stat, ino: 4n }))
  })
})

describe("a small blob that was read before", () => {
  it.live("is not opened again while its file is the same, and cannot be written to", () =>
    Effect.gen(function*() {
      const { disk, get, name, path, replace } = yield* blobOf(utf8("content"))
      const read = Effect.map(later(60_000)(get(name, 10)), Option.getOrThrow)
      ;(yield* read).fill(0)
      disk.told()
      ;(yield* read).fill(0)
      assert.strictEqual(textOf(yield* read), "content")
      assert.notInclude(disk.told().join(), "open")
      assert.instanceOf(yield* Effect.flip(get(name, 6)), LimitExceeded)
      replace(utf8("CONTENT"))
      assert.instanceOf(yield* Effect.flip(read), ContentMismatch)
      fs.rmSync(path)
      assert.isTrue(Option.isNone(yield* get(name, 10)))
    }))
})
