import { assert, describe, it } from "@effect/vitest"
import { Data, Deferred, Effect, Fiber, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeDisk, makeDiskTree } from "../../src/node/index.ts"
import { bytesOf, digestOf } from "../mcp/support/images.ts"
import { leftovers, outside, temporaryFolder } from "../support/folders.ts"
import { ownLayout } from "../support/layouts.ts"
import { assertRefused } from "../support/refusals.ts"

const content = bytesOf("twelve bytes")
const digest = digestOf(content)
const other = digestOf(bytesOf("something else"))

class CutOff extends Data.TaggedError("CutOff")<{ readonly message: string }> {}

const endless = Stream.forever(Stream.succeed(new Uint8Array(64 * 1024)))

describe("a blob that is not what was said", () => {
  it.live.each(
    [
      [
        "another digest",
        { digest: other },
        { _tag: "DigestInvalid", code: "DIGEST_INVALID", digest: other, actual: digest }
      ],
      [
        "another digest of the right size",
        { digest: other, size: 12 },
        { _tag: "DigestInvalid", digest: other, actual: digest }
      ],
      [
        "another SHA-512",
        { digest: `sha512:${"0".repeat(128)}` },
        { _tag: "DigestInvalid", digest: `sha512:${"0".repeat(128)}`, actual: /^sha512:[0-9a-f]{128}$/u }
      ],
      ["shorter", { digest, size: 13 }, { _tag: "SizeInvalid", code: "SIZE_INVALID", expected: 13, actual: 12 }],
      ["longer", { digest, size: 11 }, { _tag: "SizeInvalid", expected: 11, actual: 12 }],
      ["longer than nothing", { size: 0 }, { _tag: "SizeInvalid", expected: 0, actual: 12 }],
      ["a negative size", { size: -1 }, { _tag: "SizeInvalid", expected: -1 }],
      ["half a byte", { size: 1.5 }, { _tag: "SizeInvalid", expected: 1.5 }],
      ["an unsafe size", { size: 2 ** 53 }, { _tag: "SizeInvalid", expected: 2 ** 53 }],
      [
        "an algorithm that cannot be checked",
        { digest: `blake3:${"0".repeat(64)}` },
        { _tag: "AlgorithmUnsupported", code: "DIGEST_INVALID", algorithm: "blake3" }
      ]
    ] as const
  )("%s is refused", ([, expected, error]) =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      yield* assertRefused(directory, registry.pushBlob("app", Stream.succeed(content), expected), error)
      yield* assertRefused(directory, registry.resolveBlob("app", digest), { _tag: "BlobUnknown", digest })
    }))

  it.live("a stream that is too long already is not read to its end", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      yield* assertRefused(directory, registry.pushBlob("app", endless, { size: 100_000 }), {
        _tag: "SizeInvalid",
        expected: 100_000,
        actual: 131_072
      })
    }))

  it.live("a stream that breaks off, or dies, leaves nothing, and its failure is the caller's own", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      const before = outside(directory)
      const broken = Stream.concat(Stream.succeed(content), Stream.fail(new CutOff({ message: "the line went dead" })))
      yield* assertRefused(directory, registry.pushBlob("app", broken, { digest }), { _tag: "CutOff" })
      const dying = Stream.concat(Stream.succeed(content), Stream.die("a bug of the caller"))
      assert.isTrue((yield* Effect.exit(registry.pushBlob("app", dying, { digest })))._tag === "Failure")
      assert.deepStrictEqual(outside(directory), before)
      assert.deepStrictEqual(leftovers(directory), [])
    }))

  it.live("an interrupted push leaves nothing", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      const before = outside(directory)
      const started = yield* Deferred.make<void>()
      const stalled = Stream.concat(
        Stream.succeed(content),
        Stream.fromEffect(Effect.andThen(Deferred.succeed(started, undefined), Effect.never))
      )
      const pushing = yield* Effect.forkChild(registry.pushBlob("app", stalled))
      yield* Deferred.await(started)
      assert.strictEqual(leftovers(directory).length, 1)
      yield* Fiber.interrupt(pushing)
      assert.deepStrictEqual(outside(directory), before)
      assert.deepStrictEqual(leftovers(directory), [])
    }))

  it.live("a blob that is there stays as it is when something else is pushed as it", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      const [layer] = image.layers
      assert.isDefined(layer)
      const wrong = new Uint8Array(layer.size)
      yield* assertRefused(directory, registry.pushBlob("app", Stream.succeed(wrong), layer), {
        _tag: "DigestInvalid",
        digest: layer.digest,
        actual: digestOf(wrong)
      })
    }))

  it.live("a refusal creates no layout", () =>
    Effect.gen(function*() {
      const directory = join(yield* temporaryFolder, "layout")
      const registry = yield* makeDisk({ directory })
      for (const name of ["", "UPPER", "../up"]) {
        const refused = yield* Effect.flip(registry.pushBlob(name, Stream.succeed(content)))
        assert.strictEqual(refused._tag, "NameInvalid")
      }
      yield* Effect.flip(registry.pushBlob("app", Stream.succeed(content), { digest: "sha256:no" }))
      yield* Effect.flip(registry.mountBlob("app", "b", digest))
      yield* Effect.flip(registry.deleteBlob("app", digest))
      yield* Effect.flip(registry.deleteTag("app", "v1"))
      assert.isFalse(fs.existsSync(directory))
    }))
})

describe("a range that is not there", () => {
  it.live.each([
    [-1, undefined],
    [10, undefined],
    [5, 4],
    [0.5, undefined],
    [Number.NaN, undefined],
    [2 ** 53, undefined]
  ])("%s to %s is refused with the size there is", ([offset = 0, end]) =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      const [layer] = image.layers
      const read = Effect.scoped(registry.getBlobRange("app", layer?.digest ?? "", { offset, end }))
      yield* assertRefused(directory, read, { _tag: "RangeInvalid", code: "RANGE_INVALID", offset, size: 9 })
    }))
})

describe("an upload session", () => {
  const session = Effect.gen(function*() {
    const made = yield* ownLayout()
    const writer = yield* made.registry.pushBlobChunked("app")
    assert.strictEqual(yield* writer.append(0, Stream.succeed(content)), 12)
    return { ...made, writer }
  })

  it.live("refuses a wrong offset with the size to continue from", () =>
    Effect.gen(function*() {
      const { directory, registry, writer } = yield* session
      for (const offset of [0, 11, 13, -1, 1.5, Number.NaN, 2 ** 53]) {
        const error = { _tag: "RangeInvalid", code: "RANGE_INVALID", offset, size: 12 } as const
        yield* assertRefused(directory, writer.append(offset, Stream.succeed(content)), error)
        if (offset === -1) continue
        yield* assertRefused(directory, registry.pushBlobChunkedResume("app", writer.id, { offset }), error)
      }
      assert.strictEqual((yield* registry.pushBlobChunkedResume("app", writer.id)).size, 12)
    }))

  it.live("stays open after a commit with the wrong digest or size", () =>
    Effect.gen(function*() {
      const { directory, registry, writer } = yield* session
      yield* assertRefused(directory, writer.commit(other), { _tag: "DigestInvalid", digest: other, actual: digest })
      yield* assertRefused(directory, writer.commit(digest, 11), { _tag: "SizeInvalid", expected: 11, actual: 12 })
      yield* assertRefused(directory, writer.commit("sha256:no"), { _tag: "DigestInvalid", digest: "sha256:no" })
      assert.strictEqual((yield* writer.commit(digest, 12)).size, 12)
      assert.strictEqual((yield* registry.resolveBlob("app", digest)).size, 12)
    }))

  it.live("keeps what had arrived when the rest breaks off", () =>
    Effect.gen(function*() {
      const { directory, registry, writer } = yield* session
      const broken = Stream.concat(Stream.succeed(content), Stream.fail(new CutOff({ message: "the line went dead" })))
      yield* assertRefused(directory, writer.append(12, broken), { _tag: "CutOff" })
      const again = yield* registry.pushBlobChunkedResume("app", writer.id)
      assert.strictEqual(again.size, 24)
      const whole = Buffer.concat([content, content])
      assert.strictEqual((yield* again.commit(digestOf(whole), 24)).digest, digestOf(whole))
    }))

  it.live("has one writer at a time", () =>
    Effect.gen(function*() {
      const { directory, registry, writer } = yield* session
      const started = yield* Deferred.make<void>()
      const release = yield* Deferred.make<void>()
      const slow = Stream.concat(
        Stream.fromEffect(Effect.as(Deferred.succeed(started, undefined), content)),
        Stream.drain(Stream.fromEffect(Deferred.await(release)))
      )
      const appending = yield* Effect.forkChild(writer.append(12, slow))
      yield* Deferred.await(started)
      const second = yield* registry.pushBlobChunkedResume("app", writer.id)
      const busy = { _tag: "UploadBusy", code: "UPLOAD_BUSY", upload: writer.id } as const
      yield* assertRefused(directory, second.append(second.size, Stream.succeed(content)), busy)
      yield* assertRefused(directory, second.commit(digest), busy)
      yield* assertRefused(directory, second.cancel, busy)
      yield* Deferred.succeed(release, undefined)
      assert.strictEqual(yield* Fiber.join(appending), 24)
    }))

  it.live("is over once it was committed or cancelled", () =>
    Effect.gen(function*() {
      const { directory, registry, writer } = yield* session
      yield* writer.commit(digest)
      const unknown = { _tag: "BlobUploadUnknown", code: "BLOB_UPLOAD_UNKNOWN", upload: writer.id } as const
      yield* assertRefused(directory, writer.append(12, Stream.succeed(content)), unknown)
      yield* assertRefused(directory, registry.pushBlobChunkedResume("app", writer.id), unknown)
      yield* assertRefused(directory, writer.commit(other), unknown)
      assert.strictEqual((yield* writer.commit(digest)).digest, digest)
      assert.strictEqual(yield* writer.cancel, 0)

      const second = yield* registry.pushBlobChunked("app")
      yield* second.append(0, Stream.succeed(content))
      assert.strictEqual(yield* second.cancel, 12)
      assert.strictEqual(yield* second.cancel, 0)
      const gone = { ...unknown, upload: second.id }
      yield* assertRefused(directory, second.append(0, Stream.succeed(content)), gone)
      yield* assertRefused(directory, second.commit(digest), gone)
      assert.isFalse(fs.existsSync(join(directory, ".ocilayout", "uploads", second.id)))
    }))

  it.live.each([
    "../../index.json",
    "../sha256/abc",
    "..",
    "",
    "0".repeat(31),
    "0".repeat(33),
    "A".repeat(32),
    "0".repeat(32),
    `${"0".repeat(32)}\n`,
    `${"0".repeat(28)}/../`,
    `${"0".repeat(31)}\0`
  ])("%j is not an upload", (id) =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      const unknown = { _tag: "BlobUploadUnknown", code: "BLOB_UPLOAD_UNKNOWN", upload: id } as const
      const before = outside(join(directory, ".ocilayout"))
      yield* assertRefused(directory, registry.pushBlobChunkedResume("app", id), unknown)
      yield* assertRefused(directory, registry.findUpload(id), unknown)
      assert.deepStrictEqual(outside(join(directory, ".ocilayout")), before, "no session is made on demand")
    }))

  it.live("belongs to one repository", () =>
    Effect.gen(function*() {
      const { directory, registry, writer } = yield* session
      yield* assertRefused(directory, registry.pushBlobChunkedResume("other", writer.id), {
        _tag: "BlobUploadUnknown",
        upload: writer.id
      })
      assert.deepStrictEqual(yield* registry.uploads("other"), [])
      assert.deepStrictEqual((yield* registry.uploads("app")).map(({ id }) => id), [writer.id])
    }))

  it.live("belongs to one layout of a tree", () =>
    Effect.gen(function*() {
      const root = yield* temporaryFolder
      const registry = yield* makeDiskTree({ directory: root, durability: "none" })
      const writer = yield* registry.pushBlobChunked("a/b")
      const unknown = { _tag: "BlobUploadUnknown", upload: writer.id } as const
      yield* assertRefused(root, registry.pushBlobChunkedResume("a", writer.id), unknown)
      assert.isFalse(fs.existsSync(join(root, "a", "index.json")))
    }))
})
