import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { makeMemory } from "../../../src/memory/index.ts"
import { IndexInvalid } from "../../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { image, pushImage as pushWhole } from "../../support/images.ts"
import { digestOf, pushImage, pushIndex, short } from "../support/images.ts"
import { session } from "../support/session.ts"

describe("oci_list_layouts", () => {
  it.live("tells the mode, the sizes and the directories", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session({ mode: "write" })
      const image = yield* pushImage(registry, { tags: ["1.0", "latest"] })
      assert.deepStrictEqual(yield* call("oci_list_layouts"), {
        layouts: [{
          id: "main",
          path: "/layouts/main",
          mode: "write",
          repositories: 1,
          tags: 2,
          blobs: 3,
          bytes: image.size + image.config.size + 9
        }],
        allowed_directories: ["/files"],
        inline_limit: 65536
      })
    }))

  it.live("lists a layout that cannot be opened with what is wrong about it", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      const broken = { ...registry, check: Effect.fail(new IndexInvalid({ path: "index.json", reason: "is empty" })) }
      const { call } = yield* session({ others: { broken } })
      const { layouts } = yield* call("oci_list_layouts")
      assert.include(JSON.stringify(layouts), `"problem":"INDEX_INVALID: index \\"index.json\\" is empty`)
      const one = yield* call("oci_list_layouts", { layout: "broken" })
      assert.notInclude(JSON.stringify(one), "/layouts/main")
    }))
})

describe("oci_list_repositories", () => {
  it.live("pages in lexical order", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      for (const repository of ["b", "a/x", "a", "a-b", "c"]) yield* pushImage(registry, { repository, tags: ["1"] })
      const first = yield* call("oci_list_repositories", { limit: 2 })
      assert.deepStrictEqual(first, { repositories: ["a", "a-b"], next_start_after: "a-b" })
      const rest = yield* call("oci_list_repositories", { start_after: "a-b" })
      assert.deepStrictEqual(rest, { repositories: ["a/x", "b", "c"] })
    }))

  it.live("finds the names with a prefix", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      for (const repository of ["apo", "app", "app/web", "app/api", "apq"]) {
        yield* pushImage(registry, { repository, tags: ["1"] })
      }
      assert.deepStrictEqual(yield* call("oci_list_repositories", { prefix: "app" }), {
        repositories: ["app", "app/api", "app/web"]
      })
      assert.deepStrictEqual(yield* call("oci_list_repositories", { prefix: "app", start_after: "app", limit: 1 }), {
        repositories: ["app/api"],
        next_start_after: "app/api"
      })
      assert.deepStrictEqual(yield* call("oci_list_repositories", { prefix: "z" }), { repositories: [] })
    }))

  it.live("shows entries that no repository can name, cleaned, on the first page", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      const { call } = yield* session({
        registry: {
          ...registry,
          unnamed: () => Stream.succeed({ refName: "Host:1/X:\u202e1", digest: "sha256:1", reason: "has a port" })
        }
      })
      assert.deepStrictEqual(yield* call("oci_list_repositories"), {
        repositories: [],
        unnamed: [{ name: "Host:1/X:1", digest: "sha256:1", reason: "has a port" }]
      })
      assert.deepStrictEqual(yield* call("oci_list_repositories", { start_after: "a" }), { repositories: [] })
    }))
})

/** `app` with images that were created in another order than their names have, and one that says nothing. */
const dated = Effect.gen(function*() {
  const opened = yield* session()
  const { registry } = opened
  const image = (tag: string, created: string | undefined) =>
    pushImage(registry, {
      tags: [tag],
      config: { os: "linux", architecture: "amd64", tag, ...(created === undefined ? {} : { created }) }
    })
  yield* image("pr-1", "2024-03-01T00:00:00Z")
  const newest = yield* image("pr-2", "2026-01-01T00:00:00Z")
  yield* image("pr-3", undefined)
  // A build that can be repeated says nothing of its age.
  yield* image("pr-4", "1970-01-01T00:00:00Z")
  yield* image("v1", "2020-01-01T00:00:00+01:00")
  const platform = { os: "linux", architecture: "amd64" }
  yield* pushIndex(registry, [{ ...newest, platform }], ["all"])
  yield* pushImage(registry, {
    tags: ["noted"],
    config: { created: "1999-01-01T00:00:00Z" },
    manifest: { annotations: { "org.opencontainers.image.created": "2025-01-01T00:00:00Z" } }
  })
  const untagged = yield* pushImage(registry, { config: { os: "plan9" } })
  return { ...opened, newest, untagged }
})

describe("oci_list_tags", () => {
  it.live("reads each config once, however its time is used", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory({ defaultRepository: "app" }))
      const images = ["one", "two", "three"].map((name) => image(name))
      for (const [at, one] of images.entries()) yield* pushWhole(registry, "app", one, [`v${at}`])
      const read: Array<string> = []
      const counting: LayoutRegistry = {
        ...registry,
        getBlob: (repository, digest, options) => {
          read.push(digest)
          return registry.getBlob(repository, digest, options)
        }
      }
      const { call } = yield* session({ registry: counting })
      yield* call("oci_list_tags", { repository: "app", sort: "created", detail: true })
      assert.sameMembers(read, images.map(({ config }) => config.descriptor.digest))
    }))

  it.live("sorts by the time of creation, tells it, and takes a pattern", () =>
    Effect.gen(function*() {
      const { call, fails } = yield* dated
      const tags = (args: object) =>
        Effect.map(call("oci_list_tags", { repository: "app", ...args }), ({ tags }) => tags)
      const order = ["all", "pr-2", "noted", "pr-1", "v1", "pr-3", "pr-4"]
      assert.deepStrictEqual(yield* tags({ sort: "created" }), order)
      assert.deepStrictEqual(yield* tags({ sort: "created", limit: 2 }), order.slice(0, 2))
      assert.deepStrictEqual(yield* tags({ sort: "created", limit: 2, start_after: "pr-2" }), order.slice(2, 4))
      assert.deepStrictEqual(yield* tags({ sort: "created", match: "pr-*" }), ["pr-2", "pr-1", "pr-3", "pr-4"])
      assert.deepStrictEqual(yield* tags({ match: "pr-?", limit: 1 }), ["pr-1"])
      assert.deepStrictEqual(yield* tags({ match: "*-*", limit: 2 }), ["pr-1", "pr-2"])
      assert.deepStrictEqual(yield* tags({ match: "v." }), [])
      assert.match(
        yield* fails("oci_list_tags", { repository: "app", sort: "created", start_after: "x" }),
        /^INVALID_ARGUMENT: start_after: /u
      )
      const { details } = yield* call("oci_list_tags", { repository: "app", match: "pr-*", detail: true })
      const created = Array.isArray(details) ? details.map((one: { readonly created?: string }) => one.created) : []
      assert.deepStrictEqual(created, ["2024-03-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z", undefined, undefined])
    }))

  it.live("lists manifests without a tag", () =>
    Effect.gen(function*() {
      const { call, fails, untagged } = yield* dated
      const answer = yield* call("oci_list_tags", { repository: "app", untagged: true })
      assert.deepStrictEqual(answer["untagged"], [
        { digest: untagged.digest, mediaType: untagged.mediaType, size: untagged.size }
      ])
      assert.match(
        yield* fails("oci_list_tags", { repository: "app", untagged: true, match: "x" }),
        /^INVALID_ARGUMENT: untagged: /u
      )
    }))

  it.live("is followed by a look at one platform, and at the config", () =>
    Effect.gen(function*() {
      const { call, fails, newest } = yield* dated
      const asked = { ref: "app:all", platform: "linux/amd64" }
      assert.strictEqual((yield* call("oci_resolve", asked))["digest"], newest.digest)
      assert.strictEqual((yield* call("oci_inspect_image", asked))["config_digest"], newest.config.digest)
      assert.match(yield* fails("oci_resolve", { ...asked, platform: "linux/arm64" }), /^PLATFORM_UNKNOWN/u)
    }))

  it.live("lists names, and more with detail", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      const image = yield* pushImage(registry, { tags: ["1.0"] })
      const artifact = yield* pushImage(registry, {
        tags: ["sbom"],
        configType: "application/vnd.example",
        layers: ["s"]
      })
      const index = yield* pushIndex(registry, [image], ["all"])
      assert.deepStrictEqual(yield* call("oci_list_tags", { repository: "app" }), {
        repository: "app",
        tags: ["1.0", "all", "sbom"]
      })
      assert.deepStrictEqual(yield* call("oci_list_tags", { repository: "app", detail: true }), {
        repository: "app",
        tags: ["1.0", "all", "sbom"],
        details: [
          { tag: "1.0", digest: short(image.digest), kind: "image", size: image.size },
          { tag: "all", digest: short(index.digest), kind: "index", size: index.size },
          { tag: "sbom", digest: short(artifact.digest), kind: "artifact", size: artifact.size }
        ]
      })
      assert.deepStrictEqual(yield* call("oci_list_tags", { repository: "app", prefix: "a", limit: 1 }), {
        repository: "app",
        tags: ["all"]
      })
    }))

  it.live("cuts a page that no result could hold, and says where to go on", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      const tags = Array.from({ length: 400 }, (_, index) => `${String(index).padStart(4, "0")}-${"x".repeat(100)}`)
      const image = yield* pushImage(registry, { tags })
      for (const detail of [false, true]) {
        const seen: Array<unknown> = []
        let start: unknown
        do {
          const page: Record<string, unknown> = yield* call("oci_list_tags", {
            repository: "app",
            limit: 1000,
            detail,
            start_after: start ?? null
          })
          assert.isAtMost(JSON.stringify(page).length, 25_000)
          assert.isArray(page["tags"])
          seen.push(page["tags"])
          start = page["next_start_after"]
        } while (start !== undefined)
        assert.deepStrictEqual(seen.flat(), tags)
      }
      assert.match(image.digest, /^sha256:/u)
    }))

  it.live("names the repositories that are near", () =>
    Effect.gen(function*() {
      const { fails, registry } = yield* session()
      for (const repository of ["app/web", "app/api", "tools"]) yield* pushImage(registry, { repository, tags: ["1"] })
      assert.strictEqual(
        yield* fails("oci_list_tags", { repository: "app/wob" }),
        "NAME_UNKNOWN: no repository app/wob in the layout\nHint: Repositories: app/web, app/api, tools."
      )
    }))

  it.live("refuses a name that is none", () =>
    Effect.gen(function*() {
      const { fails } = yield* session()
      assert.include(
        yield* fails("oci_list_tags", { repository: "App" }),
        "repository: expected a repository name such as app/web"
      )
    }))
})

describe("oci_list_referrers", () => {
  it.live("finds what is attached, by type and by the page", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      const subject = yield* pushImage(registry, { tags: ["1.0"] })
      const attach = (artifactType: string, layer: string) =>
        pushImage(registry, {
          configType: "application/vnd.oci.empty.v1+json",
          config: {},
          layers: [layer],
          manifest: {
            artifactType,
            subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
            annotations: { note: "by\u200b the \u202ebuilder" }
          }
        })
      const sbom = yield* attach("application/spdx+json", "sbom")
      const signatures = [yield* attach("application/sig", "one"), yield* attach("application/sig", "two")]
      const all = yield* call("oci_list_referrers", { ref: "app:1.0" })
      const ordered = [sbom, ...signatures].map(({ digest }) => digest).toSorted()
      assert.deepStrictEqual(Object.keys(all), ["subject", "referrers"])
      assert.strictEqual(all["subject"], subject.digest)
      const only = yield* call("oci_list_referrers", { ref: "app:1.0", artifact_type: "application/spdx+json" })
      assert.deepStrictEqual(only["referrers"], [{
        mediaType: sbom.mediaType,
        digest: sbom.digest,
        size: sbom.size,
        artifact_type: "application/spdx+json",
        annotations: { note: "by the builder" }
      }])
      const first = yield* call("oci_list_referrers", { ref: `app@${short(subject.digest)}`, limit: 2 })
      assert.strictEqual(first["next_start_after"], ordered[1])
      const last = yield* call("oci_list_referrers", { ref: "app:1.0", start_after: ordered[1] })
      assert.include(JSON.stringify(last["referrers"]), String(ordered[2]))
      assert.notProperty(last, "next_start_after")
    }))

  it.live("answers an empty list for a subject that is not here, and an error for a tag that is not", () =>
    Effect.gen(function*() {
      const { call, fails, registry } = yield* session()
      yield* pushImage(registry, { tags: ["1.0"] })
      const digest = digestOf(Buffer.from("elsewhere"))
      assert.deepStrictEqual(yield* call("oci_list_referrers", { ref: `app@${digest}` }), {
        subject: digest,
        referrers: []
      })
      assert.match(
        yield* fails("oci_list_referrers", { ref: "app:2.0" }),
        /^MANIFEST_UNKNOWN: .*\nHint: Tags of app: 1\.0\.$/u
      )
    }))
})
