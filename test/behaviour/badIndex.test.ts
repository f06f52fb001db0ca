import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeDisk } from "../../src/node/index.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { bytesOf } from "../mcp/support/images.ts"
import { copyOfFixture, makeOld, outside } from "../support/folders.ts"
import { emptyConfig, ownLayout, smallManifest } from "../support/layouts.ts"
import { assertRefused, type Fields } from "../support/refusals.ts"

const image = "sha256:3724e5d16d5e8b1476beeef298e1a5c93a1d0fe2da31bc698ce95a5ddcf3667f"
const imageManifest = "application/vnd.oci.image.manifest.v1+json"

const entry = { mediaType: imageManifest, digest: image, size: 401 }

type Operation = (registry: LayoutRegistry) => Effect.Effect<unknown, RegistryError>

const indexOperations: ReadonlyArray<Operation> = [
  (registry) => registry.resolveTag("app", "v1"),
  (registry) => Stream.runCollect(registry.repositories()),
  (registry) => registry.pushManifest("app", smallManifest(), imageManifest, { tags: ["v1"] }),
  (registry) => registry.deleteTag("app", "v1")
]

/** A registry that was opened earlier has made sure of the layout already, and a blob needs no index. */
const operations: ReadonlyArray<Operation> = [
  ...indexOperations,
  (registry) => registry.pushBlob("app", Stream.succeed(bytesOf("x"))),
  (registry) => registry.pushBlobChunked("app")
]

/** A layout of another tool with this text in one of its two files, old enough that no tool is still writing it. */
const layoutWith = Effect.fnUntraced(function*(file: "index.json" | "oci-layout", content: string | Uint8Array) {
  const directory = yield* copyOfFixture("hand/no-ref")
  fs.writeFileSync(join(directory, file), content)
  makeOld(directory)
  return { directory, registry: yield* makeDisk({ directory, defaultRepository: "app" }) }
})

const assertUnusable = Effect.fnUntraced(function*(
  file: "index.json" | "oci-layout",
  content: string | Uint8Array,
  error: Fields & { readonly _tag: "IndexInvalid" | "LayoutInvalid" | "LayoutVersionUnsupported" }
) {
  const { directory, registry } = yield* layoutWith(file, content)
  for (const operation of operations) yield* assertRefused(directory, operation(registry), error)
  assert.deepStrictEqual(fs.readFileSync(join(directory, file)), Buffer.from(content))
  assert.isFalse(fs.existsSync(join(directory, ".ocilayout")))
})

describe("an index that is none is never taken for an empty one", () => {
  const cases: ReadonlyArray<readonly [string, string | Uint8Array, string | RegExp]> = [
    ["empty", "", "is empty"],
    ["torn", "{\"schemaVersion\":2,\"manifests\":[{\"med", /^is not valid JSON/u],
    ["of two writers at once", "{\"med{\"mediaType\":\"x\"}", /^is not valid JSON/u],
    ["followed by the rest of a longer one", "{\"schemaVersion\":2,\"manifests\":[]}}]}", /^is not valid JSON/u],
    ["zeros, as after a power cut", new Uint8Array(300), /^is not valid JSON/u],
    ["null", "null", "is null, not an image index"],
    ["an array", "[]", "is an array, not an image index"],
    ["text", "\"index\"", "is a string, not an image index"],
    ["a number", "2", "is a number, not an image index"],
    ["behind a byte order mark", "\uFEFF{\"schemaVersion\":2,\"manifests\":[]}", "starts with a byte order mark"],
    ["no UTF-8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), "is not valid UTF-8"],
    ["UTF-16", Buffer.from("{\"schemaVersion\":2}", "utf16le"), /^is not valid JSON/u],
    ["deep", `{"manifests":[],"x":${"[".repeat(200_000)}`, "is nested more than 64 deep"],
    ["with manifests in an object", "{\"schemaVersion\":2,\"manifests\":{}}", "has manifests that are no array"],
    ["with manifests as text", "{\"schemaVersion\":2,\"manifests\":\"[]\"}", "has manifests that are no array"],
    ["an image manifest", Buffer.from(smallManifest()), "is an image manifest, not an image index"]
  ]

  it.live.each(cases)(
    "%s",
    ([, content, reason]) =>
      assertUnusable("index.json", content, { _tag: "IndexInvalid", code: "INDEX_INVALID", path: "index.json", reason })
  )

  it.live("deleted, though the journal has commits", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      fs.rmSync(join(directory, "index.json"))
      const again = yield* makeDisk({ directory, defaultRepository: "app" })
      const error = {
        _tag: "IndexInvalid",
        path: "index.json",
        reason: "is missing, though the journal has commits"
      } as const
      for (const operation of indexOperations) yield* assertRefused(directory, operation(registry), error)
      for (const operation of operations) yield* assertRefused(directory, operation(again), error)
      assert.isFalse(fs.existsSync(join(directory, "index.json")))
    }))

  it.live("absent beside oci-layout, where nothing was committed, is empty", () =>
    Effect.gen(function*() {
      const directory = yield* copyOfFixture("hand/no-ref")
      fs.rmSync(join(directory, "index.json"))
      const registry = yield* makeDisk({ directory, defaultRepository: "app" })
      assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), [])
      assert.isFalse(fs.existsSync(join(directory, "index.json")))
      yield* registry.pushBlob("app", Stream.succeed(bytesOf("{}")))
      yield* registry.pushManifest("app", smallManifest(), imageManifest, { tags: ["v1"] })
      assert.deepStrictEqual(yield* Stream.runCollect(registry.tags("app")), ["v1"])
    }))

  it.live("larger than any index, without being read", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* layoutWith("index.json", "{}")
      const limit = 256 * 1024 * 1024
      fs.truncateSync(join(directory, "index.json"), limit + 1)
      for (const operation of operations) {
        const error = yield* Effect.flip(operation(registry))
        assert.deepInclude({ ...error }, { _tag: "IndexTooLarge", what: "bytes", actual: limit + 1, limit })
      }
    }))

  it.live("in the middle of being written, it is waited for", () =>
    Effect.gen(function*() {
      const directory = yield* copyOfFixture("hand/no-ref")
      const index = join(directory, "index.json")
      const whole = fs.readFileSync(index)
      fs.writeFileSync(index, whole.subarray(0, 40))
      const registry = yield* makeDisk({ directory, defaultRepository: "app" })
      const reading = yield* Effect.forkChild(registry.resolveManifest("app", image))
      yield* Effect.sleep(100)
      fs.writeFileSync(index, whole)
      assert.strictEqual((yield* Fiber.join(reading)).digest, image)
    }))

  it.live("left half written, it is reported after a while, and no other read waits for it again", () =>
    Effect.gen(function*() {
      const directory = yield* copyOfFixture("hand/no-ref")
      const index = join(directory, "index.json")
      fs.writeFileSync(index, fs.readFileSync(index).subarray(0, 40))
      const registry = yield* makeDisk({ directory, defaultRepository: "app" })
      const started = Date.now()
      const torn = { _tag: "IndexInvalid", path: "index.json", reason: /^is not valid JSON/u } as const
      yield* assertRefused(directory, registry.resolveManifest("app", image), torn)
      assert.isBelow(Date.now() - started, 5000)
      const reported = Date.now()
      for (let read = 0; read < 20; read++) {
        yield* assertRefused(directory, registry.resolveManifest("app", image), torn)
      }
      assert.isBelow(Date.now() - reported, 1000)
    }))
})

describe("an oci-layout that is none", () => {
  const cases: ReadonlyArray<
    readonly [string, string, Fields & { readonly _tag: "LayoutInvalid" | "LayoutVersionUnsupported" }]
  > = [
    ["empty", "", { _tag: "LayoutInvalid", reason: "is empty" }],
    ["torn", "{", { _tag: "LayoutInvalid", reason: /^is not valid JSON/u }],
    ["an array", "[]", { _tag: "LayoutInvalid", reason: "has no imageLayoutVersion" }],
    ["text", "\"1.0.0\"", { _tag: "LayoutInvalid", reason: "has no imageLayoutVersion" }],
    ["null", "null", { _tag: "LayoutInvalid", reason: "has no imageLayoutVersion" }],
    ["without version", "{}", { _tag: "LayoutInvalid", reason: "has no imageLayoutVersion" }],
    ["with a number as version", "{\"imageLayoutVersion\":1}", {
      _tag: "LayoutInvalid",
      reason: "has no imageLayoutVersion"
    }],
    ["deep", "[".repeat(4000), { _tag: "LayoutInvalid", reason: "is nested more than 8 deep" }],
    ["large", " ".repeat(5000), { _tag: "LayoutInvalid", reason: "is larger than 4096 bytes" }],
    ["of another version", "{\"imageLayoutVersion\":\"1.0\"}", { _tag: "LayoutVersionUnsupported", version: "1.0" }],
    ["of a version to come", "{\"imageLayoutVersion\":\"2.0.0\"}", {
      _tag: "LayoutVersionUnsupported",
      version: "2.0.0"
    }]
  ]

  it.live.each(cases)(
    "%s",
    ([, content, error]) => assertUnusable("oci-layout", content, { ...error, path: "oci-layout" })
  )

  it.live("missing beside an index, whose entries stay", () =>
    Effect.gen(function*() {
      const directory = yield* copyOfFixture("hand/no-ref")
      const registry = yield* makeDisk({ directory, defaultRepository: "app" })
      assert.strictEqual((yield* registry.resolveManifest("app", image)).digest, image)
      fs.rmSync(join(directory, "oci-layout"))
      const before = outside(directory)
      const again = yield* makeDisk({ directory, defaultRepository: "app" })
      for (const operation of operations) {
        yield* assertRefused(directory, operation(again), {
          _tag: "LayoutInvalid",
          code: "LAYOUT_INVALID",
          path: "oci-layout",
          reason: "is missing beside index.json"
        })
      }
      assert.deepStrictEqual(outside(directory), before)
    }))

  it.live("with fields of its own is read, and keeps them", () =>
    Effect.gen(function*() {
      const text = "{ \"x\": [1], \"imageLayoutVersion\": \"1.0.0\" }"
      const { directory, registry } = yield* layoutWith("oci-layout", text)
      yield* registry.tagManifest("app", image, ["v1"])
      assert.strictEqual(fs.readFileSync(join(directory, "oci-layout"), "utf8"), text)
    }))
})

describe("an entry that is none harms no other", () => {
  const cases: ReadonlyArray<readonly [string, unknown, string]> = [
    ["null", null, "is not an object"],
    ["a number", 7, "is not an object"],
    ["an array", [entry], "is not an object"],
    ["an empty object", {}, "has no valid digest"],
    ["without digest", { mediaType: imageManifest, size: 401 }, "has no valid digest"],
    ["with a digest that is a number", { ...entry, digest: 5 }, "has no valid digest"],
    ["with a path as digest", { ...entry, digest: "sha256:../../../etc/passwd" }, "has no valid digest"],
    ["without media type", { digest: image, size: 401 }, "has no mediaType"],
    ["without size", { mediaType: imageManifest, digest: image }, "has no valid size"],
    ["of negative size", { ...entry, size: -1 }, "has no valid size"],
    ["of half a byte", { ...entry, size: 0.5 }, "has no valid size"],
    ["of a size in text", { ...entry, size: "401" }, "has no valid size"],
    ["of more bytes than a number holds", { ...entry, size: 2 ** 53 }, "has no valid size"],
    ["with annotations in an array", { ...entry, annotations: [] }, "has annotations that are no object"],
    ["with an annotation that is null", { ...entry, annotations: { a: null } }, "has an annotation that is no string"]
  ]

  it.live.each(cases)("%s", ([, value, reason]) =>
    Effect.gen(function*() {
      const good = { ...entry, annotations: { "org.opencontainers.image.ref.name": "v1" } }
      const text = JSON.stringify({ schemaVersion: 2, manifests: [value, good] })
      const { directory, registry } = yield* layoutWith("index.json", text)
      const unnamed = yield* Stream.runCollect(registry.unnamed())
      assert.deepStrictEqual(unnamed.map(({ reason }) => reason), [reason])
      assert.strictEqual((yield* registry.getTag("app", "v1")).descriptor.digest, image)
      yield* registry.tagManifest("app", image, ["v2"])
      const after = JSON.parse(fs.readFileSync(join(directory, "index.json"), "utf8")) as { manifests: Array<unknown> }
      assert.deepStrictEqual(after.manifests.slice(0, 2), [value, good], "what is not understood is kept")
      yield* registry.deleteTag("app", "v1")
      assert.deepStrictEqual((yield* Stream.runCollect(registry.unnamed())).length, 1)
    }))

  it.live("optional fields of the wrong shape are as good as absent, and are kept", () =>
    Effect.gen(function*() {
      const wrong = { artifactType: 1, data: null, platform: [], urls: [1] }
      const absent = { ...entry, digest: `sha256:${"0".repeat(64)}`, ...wrong }
      const value = { ...absent, annotations: { "org.opencontainers.image.ref.name": "v1" } }
      const { directory, registry } = yield* layoutWith("index.json", JSON.stringify({ manifests: [value] }))
      const { digest } = absent
      const resolved: unknown = yield* registry.resolveTag("app", "v1")
      assert.deepStrictEqual(resolved, { mediaType: imageManifest, digest, size: 401 })
      yield* assertRefused(directory, registry.resolveBlob("app", digest), { _tag: "BlobUnknown", digest })
      yield* registry.deleteTag("app", "v1")
      const after = JSON.parse(fs.readFileSync(join(directory, "index.json"), "utf8")) as { manifests: Array<unknown> }
      assert.deepStrictEqual(after.manifests, [absent])
    }))

  it.live("a size beyond every number, as another tool may write it, is kept as it is spelled", () =>
    Effect.gen(function*() {
      const huge = `{"mediaType":"a/b","digest":"${image}","size":1e400}`
      const exact = `{"mediaType":"a/b","digest":"${emptyConfig.digest}","size":2.0,"x":12345678901234567890}`
      const text = `{"schemaVersion":2,"manifests":[${huge},${JSON.stringify(entry)},${exact}]}`
      const { directory, registry } = yield* layoutWith("index.json", text)
      yield* registry.tagManifest("app", image, ["v1"])
      const after = fs.readFileSync(join(directory, "index.json"), "utf8")
      assert.include(after, huge)
      assert.include(after, exact)
    }))

  it.live("a key twice in the index: the last one counts, and both stay", () =>
    Effect.gen(function*() {
      const text = `{"x":1,"manifests":[],"x":2,"manifests":[${JSON.stringify(entry)}],"annotations":{"a":"b"}}`
      const { directory, registry } = yield* layoutWith("index.json", text)
      yield* registry.tagManifest("app", image, ["v1"])
      const after = fs.readFileSync(join(directory, "index.json"), "utf8")
      assert.isTrue(after.startsWith("{\"x\":1,\"manifests\":[],\"x\":2,\"manifests\":[{"), after)
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, image)
    }))
})
