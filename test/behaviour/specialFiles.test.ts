import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { localFiles, makeDisk } from "../../src/node/index.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import { bytesOf, digestOf } from "../mcp/support/images.ts"
import { copyOfFixture, leftovers, listing, temporaryFolder } from "../support/folders.ts"
import { assertRefused } from "../support/refusals.ts"

const image = "sha256:3724e5d16d5e8b1476beeef298e1a5c93a1d0fe2da31bc698ce95a5ddcf3667f"
const layer = "sha256:996eb81bf59d10892425bcd1023f0d40268fca2e0e5a1d40cae559d5d625aeb7"
const layerPath = join("blobs", "sha256", layer.slice(7))

/** Makes something at a path that is no regular file. */
type Make = (path: string) => Effect.Effect<void>

const run = (command: string, ...args: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.sync(() => void execFileSync(command, args, { stdio: "ignore" }))

/** Whether this process may make devices here. */
const mayMakeDevices = ((): boolean => {
  const folder = fs.mkdtempSync(join(tmpdir(), "ocilayout-device-"))
  try {
    execFileSync("mknod", [join(folder, "zero"), "c", "1", "5"], { stdio: "ignore" })
    fs.closeSync(fs.openSync(join(folder, "zero"), "r"))
    return true
  } catch {
    return false
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
})()

const kinds: ReadonlyArray<readonly [string, Make]> = [
  ["a FIFO without a writer", (path) => run("mkfifo", path)],
  ["a folder", (path) => Effect.sync(() => fs.mkdirSync(path))],
  [
    "a socket",
    (path) =>
      Effect.scoped(Effect.flatMap(temporaryFolder, (folder) =>
        Effect.callback<void>((resume) => {
          const server = createServer()
          // A socket's name is short, and goes with the server unless it has another by then.
          const name = join(folder, "socket")
          server.listen(name, () => {
            fs.renameSync(name, path)
            server.close(() => resume(Effect.void))
          })
        })))
  ],
  ...mayMakeDevices ? [["an endless device", (path: string) => run("mknod", path, "c", "1", "5")] as const] : []
]

const withSpecial = Effect.fnUntraced(function*(place: string, make: Make) {
  const directory = yield* copyOfFixture("hand/no-ref")
  const path = join(directory, place)
  fs.rmSync(path, { force: true })
  fs.mkdirSync(dirname(path), { recursive: true })
  yield* make(path)
  return { directory, registry: yield* makeDisk({ directory, defaultRepository: "app", durability: "none" }) }
})

/** A reader that waits for a FIFO waits for ever. */
const promptly = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.timeoutOrElse(effect, { duration: 10_000, orElse: () => Effect.die("it blocks") })

if (!mayMakeDevices) console.info("specialFiles: devices are not tried, since this process may make none")

describe("what is no regular file is neither waited for nor read", () => {
  it.live.each(kinds)("%s as a blob", ([, make]) =>
    Effect.gen(function*() {
      const { directory, registry } = yield* withSpecial(layerPath, make)
      const refused = { _tag: "StorageError", code: "STORAGE_ERROR", operation: "open", path: layerPath } as const
      const reads: ReadonlyArray<Effect.Effect<unknown, RegistryError>> = [
        registry.resolveBlob("app", layer),
        Effect.scoped(Effect.flatMap(registry.getBlob("app", layer), ({ stream }) => Stream.runDrain(stream))),
        Effect.scoped(registry.getBlob("app", layer, { verify: false })),
        Effect.scoped(registry.getBlobRange("app", layer, { offset: 0 }))
      ]
      for (const read of reads) yield* promptly(assertRefused(directory, read, refused))
      assert.strictEqual((yield* registry.getManifest("app", image)).bytes.length, 401)
      assert.strictEqual((yield* registry.usage).blobs, 2)
    }))

  it.live.each(kinds)(
    "%s as the second name of a blob that is gone, which then is missing",
    ([, make]) =>
      Effect.gen(function*() {
        const { directory, registry } = yield* withSpecial(join(".ocilayout", "kept", "sha256", layer.slice(7)), make)
        fs.rmSync(join(directory, layerPath))
        const missing = { _tag: "BlobUnknown", digest: layer } as const
        yield* promptly(assertRefused(directory, registry.resolveBlob("app", layer), missing))
        yield* promptly(assertRefused(directory, Effect.scoped(registry.getBlob("app", layer)), missing))
        const steps = yield* promptly(Stream.runCollect(registry.verify()))
        const found = steps.flatMap((step) => step._tag === "Found" ? [step.finding] : [])
        assert.includeMembers(found.map(({ code, digest }) => `${code} ${digest}`), [`BLOB_MISSING ${layer}`])
      })
  )

  it.live.each(kinds)("%s as index", ([, make]) =>
    Effect.gen(function*() {
      const { directory, registry } = yield* withSpecial("index.json", make)
      const refused = { _tag: "StorageError", operation: "open", path: "index.json" } as const
      yield* promptly(assertRefused(directory, registry.check, refused))
      yield* promptly(assertRefused(directory, registry.tagManifest("app", image, ["v1"]), refused))
      yield* promptly(assertRefused(directory, registry.pushBlob("app", Stream.empty), refused))
      assert.isFalse(fs.existsSync(join(directory, ".ocilayout")))
    }))

  it.live.each(kinds)("%s as oci-layout", ([, make]) =>
    Effect.gen(function*() {
      const { directory, registry } = yield* withSpecial("oci-layout", make)
      const refused = { _tag: "StorageError", operation: "open", path: "oci-layout" } as const
      yield* promptly(assertRefused(directory, registry.check, refused))
      yield* promptly(assertRefused(directory, registry.tagManifest("app", image, ["v1"]), refused))
    }))

  it.live.each(kinds)("%s as the journal, which then takes no commit", ([, make]) =>
    Effect.gen(function*() {
      const journal = join(".ocilayout", "journal", "2", "current.ndjson")
      const { directory, registry } = yield* withSpecial(journal, make)
      yield* promptly(assertRefused(directory, registry.tagManifest("app", image, ["v1"]), { _tag: "StorageError" }))
    }))

  it.live("a blob in the place of a folder is a medium's error, not a defect", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* withSpecial("blobs.moved", (path) =>
        Effect.sync(() => {
          fs.rmSync(join(dirname(path), "blobs"), { recursive: true })
          fs.writeFileSync(join(dirname(path), "blobs"), "a file")
        }))
      yield* assertRefused(directory, registry.resolveBlob("app", layer), { _tag: "BlobUnknown", digest: layer })
      yield* assertRefused(directory, registry.pushBlob("app", Stream.succeed(bytesOf("x"))), {
        _tag: "StorageError"
      })
    }))

  it.live.each(kinds)(
    "%s in the place of a blob gives way to the blob, or stays",
    ([kind, make]) =>
      Effect.gen(function*() {
        const { directory, registry } = yield* withSpecial(layerPath, make)
        const right = fs.readFileSync(join(yield* copyOfFixture("hand/bom"), layerPath))
        const push = registry.pushBlob("app", Stream.succeed(right), { digest: layer })
        if (kind === "a folder") {
          yield* promptly(assertRefused(directory, push, { _tag: "StorageError" }))
          return
        }
        yield* promptly(push)
        assert.strictEqual(digestOf(fs.readFileSync(join(directory, layerPath))), layer)
        assert.deepStrictEqual(leftovers(directory), [])
      })
  )
})

describe("the folder of our own, in part gone", () => {
  it.live.each(["journal", "tmp", "uploads", "lock", "holder"])(
    "%s is made again by the next operation that needs it",
    (name) =>
      Effect.gen(function*() {
        const directory = yield* copyOfFixture("hand/no-ref")
        const registry = yield* makeDisk({ directory, defaultRepository: "app", durability: "none" })
        yield* registry.tagManifest("app", image, ["v1"])
        fs.rmSync(join(directory, ".ocilayout", name), { recursive: true })
        // Each by a registry that has made sure of nothing yet, and by one that has.
        for (const one of [registry, yield* makeDisk({ directory, defaultRepository: "app", durability: "none" })]) {
          yield* one.tagManifest("app", image, ["v2"])
          yield* one.deleteTag("app", "v2")
          fs.rmSync(join(directory, ".ocilayout", name), { recursive: true, force: true })
          const writer = yield* one.pushBlobChunked("app")
          yield* writer.append(0, Stream.succeed(bytesOf("x")))
          yield* writer.commit(digestOf(bytesOf("x")))
        }
        assert.deepStrictEqual(yield* Stream.runCollect(registry.tags("app")), ["v1"])
      })
  )

  it.live("made by another program, with nothing but a lock, it is used", () =>
    Effect.gen(function*() {
      const directory = yield* copyOfFixture("hand/extra-dotdir")
      const registry = yield* makeDisk({ directory, defaultRepository: "app", durability: "none" })
      yield* registry.deleteTag("app", "v1")
      assert.strictEqual((yield* registry.resolveManifest("app", image)).digest, image)
    }))
})

describe("files outside of layouts", () => {
  const folders = Effect.gen(function*() {
    const root = yield* temporaryFolder
    const allowed = join(root, "allowed")
    fs.mkdirSync(join(allowed, "inner"), { recursive: true })
    fs.mkdirSync(join(root, "allowed-not"))
    for (const path of ["secret", join("allowed-not", "secret"), join("allowed", "file")]) {
      fs.writeFileSync(join(root, path), `content of ${path}`)
    }
    fs.symlinkSync(join(root, "secret"), join(allowed, "link"))
    fs.symlinkSync(root, join(allowed, "up"))
    fs.symlinkSync(join(root, "nothing"), join(allowed, "dangling"))
    fs.symlinkSync(join(allowed, "file"), join(allowed, "within"))
    return { root, allowed, files: localFiles([allowed, join(root, "not-there")]) }
  })

  const denied = (root: string, allowed: string): ReadonlyArray<string> => [
    "relative",
    "",
    ".",
    join(root, "secret"),
    join(root, "allowed-not", "secret"),
    join(root, "not-there", "file"),
    `${allowed}/../secret`,
    `${allowed}/inner/../../secret`,
    `${allowed}/up/secret`,
    `${allowed}/up/new`,
    `${allowed}/file\0.txt`,
    "/etc/passwd",
    "/",
    root
  ]

  it.live("are read and written only in the directories allowed, wherever links and dots lead", () =>
    Effect.gen(function*() {
      const { allowed, files, root } = yield* folders
      const before = listing(root)
      for (const path of [...denied(root, allowed), `${allowed}/link`]) {
        const error = yield* Effect.flip(Effect.scoped(files.read(path)))
        assert.deepInclude({ ...error }, { _tag: "PathDenied", code: "PATH_DENIED", path })
        assert.include(error.message, allowed)
        assert.notInclude(error.message, "\0")
      }
      for (const path of denied(root, allowed)) {
        const error = yield* Effect.flip(files.create(path, Stream.succeed(bytesOf("x"))))
        assert.deepInclude({ ...error }, { _tag: "PathDenied", path })
      }
      assert.deepStrictEqual(listing(root), before)
    }))

  it.live("are never replaced, nor written through a link", () =>
    Effect.gen(function*() {
      const { allowed, files, root } = yield* folders
      const before = listing(root)
      for (const name of ["file", "link", "dangling", "inner", "up"]) {
        const error = yield* Effect.flip(files.create(join(allowed, name), Stream.succeed(bytesOf("x"))))
        assert.deepInclude({ ...error }, { _tag: "FileExists", code: "FILE_EXISTS", path: join(allowed, name) })
      }
      assert.deepStrictEqual(listing(root), before)
    }))

  it.live("are read whole or in part, through a link that stays inside", () =>
    Effect.gen(function*() {
      const { allowed, files } = yield* folders
      for (const name of ["file", "within", "inner/../file"]) {
        const { content, size } = yield* files.read(join(allowed, name), { offset: 3, length: 4 })
        assert.strictEqual(size, 4)
        assert.strictEqual(Buffer.concat(yield* Stream.runCollect(content)).toString(), "tent")
      }
      assert.deepInclude({ ...(yield* Effect.flip(files.read(join(allowed, "file"), { offset: 999 }))) }, {
        _tag: "RangeInvalid",
        offset: 999
      })
    }))

  it.live("say what they are when they are none", () =>
    Effect.gen(function*() {
      const { allowed, files } = yield* folders
      const unknown = (name: string, reason: string, blamed = name) =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(promptly(Effect.scoped(files.read(join(allowed, name)))))
          assert.deepInclude({ ...error }, {
            _tag: "FileUnknown",
            code: "FILE_UNKNOWN",
            path: join(allowed, blamed),
            reason
          })
        })
      yield* unknown("none", "does not exist")
      yield* unknown("none/none", "does not exist", "none")
      assert.deepInclude({ ...(yield* Effect.flip(files.create(join(allowed, "none", "new"), Stream.empty))) }, {
        _tag: "FileUnknown",
        path: join(allowed, "none")
      })
      yield* unknown("inner", "is not a regular file")
      yield* run("mkfifo", join(allowed, "fifo"))
      yield* unknown("fifo", "is not a regular file")
    }))

  it.live("that break off while they are written leave nothing", () =>
    Effect.gen(function*() {
      const { allowed, files, root } = yield* folders
      const before = listing(root)
      const broken = Stream.concat(Stream.succeed(bytesOf("x")), Stream.die("the source is gone"))
      const exit = yield* Effect.exit(files.create(join(allowed, "new"), broken))
      assert.strictEqual(exit._tag, "Failure")
      assert.deepStrictEqual(listing(root), before)
      const created = yield* files.create(join(allowed, "new"), Stream.succeed(bytesOf("x")))
      assert.deepStrictEqual(created, { path: join(allowed, "new"), size: 1 })
    }))
})
