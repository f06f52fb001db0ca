import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { makeHashing } from "../../../src/node/files/hashing.ts"
import { FsError } from "../../../src/node/fs/LayoutFs.ts"
import { type Algorithm, type ContentDigest, contentDigest } from "../../../src/oci/Digest.ts"
import { StorageError } from "../../../src/oci/OciError.ts"
import { type Disk, newDisk } from "../../support/disk.ts"

const digestOf = (algorithm: Algorithm, bytes: Uint8Array): ContentDigest =>
  contentDigest(algorithm, createHash(algorithm).update(bytes).digest("hex"))

const mebibyte = 1024 * 1024

/** A blob of so many bytes, none of its pieces like another. */
const store = (disk: Disk, size: number, algorithm: Algorithm = "sha256") => {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; at += 1024) bytes.writeUInt32LE(at + size, Math.min(at, Math.max(0, size - 4)))
  const digest = digestOf(algorithm, bytes)
  disk.write(`blobs/${digest.replace(":", "/")}`, bytes)
  return digest
}

describe("hashing blobs", () => {
  it.live("tells what each really is, of any size and algorithm, several at a time", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const sizes = [4, 1000, 256 * 1024, 256 * 1024 + 1, mebibyte - 1, mebibyte, mebibyte + 1, 5 * mebibyte]
      const digests = sizes.flatMap((size) => [store(disk, size), store(disk, size, "sha512")])
      const { atOnce, hash } = yield* makeHashing(disk.files)
      let bytes = 0
      const passed = (more: number) => Effect.sync(() => void (bytes += more))
      const hashed = yield* Effect.forEach([...digests, ...digests.toReversed()], (digest) =>
        Effect.map(hash(digest, passed), (actual) => [digest, Option.getOrUndefined(actual)]), { concurrency: atOnce })
      for (const [digest, actual] of hashed) {
        assert.strictEqual(actual, digest)
      }
      assert.strictEqual(
        bytes,
        4 * sizes.reduce((sum, size) =>
          sum + size, 0)
      )
    }))

  it.live("goes on with the workers it has", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const digests = [1, 2, 3, 4].map((size) => store(disk, size * mebibyte))
      const { atOnce, hash } = yield* makeHashing(disk.files)
      const ports = () => process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length
      const before = ports()
      yield* hash(digests[0] ?? store(disk, 1), () => Effect.void)
      const one = ports() - before
      assert.isAbove(one, 0)
      yield* Effect.forEach(digests, (digest) => hash(digest, () => Effect.void), { discard: true })
      assert.strictEqual(ports() - before, one)
      yield* Effect.forEach([...digests, ...digests], (digest) => hash(digest, () => Effect.void), {
        concurrency: atOnce,
        discard: true
      })
      assert.isAtMost(ports() - before, one * atOnce)
    }))

  it.live("is not taken in by what was found out before", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const digest = store(disk, 3 * mebibyte)
      const { hash } = yield* makeHashing(disk.files)
      const hashed = hash(digest, () => Effect.void)
      assert.deepStrictEqual(yield* hashed, Option.some(digest))
      const path = disk.path("blobs", digest.replace(":", "/"))
      const { atime, mtime } = fs.statSync(path)
      const handle = fs.openSync(path, "r+")
      fs.writeSync(handle, "!", 2 * mebibyte)
      fs.closeSync(handle)
      fs.utimesSync(path, atime, mtime)
      assert.deepStrictEqual(yield* hashed, Option.some(digestOf("sha256", fs.readFileSync(path))))
      assert.notDeepEqual(yield* hashed, Option.some(digest))
      fs.truncateSync(path, mebibyte)
      assert.deepStrictEqual(yield* hashed, Option.some(digestOf("sha256", fs.readFileSync(path))))
      fs.rmSync(path)
      assert.deepStrictEqual(yield* hashed, Option.none())
    }))

  it.live("fails with the medium, and goes on with the next", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const [bad, good] = [store(disk, 2 * mebibyte), store(disk, 3 * mebibyte)]
      let failing = true
      const fsFailing: typeof disk.files.fs = {
        ...disk.files.fs,
        openHandle: (path, flags) =>
          Effect.map(disk.files.fs.openHandle(path, flags), (handle) => ({
            ...handle,
            read: (target, position) =>
              failing && position > 0
                ? Effect.fail(new FsError({ operation: "read", path, code: "EIO", cause: "none" }))
                : handle.read(target, position)
          }))
      }
      const { hash } = yield* makeHashing({ ...disk.files, fs: fsFailing })
      const failure = yield* Effect.flip(hash(bad, () => Effect.void))
      assert.instanceOf(failure, StorageError)
      failing = false
      for (const digest of [good, bad]) {
        assert.deepStrictEqual(yield* hash(digest, () => Effect.void), Option.some(digest))
      }
    }))

  it.live("can be given up half way, and ends its workers with the scope", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const digest = store(disk, 20 * mebibyte)
      yield* Effect.scoped(Effect.gen(function*() {
        const { hash } = yield* makeHashing(disk.files)
        const halfWay = yield* Deferred.make<void>()
        let pieces = 0
        const endless = hash(digest, () => {
          pieces++
          return pieces < 2 ? Effect.void : Effect.andThen(Deferred.succeed(halfWay, undefined), Effect.never)
        })
        const fiber = yield* Effect.forkChild(endless)
        yield* Deferred.await(halfWay)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(pieces, 2)
        // Answers to what was given up are not taken for those of the next.
        assert.deepStrictEqual(yield* hash(digest, () => Effect.void), Option.some(digest))
      }))
      const handles = process.getActiveResourcesInfo().filter((name) => name === "MessagePort")
      assert.deepStrictEqual(handles, [])
    }))
})
