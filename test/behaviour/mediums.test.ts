import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { makeDisk } from "../../src/node/index.ts"
import { imageManifest } from "../../src/oci/MediaType.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { bytesOf, digestOf } from "../mcp/support/images.ts"
import { copyOfFixture, fixturePath, listing, makeOld, outside } from "../support/folders.ts"
import { ownLayout, smallManifest } from "../support/layouts.ts"
import { asNobody, readOnlyView, tinyFolder, whyNoMounts, whyNoNobody } from "../support/mounts.ts"
import { assertRefused } from "../support/refusals.ts"

if (whyNoMounts !== undefined) console.info(`mediums: full and read-only disks are not tried: ${whyNoMounts}`)
if (whyNoNobody !== undefined) console.info(`mediums: permissions are not tried: ${whyNoNobody}`)

const image = "sha256:3724e5d16d5e8b1476beeef298e1a5c93a1d0fe2da31bc698ce95a5ddcf3667f"
const some = bytesOf("some content")

const writes: Readonly<Record<string, (registry: LayoutRegistry) => Effect.Effect<unknown, RegistryError>>> = {
  pushBlob: (registry) => registry.pushBlob("app", Stream.succeed(some)),
  pushBlobChunked: (registry) => registry.pushBlobChunked("app"),
  pushManifest: (registry) => registry.pushManifest("app", smallManifest(), imageManifest, { tags: ["v2"] }),
  tagManifest: (registry) => registry.tagManifest("app", image, ["v3"]),
  deleteManifest: (registry) => registry.deleteManifest("app", image)
}

/** A layout of another tool with the blob `{}`, in a folder given. */
const layoutIn = (folder: string): string => {
  const directory = join(folder, "layout")
  fs.cpSync(fixturePath("hand/no-ref"), directory, { recursive: true })
  fs.writeFileSync(join(directory, "blobs", "sha256", digestOf(bytesOf("{}")).slice(7)), "{}")
  makeOld(directory)
  return directory
}

const fill = (folder: string): string => {
  const filler = join(folder, "filler")
  const file = fs.openSync(filler, "w")
  try {
    for (let size = 65_536; size >= 1; size = size >> 1) {
      try {
        while (true) fs.writeSync(file, Buffer.alloc(size, "x"))
      } catch {
        // Full for pieces of this size; smaller ones may still fit.
      }
    }
  } finally {
    fs.closeSync(file)
  }
  return filler
}

describe("a disk that is full", () => {
  it.live.skipIf(whyNoMounts !== undefined)(
    "takes no blob that does not fit, and keeps nothing of it",
    () =>
      Effect.gen(function*() {
        const directory = layoutIn(yield* tinyFolder(512))
        const registry = yield* makeDisk({ directory, defaultRepository: "app" })
        const large = Stream.take(Stream.forever(Stream.succeed(new Uint8Array(64 * 1024))), 64)
        const full = { _tag: "StorageError", code: "STORAGE_ERROR", kind: "full", operation: "write" } as const
        const error = yield* assertRefused(directory, registry.pushBlob("app", large), full)
        assert.match(error.message, /the disk or quota is full; free some space/u)

        const writer = yield* registry.pushBlobChunked("app")
        const kept = yield* Effect.flip(writer.append(0, large))
        assert.deepInclude({ ...kept }, full)
        // What had arrived stays, until a client continues or cancels.
        const again = yield* registry.pushBlobChunkedResume("app", writer.id)
        assert.isAbove(again.size, 0)
        assert.strictEqual(yield* again.cancel, again.size)
        yield* registry.pushBlob("app", Stream.succeed(some))
        assert.strictEqual((yield* registry.resolveBlob("app", digestOf(some))).size, some.length)
      })
  )

  it.live.skipIf(whyNoMounts !== undefined)(
    "takes no change of the index, and the next one once there is space",
    () =>
      Effect.gen(function*() {
        const folder = yield* tinyFolder(512)
        const directory = layoutIn(folder)
        const registry = yield* makeDisk({ directory, defaultRepository: "app" })
        yield* registry.tagManifest("app", image, ["v1"])
        const filler = fill(folder)
        for (const [name, write] of Object.entries(writes)) {
          const error = yield* assertRefused(directory, write(registry), { _tag: "StorageError", kind: "full" })
          assert.isFalse(error.message.includes(folder), `${name} tells paths inside the layout`)
          assert.deepStrictEqual(yield* Stream.runCollect(registry.tags("app")), ["v1"])
        }
        fs.rmSync(filler)
        for (const write of Object.values(writes)) yield* write(registry)
        const again = yield* makeDisk({ directory, defaultRepository: "app" })
        assert.deepStrictEqual(yield* Stream.runCollect(again.tags("app")), ["v2"])
        assert.strictEqual((yield* again.getTag("app", "v2")).descriptor.digest, digestOf(smallManifest()))
      })
  )
})

describe("a disk that is read-only", () => {
  it.live.skipIf(whyNoMounts !== undefined)(
    "is read all the same, in a layout of any tool",
    () =>
      Effect.gen(function*() {
        const own = yield* ownLayout()
        for (const layout of [yield* copyOfFixture("hand/no-ref"), own.directory]) {
          const before = listing(layout, { times: true })
          const directory = yield* readOnlyView(layout)
          const registry = yield* makeDisk({ directory, defaultRepository: "app" })
          yield* registry.check
          const digest = layout === own.directory ? own.image.digest : image
          assert.strictEqual((yield* registry.getManifest("app", digest)).descriptor.digest, digest)
          assert.isAtLeast((yield* registry.usage).blobs, 3)
          assert.deepStrictEqual(yield* registry.uploads("app"), [])
          assert.deepStrictEqual(listing(layout, { times: true }), before)
        }
      })
  )

  it.live.skipIf(whyNoMounts !== undefined)("takes nothing, and says so", () =>
    Effect.gen(function*() {
      const own = yield* ownLayout()
      for (const layout of [yield* copyOfFixture("hand/no-ref"), own.directory]) {
        const directory = yield* readOnlyView(layout)
        const registry = yield* makeDisk({ directory, defaultRepository: "app" })
        for (const [name, write] of Object.entries(writes)) {
          // Nothing of these is in the layout of our own, which is then what is said first.
          if (layout === own.directory && (name === "tagManifest" || name === "deleteManifest")) continue
          if (layout !== own.directory && name === "pushManifest") continue
          const error = yield* assertRefused(directory, write(registry), { _tag: "StorageError", kind: "readOnly" })
          assert.include(error.message, "the file system is read-only")
        }
      }
    }))

  it.live.skipIf(whyNoMounts !== undefined)("takes no new layout", () =>
    Effect.gen(function*() {
      const directory = join(yield* readOnlyView(dirname(yield* copyOfFixture("hand/no-ref"))), "new")
      const registry = yield* makeDisk({ directory })
      assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), [])
      const error = yield* Effect.flip(registry.pushBlob("app", Stream.succeed(some)))
      assert.deepInclude({ ...error }, { _tag: "StorageError", kind: "readOnly", operation: "mkdir" })
    }))
})

describe("a layout of another user", () => {
  /** A copy that everybody can reach. */
  const reachable = Effect.gen(function*() {
    const directory = yield* copyOfFixture("hand/no-ref")
    fs.chmodSync(dirname(directory), 0o755)
    return directory
  })

  it.live.skipIf(whyNoNobody !== undefined)(
    "is read where that is allowed, and not written",
    () =>
      Effect.gen(function*() {
        const directory = yield* reachable
        const registry = yield* makeDisk({ directory, defaultRepository: "app" })
        yield* asNobody(Effect.gen(function*() {
          assert.strictEqual((yield* registry.getManifest("app", image)).bytes.length, 401)
          for (const [name, write] of Object.entries(writes)) {
            if (name === "pushManifest") continue
            const error = yield* assertRefused(directory, write(registry), { _tag: "StorageError", kind: "denied" })
            assert.match(error.message, /permission denied; check owner and mode/u)
          }
        }))
        assert.isFalse(fs.existsSync(join(directory, ".ocilayout")))
      })
  )

  it.live.skipIf(whyNoNobody !== undefined)("a file that may not be read is named", () =>
    Effect.gen(function*() {
      for (const path of ["index.json", "oci-layout", join("blobs", "sha256", image.slice(7))]) {
        const directory = yield* reachable
        fs.chmodSync(join(directory, path), 0o600)
        const registry = yield* makeDisk({ directory, defaultRepository: "app" })
        const before = outside(directory)
        const error = yield* asNobody(Effect.flip(registry.getManifest("app", image)))
        assert.deepInclude({ ...error }, { _tag: "StorageError", kind: "denied", operation: "open", path })
        assert.deepStrictEqual(outside(directory), before)
        assert.strictEqual((yield* registry.getManifest("app", image)).bytes.length, 401, "once it may be, it is")
      }
    }))
})
