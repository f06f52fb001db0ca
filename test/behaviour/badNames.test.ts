import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeDisk, makeDiskTree } from "../../src/node/index.ts"
import { imageManifest } from "../../src/oci/MediaType.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { bytesOf, digestOf } from "../mcp/support/images.ts"
import { copyOfFixture, listing, temporaryFolder } from "../support/folders.ts"
import { emptyConfig, ownLayout, smallManifest } from "../support/layouts.ts"
import { assertRefused } from "../support/refusals.ts"

const image = "sha256:3724e5d16d5e8b1476beeef298e1a5c93a1d0fe2da31bc698ce95a5ddcf3667f"
const nobody = `sha256:${"f".repeat(64)}`

type Operation = (registry: LayoutRegistry, name: string) => Effect.Effect<unknown, RegistryError>

const some = Stream.succeed(bytesOf("some content"))

const withRepository: Readonly<Record<string, Operation>> = {
  getBlob: (registry, name) => Effect.scoped(registry.getBlob(name, image)),
  getBlobRange: (registry, name) => Effect.scoped(registry.getBlobRange(name, image, { offset: 0 })),
  getManifest: (registry, name) => registry.getManifest(name, image),
  getTag: (registry, name) => registry.getTag(name, "v1"),
  resolveBlob: (registry, name) => registry.resolveBlob(name, image),
  resolveManifest: (registry, name) => registry.resolveManifest(name, image),
  resolveTag: (registry, name) => registry.resolveTag(name, "v1"),
  choices: (registry, name) => registry.choices(name, "v1"),
  pushBlob: (registry, name) => registry.pushBlob(name, some),
  pushBlobChunked: (registry, name) => registry.pushBlobChunked(name),
  pushBlobChunkedResume: (registry, name) => registry.pushBlobChunkedResume(name, "0".repeat(32)),
  "mountBlob from": (registry, name) => registry.mountBlob(name, "app", image),
  "mountBlob to": (registry, name) => registry.mountBlob("app", name, image),
  pushManifest: (registry, name) => registry.pushManifest(name, smallManifest(), imageManifest, { tags: ["v1"] }),
  tagManifest: (registry, name) => registry.tagManifest(name, image, ["v2"]),
  batch: (registry, name) => registry.batch([{ _tag: "DeleteTag", repository: name, tag: "v1" }]),
  deleteBlob: (registry, name) => registry.deleteBlob(name, image),
  deleteManifest: (registry, name) => registry.deleteManifest(name, image),
  deleteTag: (registry, name) => registry.deleteTag(name, "v1"),
  forecast: (registry, name) => registry.forecast(name, "manifest", image),
  tags: (registry, name) => Stream.runCollect(registry.tags(name)),
  referrers: (registry, name) => Stream.runCollect(registry.referrers(name, image)),
  tagsOf: (registry, name) => registry.tagsOf(name, image),
  expandDigest: (registry, name) => registry.expandDigest(name, "3724e5d16d5e"),
  uploads: (registry, name) => registry.uploads(name),
  blobPath: (registry, name) => registry.blobPath(name, image)
}

const badRepositories = [
  "",
  "/",
  "App",
  "a//b",
  "/a",
  "a/",
  "..",
  "../x",
  "a/../b",
  "a/./b",
  "a b",
  "a:b",
  "a@b",
  "a\\b",
  "a\0b",
  "a\n",
  "-a",
  "a-",
  "a..b",
  "a___b",
  "_a",
  "__proto__",
  "café",
  "localhost:5000/a",
  "x".repeat(256)
]

describe("a repository that is none", () => {
  it.live.each(Object.entries(withRepository))(
    "is refused by %s before it looks at the layout",
    ([, operation]) =>
      Effect.gen(function*() {
        const directory = yield* copyOfFixture("hand/no-ref")
        const registry = yield* makeDisk({ directory, defaultRepository: "app" })
        for (const name of badRepositories) {
          const error = { _tag: "NameInvalid", code: "NAME_INVALID", repository: name, reason: /./u } as const
          yield* assertRefused(directory, operation(registry, name), error)
        }
        assert.isFalse(fs.existsSync(join(directory, ".ocilayout")))
      })
  )

  it.live("is no default repository either", () =>
    Effect.gen(function*() {
      const directory = yield* copyOfFixture("hand/no-ref")
      yield* assertRefused(directory, makeDisk({ directory, defaultRepository: "Not/Valid" }), {
        _tag: "NameInvalid",
        repository: "Not/Valid"
      })
    }))

  it.live.each(["a/blobs", "a/blobs/sha256", "a/index.json", "a/oci-layout/b", "a/b/blobs"])(
    "%s would lie inside another's layout, where each repository has its own",
    (name) =>
      Effect.gen(function*() {
        const directory = yield* temporaryFolder
        const registry = yield* makeDiskTree({ directory, durability: "none" })
        const refuse = Effect.gen(function*() {
          for (const operation of Object.values(withRepository)) {
            yield* assertRefused(directory, operation(registry, name), { _tag: "NameInvalid", repository: name })
          }
        })
        yield* refuse
        assert.deepStrictEqual(fs.readdirSync(directory), [])
        yield* registry.pushBlob("a", some)
        yield* refuse
      })
  )

  it.live("is not a link that leads out of a tree, nor found there", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryFolder
      const elsewhere = yield* copyOfFixture("dockeroci-per-repository")
      fs.symlinkSync(join(elsewhere, "other"), join(directory, "other"))
      const registry = yield* makeDiskTree({ directory, durability: "none" })
      assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), [])
    }))
})

describe("a tag that is none", () => {
  const bad = ["", ".x", "-x", "a/b", "a:b", "a@b", "a b", "a\0", "v1\n", "..", "x".repeat(129), "é"]

  it.live.each(bad)("%j", (tag) =>
    Effect.gen(function*() {
      const { directory, image: { digest }, registry } = yield* ownLayout()
      const error = { _tag: "TagInvalid", code: "TAG_INVALID", tag, reason: /./u } as const
      yield* assertRefused(directory, registry.resolveTag("app", tag), error)
      yield* assertRefused(directory, registry.getTag("app", tag), error)
      yield* assertRefused(directory, registry.deleteTag("app", tag), error)
      yield* assertRefused(directory, registry.tagManifest("app", digest, ["good", tag]), error)
      const push = registry.pushManifest("app", smallManifest(), imageManifest, { tags: ["good", tag] })
      yield* assertRefused(directory, push, error)
      yield* assertRefused(directory, registry.batch([{ _tag: "DeleteTag", repository: "app", tag }]), error)
      assert.deepStrictEqual(yield* Stream.runCollect(registry.tags("app")), ["v1"])
    }))
})

describe("a digest that is none", () => {
  const bad = [
    "",
    "sha256",
    "sha256:",
    ":",
    "sha256:zz",
    `sha256:${"A".repeat(64)}`,
    `sha256:${"a".repeat(63)}`,
    `sha256:${"a".repeat(65)}`,
    `sha256:${"a".repeat(64)}\n`,
    `sha256:sha256:${"a".repeat(64)}`,
    `SHA256:${"a".repeat(64)}`,
    "sha256:../../index.json",
    "../../etc/passwd",
    `sha512:${"a".repeat(64)}`,
    "a".repeat(64),
    `x:${"a".repeat(300)}`
  ]

  it.live.each(bad)("%j", (digest) =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      const error = { _tag: "DigestInvalid", code: "DIGEST_INVALID", digest, reason: /./u } as const
      const operations: ReadonlyArray<Effect.Effect<unknown, RegistryError>> = [
        Effect.scoped(registry.getBlob("app", digest)),
        Effect.scoped(registry.getBlobRange("app", digest, { offset: 0 })),
        registry.getManifest("app", digest),
        registry.resolveBlob("app", digest),
        registry.resolveManifest("app", digest),
        registry.pushBlob("app", some, { digest }),
        registry.mountBlob("app", "b", digest),
        registry.pushManifest("app", smallManifest(), imageManifest, { digest }),
        registry.pushManifest("app", smallManifest(), imageManifest, { tags: [{ tag: "v1", ifDigest: digest }] }),
        registry.tagManifest("app", digest, ["v2"]),
        registry.deleteBlob("app", digest),
        registry.deleteManifest("app", digest, { force: true }),
        registry.deleteTag("app", "v1", { ifDigest: digest }),
        registry.forecast("app", "blob", digest),
        registry.forecast("app", "manifest", digest),
        Stream.runCollect(registry.referrers("app", digest)),
        registry.tagsOf("app", digest),
        registry.blobPath("app", digest)
      ]
      for (const operation of operations) yield* assertRefused(directory, operation, error)
    }))
})

describe("content that is not stored", () => {
  it.live("is unknown, by its repository and its name", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      const noName = { _tag: "NameUnknown", code: "NAME_UNKNOWN", repository: "none" } as const
      const noManifest = (reference: string, repository = "app") =>
        ({ _tag: "ManifestUnknown", code: "MANIFEST_UNKNOWN", repository, reference }) as const
      const noBlob = { _tag: "BlobUnknown", code: "BLOB_UNKNOWN", digest: nobody } as const
      yield* assertRefused(directory, Stream.runCollect(registry.tags("none")), noName)
      yield* assertRefused(directory, registry.resolveTag("none", "v1"), noName)
      yield* assertRefused(directory, registry.getTag("none", "v1"), noName)
      yield* assertRefused(directory, registry.resolveManifest("none", nobody), noName)
      yield* assertRefused(directory, registry.getManifest("none", nobody), noName)
      yield* assertRefused(directory, registry.resolveTag("app", "v2"), noManifest("v2"))
      yield* assertRefused(directory, registry.getTag("app", "v2"), noManifest("v2"))
      yield* assertRefused(directory, registry.getManifest("app", nobody), noManifest(nobody))
      yield* assertRefused(directory, registry.deleteTag("app", "v2"), noManifest("v2"))
      yield* assertRefused(directory, registry.deleteTag("none", "v1"), noManifest("v1", "none"))
      yield* assertRefused(directory, registry.deleteManifest("app", nobody), noManifest(nobody))
      yield* assertRefused(
        directory,
        registry.deleteManifest("none", nobody, { force: true }),
        noManifest(nobody, "none")
      )
      yield* assertRefused(directory, registry.tagManifest("app", nobody, ["v2"]), noManifest(nobody))
      yield* assertRefused(directory, registry.tagManifest("none", nobody, ["v2"]), noManifest(nobody, "none"))
      yield* assertRefused(directory, registry.forecast("app", "manifest", nobody), noManifest(nobody))
      yield* assertRefused(directory, registry.resolveName("none:v1"), noManifest("none:v1", ""))
      yield* assertRefused(directory, Effect.scoped(registry.getBlob("app", nobody)), noBlob)
      yield* assertRefused(directory, Effect.scoped(registry.getBlobRange("app", nobody, { offset: 0 })), noBlob)
      yield* assertRefused(directory, registry.resolveBlob("none", nobody), noBlob)
      yield* assertRefused(directory, registry.mountBlob("app", "b", nobody), noBlob)
      yield* assertRefused(directory, registry.deleteBlob("app", nobody), noBlob)
      yield* assertRefused(directory, registry.forecast("app", "blob", nobody), noBlob)
      assert.deepStrictEqual(yield* Stream.runCollect(registry.referrers("none", nobody)), [])
      assert.deepStrictEqual(yield* registry.tagsOf("none", nobody), [])
    }))

  it.live("a mount between layouts of a tree leaves no layout behind when there is nothing to mount", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryFolder
      const registry = yield* makeDiskTree({ directory, durability: "none" })
      yield* registry.pushBlob("a", some)
      const before = listing(directory)
      yield* assertRefused(directory, registry.mountBlob("a", "b", nobody), { _tag: "BlobUnknown", digest: nobody })
      assert.deepStrictEqual(listing(directory), before)
    }))
})

describe("names that a plain object would trip over", () => {
  it.live.each(["constructor", "tostring", "hasownproperty", "valueof"])(
    "%s is a name like any other",
    (name) =>
      Effect.gen(function*() {
        const { directory, registry } = yield* ownLayout()
        yield* assertRefused(directory, registry.resolveTag(name, "v1"), { _tag: "NameUnknown", repository: name })
        for (const tag of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
          yield* assertRefused(directory, registry.resolveTag("app", tag), { _tag: "ManifestUnknown", reference: tag })
          const { revision } = yield* registry.pushManifest(name, smallManifest(), imageManifest, { tags: [tag] })
          assert.isTrue(Option.isSome(revision))
          assert.strictEqual((yield* registry.resolveTag(name, tag)).digest, digestOf(smallManifest()))
        }
        assert.include(yield* Stream.runCollect(registry.repositories()), name)
        assert.strictEqual((yield* registry.resolveBlob(name, emptyConfig.digest)).size, 2)
      })
  )
})
