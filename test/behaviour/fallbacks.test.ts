import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, References, Stream } from "effect"
import * as fs from "node:fs"
import { hasher } from "../../src/node/files/hasher.ts"
import { makeNodeFs } from "../../src/node/fs/nodeFs.ts"
import { openStores } from "../../src/node/stores.ts"
import { imageManifest } from "../../src/oci/MediaType.ts"
import { sharedRegistry } from "../../src/ops/makeRegistry.ts"
import { add, type Disk, newDisk, valuesIn } from "../support/disk.ts"
import { entry, repository } from "../support/entries.ts"
import { digestOf, utf8 } from "../support/images.ts"
import { emptyConfig, smallManifest } from "../support/layouts.ts"
import { fails } from "../support/watchedFs.ts"

const a1 = entry("a", "app:v1")
const b2 = entry("b", "app:v2")
const c3 = entry("c", "app:v3")

/** Runs with what is logged told. */
const logged = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  const layouts: Array<unknown> = []
  const logger = Logger.make(({ fiber, message }) => {
    lines.push(String(message))
    layouts.push(fiber.getRef(References.CurrentLogAnnotations)["oci.layout"])
  })
  return Effect.map(Effect.provide(effect, Logger.layer([logger])), (value) => ({ layouts, lines, value }))
}

/** A file system that cannot do this. */
const without = (disk: Disk, code: string, ...operations: ReadonlyArray<string>): void =>
  disk.intercept((call) => operations.includes(call.operation) ? fails(code)(call) : Effect.void)

describe("where files cannot be exchanged", () => {
  for (const code of ["ENOSYS", "EINVAL", "EPERM", "EACCES"]) {
    it.live(`(${code}) an index is renamed into place, which is told once`, () =>
      Effect.gen(function*() {
        const disk = yield* newDisk
        without(disk, code, "exchange")
        const { layouts, lines } = yield* logged(Effect.gen(function*() {
          const { layout } = yield* disk.open()
          for (const value of [a1, b2, c3]) yield* add(layout, value)
        }))
        assert.deepStrictEqual(layouts, [disk.path()])
        assert.deepStrictEqual(disk.entries(), [a1, b2, c3])
        assert.strictEqual(lines.length, 1)
        assert.match(lines[0] ?? "", /cannot be exchanged/u)
      }))
  }

  it.live("what a tool writes into the index that was replaced is merged all the same", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      without(disk, "ENOSYS", "exchange")
      const { layout } = yield* disk.open()
      yield* add(layout, a1)
      const fd = fs.openSync(disk.path("index.json"), "r+")
      const stale = JSON.parse(disk.read("index.json")) as object
      yield* add(layout, b2)
      fs.ftruncateSync(fd)
      fs.writeSync(fd, JSON.stringify({ ...stale, manifests: [a1, c3] }), 0)
      fs.closeSync(fd)
      yield* add(layout)
      assert.deepStrictEqual(disk.entries(), [a1, b2, c3])
    }))

  it.live("nor linked, it is renamed, and nothing is kept", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      without(disk, "ENOTSUP", "exchange", "link")
      const { layout } = yield* disk.open()
      for (const value of [a1, b2]) yield* add(layout, value)
      assert.deepStrictEqual(disk.entries(), [a1, b2])
      assert.deepStrictEqual(fs.readdirSync(disk.files.replaced), [])
    }))
})

describe("where files cannot have two names", () => {
  it.live("everything is renamed into place, which is told once", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      without(disk, "EPERM", "link")
      const { lines } = yield* logged(Effect.gen(function*() {
        const registry = sharedRegistry(yield* disk.open(), hasher)
        yield* registry.pushBlob("app", Stream.succeed(utf8("{}")))
        assert.isTrue((yield* registry.pushBlob("app", Stream.succeed(utf8("{}")))).existed)
        const writer = yield* registry.pushBlobChunked("app")
        yield* writer.append(0, Stream.succeed(utf8("chunk")))
        const { digest } = yield* writer.commit(digestOf(utf8("chunk")))
        assert.strictEqual((yield* writer.commit(digest)).size, 5)
        yield* registry.pushManifest("app", smallManifest({ config: emptyConfig }), imageManifest, { tags: ["v1"] })
        yield* registry.getTag("app", "v1")
        yield* registry.resolveBlob("app", digest)
      }))
      assert.strictEqual(lines.length, 1)
      assert.match(lines[0] ?? "", /cannot have two names/u)
      assert.deepStrictEqual(fs.readdirSync(disk.files.temporary), [])
    }))

  it.live("two processes that create a layout at once make one, and no tag is lost", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      without(disk, "EPERM", "link")
      const stores = yield* Effect.all([disk.open(), disk.open(), disk.open()])
      yield* Effect.all(
        stores.map(({ blobs, layout }, number) =>
          Effect.andThen(
            blobs.write(Stream.succeed(utf8(`${number}`)), { algorithm: "sha256" }),
            add(layout, entry("b", `app:w${number}`))
          )
        ),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(disk.entries().length, 3)
    }))
})

describe("where there are no native extensions", () => {
  it.live("a layout is read and written all the same, by a weaker lock and a rename, each told once", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const { lines } = yield* logged(Effect.gen(function*() {
        const one = yield* openStores(makeNodeFs(() => undefined), { directory: disk.root }, undefined)
        const writes = [a1, b2, c3].map((value) => add(one.layout, value))
        yield* Effect.all(writes, { concurrency: "unbounded" })
        const id = (yield* one.uploads.create(repository("app"))).id
        yield* Effect.scoped(one.uploads.exclusive(id))
        const busy = yield* Effect.scoped(
          Effect.andThen(one.uploads.exclusive(id), Effect.flip(Effect.scoped(one.uploads.exclusive(id))))
        )
        assert.strictEqual(busy._tag, "UploadBusy")
      }))
      assert.deepStrictEqual(disk.entries(), [a1, b2, c3])
      assert.deepStrictEqual(yield* valuesIn((yield* disk.open()).layout), [a1, b2, c3])
      assert.strictEqual(lines.length, 2)
      assert.match(lines.join(" "), /native lock.*node:sqlite.*exchanged/u)
    }))
})

/** What a registry is used for, all of it: answered as everywhere. */
const useAll = Effect.fnUntraced(function*(disk: Disk) {
  const registry = sharedRegistry(yield* disk.open(), hasher)
  yield* registry.pushBlob("app", Stream.succeed(utf8("{}")))
  yield* registry.pushBlob("app", Stream.succeed(new Uint8Array(40 * 1024 * 1024)))
  for (const round of ["1", "2"]) {
    const bytes = smallManifest({ annotations: { round } })
    yield* registry.pushManifest("app", bytes, imageManifest, { tags: [`v${round}`] })
  }
  const writer = yield* registry.pushBlobChunked("app")
  yield* writer.append(0, Stream.succeed(utf8("sent")))
  yield* writer.commit(digestOf(utf8("sent")))
  const other = yield* registry.pushBlobChunked("app")
  yield* other.append(0, Stream.succeed(utf8("sent in vain")))
  yield* other.cancel
  yield* registry.deleteTag("app", "v1")
  yield* registry.repair().pipe(Effect.orDie)
  assert.strictEqual((yield* registry.getTag("app", "v2")).descriptor.mediaType, imageManifest)
  assert.deepStrictEqual(yield* registry.uploads("app"), [])
})

describe("a file system that refuses a call is told of once, and everything goes on", () => {
  const refusals = [
    ["folders to be synced", ["syncDirectory"], /Folders cannot be synced/u, ["EINVAL", "EBADF", "EPERM", "EISDIR"]],
    ["files to be synced", ["sync", "dataSync"], /Files cannot be synced/u, ["EINVAL", "ENOTSUP", "EPERM"]],
    ["files to be linked", ["link"], /cannot have two names/u, ["EACCES", "EINVAL", "EOPNOTSUPP", "ENOSYS", "EMLINK"]],
    ["files to be exchanged", ["exchange"], /cannot be exchanged/u, ["EACCES", "EPERM", "EOPNOTSUPP"]]
  ] as const
  for (const [what, operations, sentence, codes] of refusals) {
    for (const code of codes) {
      it.live(`${what} (${code})`, () =>
        Effect.gen(function*() {
          const disk = yield* newDisk
          without(disk, code, ...operations)
          const { lines } = yield* logged(useAll(disk))
          assert.strictEqual(lines.length, 1, lines.join("\n"))
          assert.match(lines[0] ?? "", sentence)
        }))
    }
  }

  it.live("what the medium says of itself is none of that", () =>
    Effect.gen(function*() {
      for (
        const [operation, code] of [["syncDirectory", "EIO"], ["dataSync", "ENOSPC"], ["exchange", "EROFS"]] as const
      ) {
        const disk = yield* newDisk
        without(disk, code, operation)
        const { lines, value } = yield* logged(Effect.flip(useAll(disk)))
        assert.include(["StorageError", "OutcomeUnknown"], value._tag)
        assert.deepStrictEqual(lines, [])
      }
    }))

  it.live("without locks nothing is written, and it is said what to do", () =>
    Effect.gen(function*() {
      for (const code of ["ENOLCK", "ENOSYS", "EOPNOTSUPP", "EINVAL"]) {
        const disk = yield* newDisk
        const refused = fails(code)({ operation: "lock", path: disk.files.lock })
        disk.intercept(({ operation }) => operation === "tryLock" ? refused : Effect.void)
        const error = yield* Effect.flip(useAll(disk))
        assert.match(error.message, /has no locks.* put the layout on another one/u)
        assert.isFalse(fs.existsSync(disk.files.journal))
      }
    }))

  it.live("rights to be given are not missed by who is alone", () =>
    Effect.gen(function*() {
      for (const code of ["EPERM", "EINVAL", "ENOSYS", "EOPNOTSUPP"]) {
        const disk = yield* newDisk
        fs.mkdirSync(disk.root)
        fs.chmodSync(disk.root, 0o750)
        if (process.getuid?.() === 0) fs.chownSync(disk.root, 12_345, 12_345)
        without(disk, code, "chown", "chmod")
        const { lines } = yield* logged(useAll(disk))
        assert.deepStrictEqual(lines.map((line) => /cannot be given to the group/u.test(line)), lines.map(() => true))
        assert.isAtMost(lines.length, 1)
      }
    }))

  it.live("a session's folder to be moved (EXDEV), as in a lower layer of an overlay", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.intercept((call) =>
        call.operation === "rename" && call.path.startsWith(".ocilayout/tmp/upload")
          ? fails("EXDEV")(call)
          : Effect.void
      )
      const { lines } = yield* logged(useAll(disk))
      assert.deepStrictEqual(lines, [])
      assert.strictEqual(fs.readdirSync(disk.files.uploads).length, 1, "the one that was committed is kept for a day")
    }))
})
