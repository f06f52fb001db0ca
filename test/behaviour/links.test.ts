import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { makeDisk, type SymlinkPolicy } from "../../src/node/index.ts"
import { imageManifest } from "../../src/oci/MediaType.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { bytesOf, digestOf } from "../mcp/support/images.ts"
import { copyOfFixture, listing, temporaryFolder } from "../support/folders.ts"
import { smallManifest } from "../support/layouts.ts"
import { assertRefused } from "../support/refusals.ts"

const image = "sha256:3724e5d16d5e8b1476beeef298e1a5c93a1d0fe2da31bc698ce95a5ddcf3667f"
const layer = "sha256:996eb81bf59d10892425bcd1023f0d40268fca2e0e5a1d40cae559d5d625aeb7"
const blobOf = (digest: string): string => join("blobs", "sha256", digest.slice(7))

/** What is replaced by a link, and what a refusal calls it. */
const places = ["index.json", "oci-layout", blobOf(layer), join("blobs", "sha256"), "blobs"]

type Target = "inside" | "outside"

/** A layout of which one part is a link, to what it was: in a folder of the layout, or beside it. */
const linked = Effect.fnUntraced(function*(place: string, target: Target, symlinks?: SymlinkPolicy) {
  const directory = yield* copyOfFixture("hand/no-ref")
  const moved = join(target === "inside" ? join(directory, "moved") : yield* temporaryFolder, "part")
  fs.mkdirSync(dirname(moved), { recursive: true })
  fs.renameSync(join(directory, place), moved)
  fs.symlinkSync(moved, join(directory, place))
  const registry = yield* makeDisk({ directory, defaultRepository: "app", durability: "none", symlinks })
  return { directory, moved, registry }
})

const some = Stream.succeed(bytesOf("some content"))

const readLayer = (registry: LayoutRegistry): Effect.Effect<Uint8Array, RegistryError> =>
  Effect.scoped(Effect.gen(function*() {
    const { stream } = yield* registry.getBlob("app", layer)
    return Buffer.concat(yield* Stream.runCollect(stream))
  }))

const readAll = (registry: LayoutRegistry): Effect.Effect<void, RegistryError> =>
  Effect.gen(function*() {
    assert.strictEqual((yield* registry.getManifest("app", image)).bytes.length, 401)
    assert.strictEqual(digestOf(yield* readLayer(registry)), layer)
  })

const writeAll = (registry: LayoutRegistry): Effect.Effect<void, RegistryError> =>
  Effect.gen(function*() {
    yield* registry.pushBlob("app", Stream.succeed(bytesOf("{}")))
    yield* registry.pushManifest("app", smallManifest(), imageManifest, { tags: ["v2"] })
    assert.strictEqual((yield* registry.getTag("app", "v2")).descriptor.digest, digestOf(smallManifest()))
    yield* registry.deleteTag("app", "v2")
  })

describe("a link in a layout is refused", () => {
  for (const target of ["inside", "outside"] as const) {
    it.live.each(places)(`%s, to something ${target}`, (place) =>
      Effect.gen(function*() {
        const { directory, moved, registry } = yield* linked(place, target)
        const before = listing(dirname(moved))
        const refused = { _tag: "SymlinkRefused", code: "SYMLINK_REFUSED", path: place } as const
        if (place.startsWith("blobs")) {
          yield* assertRefused(directory, readLayer(registry), refused)
          yield* assertRefused(directory, registry.resolveBlob("app", layer), refused)
          yield* assertRefused(
            directory,
            Effect.scoped(registry.getBlobRange("app", layer, { offset: 0, end: 3 })),
            refused
          )
          yield* assertRefused(directory, registry.deleteBlob("app", layer), refused)
          const right = fs.readFileSync(
            join(yield* copyOfFixture("hand/no-ref"), blobOf(layer))
          )
          yield* assertRefused(directory, registry.pushBlob("app", Stream.succeed(right), { digest: layer }), refused)
        } else {
          yield* assertRefused(directory, registry.check, refused)
          yield* assertRefused(directory, registry.pushBlob("app", some), refused)
          yield* assertRefused(directory, registry.tagManifest("app", image, ["v1"]), refused)
          yield* assertRefused(directory, registry.pushBlobChunked("app"), refused)
        }
        assert.deepStrictEqual(listing(dirname(moved)), before, "what the link leads to is not touched")
      }))
  }

  it.live.each(["blobs", join("blobs", "sha256")])(
    "%s: also by what lists and writes blobs",
    (place) =>
      Effect.gen(function*() {
        const { directory, registry } = yield* linked(place, "outside")
        const refused = { _tag: "SymlinkRefused", path: place } as const
        yield* assertRefused(directory, registry.usage, refused)
        yield* assertRefused(directory, registry.getManifest("app", image), refused)
        yield* assertRefused(directory, registry.pushBlob("app", some), refused)
        yield* assertRefused(directory, registry.tagManifest("app", image, ["v1"]), refused)
        const writer = yield* registry.pushBlobChunked("app")
        yield* writer.append(0, some)
        yield* assertRefused(directory, writer.commit(digestOf(bytesOf("some content"))), refused)
      })
  )

  it.live("a link that leads nowhere is not taken for something missing", () =>
    Effect.gen(function*() {
      const { directory, moved, registry } = yield* linked("index.json", "outside")
      fs.rmSync(moved)
      yield* assertRefused(directory, registry.check, { _tag: "SymlinkRefused", path: "index.json" })
      yield* assertRefused(directory, registry.pushBlob("app", some), {
        _tag: "SymlinkRefused",
        path: "index.json"
      })
      assert.isFalse(fs.existsSync(moved))
    }))

  it.live("the folder of our own, so that nothing is written elsewhere", () =>
    Effect.gen(function*() {
      for (
        const inner of [
          ".ocilayout",
          join(".ocilayout", "tmp"),
          join(".ocilayout", "journal", "2"),
          join(".ocilayout", "uploads")
        ]
      ) {
        const directory = yield* copyOfFixture("hand/no-ref")
        const elsewhere = yield* temporaryFolder
        fs.mkdirSync(dirname(join(directory, inner)), { recursive: true })
        fs.symlinkSync(elsewhere, join(directory, inner))
        const registry = yield* makeDisk({ directory, defaultRepository: "app", durability: "none" })
        const refused = { _tag: "SymlinkRefused", path: inner } as const
        const read = registry.getManifest("app", image)
        // Reading needs the journal, and nothing else of ours.
        if (inner.endsWith("tmp") || inner.endsWith("uploads")) assert.strictEqual((yield* read).bytes.length, 401)
        else assert.deepInclude({ ...(yield* Effect.flip(read)) }, refused)
        for (
          const write of [
            registry.tagManifest("app", image, ["v1"]),
            registry.pushBlob("app", some),
            registry.pushBlobChunked("app")
          ] as ReadonlyArray<Effect.Effect<unknown, RegistryError>>
        ) {
          const before = listing(directory, { except: [".ocilayout"] })
          const error = yield* Effect.flip(write)
          assert.deepInclude({ ...error }, refused, inner)
          assert.deepStrictEqual(listing(directory, { except: [".ocilayout"] }), before)
        }
        assert.deepStrictEqual(fs.readdirSync(elsewhere), [], inner)
      }
    }))

  it.live.each(["tmp", "uploads"])(
    "%s of our own, for a session that was begun before",
    (name) =>
      Effect.gen(function*() {
        const directory = yield* copyOfFixture("hand/no-ref")
        const registry = yield* makeDisk({ directory, defaultRepository: "app", durability: "none" })
        const writer = yield* registry.pushBlobChunked("app")
        yield* writer.append(0, some)
        const outside = join(yield* temporaryFolder, "part")
        fs.renameSync(join(directory, ".ocilayout", name), outside)
        fs.symlinkSync(outside, join(directory, ".ocilayout", name))
        const before = listing(outside, { times: true })
        const refused = { _tag: "SymlinkRefused", path: join(".ocilayout", name) } as const
        yield* assertRefused(directory, writer.append(12, some), refused)
        yield* assertRefused(directory, writer.commit(digestOf(bytesOf("some content"))), refused)
        yield* assertRefused(directory, writer.cancel, refused)
        if (name === "uploads") yield* assertRefused(directory, registry.uploads("app"), refused)
        assert.deepStrictEqual(listing(outside, { times: true }), before)
      })
  )

  it.live.each(["lock", "holder", join("journal", "2", "current.ndjson")])(
    "%s of our own is never written through",
    (name) =>
      Effect.gen(function*() {
        const directory = yield* copyOfFixture("hand/no-ref")
        const victim = join(yield* temporaryFolder, "victim")
        fs.writeFileSync(victim, "precious")
        const path = join(directory, ".ocilayout", name)
        fs.mkdirSync(dirname(path), { recursive: true })
        fs.symlinkSync(victim, path)
        const registry = yield* makeDisk({ directory, defaultRepository: "app", durability: "none" })
        const exit = yield* Effect.exit(registry.tagManifest("app", image, ["v1"]))
        // The note of who holds the lock is a hint, so writing goes on without it.
        assert.strictEqual(exit._tag === "Success", name === "holder")
        assert.strictEqual(fs.readFileSync(victim, "utf8"), "precious")
      })
  )

  it.live("the layout itself may be reached through a link", () =>
    Effect.gen(function*() {
      const real = yield* copyOfFixture("hand/no-ref")
      const directory = join(yield* temporaryFolder, "link")
      fs.symlinkSync(real, directory)
      const registry = yield* makeDisk({ directory, defaultRepository: "app", durability: "none" })
      yield* readAll(registry)
      yield* writeAll(registry)
      assert.isTrue(fs.lstatSync(directory).isSymbolicLink())
    }))
})

/** Everything works, and the link is still one: what it leads to was changed, if anything was. */
const assertFollowed = Effect.fnUntraced(function*(place: string, target: Target, symlinks: SymlinkPolicy) {
  const { directory, registry } = yield* linked(place, target, symlinks)
  yield* readAll(registry)
  assert.strictEqual((yield* registry.usage).blobs, 3)
  yield* writeAll(registry)
  assert.strictEqual((yield* registry.usage).blobs, 5)
  const again = yield* makeDisk({ directory, defaultRepository: "app", symlinks })
  yield* readAll(again)
  assert.strictEqual((yield* again.resolveManifest("app", digestOf(smallManifest()))).mediaType, imageManifest)
  assert.isTrue(fs.lstatSync(join(directory, place)).isSymbolicLink(), `${place} is still a link`)
})

describe("links that stay inside are followed where that is wanted", () => {
  it.live.each(places)("%s", (place) => assertFollowed(place, "inside", "inside"))

  it.live.each(places)("%s is refused when it leads out", (place) =>
    Effect.gen(function*() {
      const { directory, moved, registry } = yield* linked(place, "outside", "inside")
      const before = listing(dirname(moved))
      const read = place.startsWith("blobs") ? registry.resolveBlob("app", layer) : registry.check
      const refused = yield* assertRefused<unknown, RegistryError, never>(directory, read, { _tag: "SymlinkRefused" })
      assert.include(refused.message, place.split("/")[0] ?? "")
      yield* assertRefused<unknown, RegistryError, never>(
        directory,
        place === blobOf(layer) ? read : registry.pushBlob("app", some),
        {
          _tag: "SymlinkRefused"
        }
      )
      assert.deepStrictEqual(listing(dirname(moved)), before)
    }))
})

describe("links are followed anywhere where that is wanted", () => {
  it.live.each(places)("%s", (place) => assertFollowed(place, "outside", "follow"))
})
