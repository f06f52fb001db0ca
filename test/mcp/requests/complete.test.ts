import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { makeToolCatalog } from "../../../src/mcp/catalog/toolCatalog.ts"
import { complete, type CompletionRequest } from "../../../src/mcp/requests/complete.ts"
import { templates } from "../../../src/mcp/resources/ResourceUri.ts"
import { makeMemory, makeMemoryTree } from "../../../src/memory/index.ts"
import { StorageError } from "../../../src/oci/OciError.ts"
import { Repository } from "../../../src/oci/Reference.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { pushBlob, pushImage } from "../support/images.ts"
import { memoryFiles } from "../support/memoryFiles.ts"
import { session } from "../support/session.ts"

const catalogueWith = (layouts: Readonly<Record<string, LayoutRegistry>>, perRepository = false) => {
  const [first, ...others] = Object.entries(layouts).map(([id, registry]) => ({
    id,
    path: `/${id}`,
    registry,
    perRepository
  }))
  if (first === undefined) throw new Error("no layout")
  return makeToolCatalog({ layouts: [first, ...others], mode: "delete", files: memoryFiles(["/files"]) })
}

const templateOf = (name: string): string => {
  const template = templates.find((one) => one.name === name)
  assert.isDefined(template)
  return template?.uriTemplate ?? ""
}

/** Completes what a person types into one variable of a template, or one argument of a prompt. */
const completing = (layouts: Readonly<Record<string, LayoutRegistry>>, perRepository = false) => {
  const catalogue = catalogueWith(layouts, perRepository)
  const ask = (of: CompletionRequest["of"], argument: string, value: string, given: CompletionRequest["given"] = {}) =>
    complete(catalogue, { of, argument, value, given })
  return {
    variable: (template: string, argument: string, value: string, given?: CompletionRequest["given"]) =>
      ask({ template: templateOf(template) }, argument, value, given),
    argument: (prompt: string, argument: string, value: string, given?: CompletionRequest["given"]) =>
      ask({ prompt }, argument, value, given),
    ask
  }
}

const filled = Effect.gen(function*() {
  const registry = yield* Effect.orDie(makeMemory())
  const image = yield* pushImage(registry, { repository: "team/app", tags: ["1.0", "1.1", "2.0"] })
  yield* pushImage(registry, { repository: "app", tags: ["latest"] })
  yield* pushImage(registry, { repository: "web", tags: ["x"] })
  return { registry, image }
})

describe("a completion", () => {
  it.effect("of a layout is one of those there are", () =>
    Effect.gen(function*() {
      const { registry } = yield* filled
      const { argument, variable } = completing({ main: registry, mirror: registry, other: registry })
      assert.deepStrictEqual(yield* variable("tags", "layout", ""), {
        values: ["main", "mirror", "other"],
        total: 3,
        hasMore: false
      })
      assert.deepStrictEqual((yield* variable("blob", "layout", "IR")).values, ["mirror"])
      assert.deepStrictEqual((yield* argument("check_layout", "layout", "m")).values, ["main", "mirror"])
    }))

  it.effect("of a repository begins with what was typed, or has it somewhere", () =>
    Effect.gen(function*() {
      const { registry } = yield* filled
      const { variable } = completing({ main: registry })
      assert.deepStrictEqual((yield* variable("tags", "repository", "")).values, ["app", "team/app", "web"])
      assert.deepStrictEqual((yield* variable("tags", "repository", "ap")).values, ["app", "team/app"])
      assert.deepStrictEqual((yield* variable("tags", "repository", "none")).values, [])
    }))

  it.effect("of a reference is a tag, and of a digest what the template takes", () =>
    Effect.gen(function*() {
      const { image, registry } = yield* filled
      const { variable } = completing({ main: registry })
      const given = { repository: "team/app" }
      assert.deepStrictEqual((yield* variable("manifest", "reference", "1", given)).values, ["1.0", "1.1"])
      assert.deepStrictEqual((yield* variable("manifest", "reference", "1")).values, [])
      for (const typed of ["", "sha", image.digest.slice(0, 20), image.digest.slice(7, 20)]) {
        assert.deepStrictEqual((yield* variable("referrers", "digest", typed, given)).values, [image.digest], typed)
      }
      const blobs = (yield* variable("blob", "digest", "", given)).values
      for (const { digest } of [image.config, ...image.layers]) assert.include(blobs, digest)
      assert.deepStrictEqual((yield* variable("blob", "digest", image.config.digest.slice(0, 30), given)).values, [
        image.config.digest
      ])
    }))

  it.effect("of a whole reference goes from the repository to its tags or digests", () =>
    Effect.gen(function*() {
      const { image, registry } = yield* filled
      const { argument } = completing({ main: registry })
      const ref = (value: string) => Effect.map(argument("inspect_image", "ref", value), ({ values }) => values)
      assert.deepStrictEqual(yield* ref(""), ["app", "team/app", "web"])
      assert.deepStrictEqual(yield* ref("team"), ["team/app:1.0", "team/app:1.1", "team/app:2.0"])
      assert.deepStrictEqual(yield* ref("team/app:1"), ["team/app:1.0", "team/app:1.1"])
      assert.deepStrictEqual(yield* ref("team/app@"), [`team/app@${image.digest}`])
      assert.deepStrictEqual(yield* ref(`team/app@${image.digest.slice(7, 12)}`), [`team/app@${image.digest}`])
    }))

  it.effect("of a path is nothing, and of an artifact type what is usual", () =>
    Effect.gen(function*() {
      const { registry } = yield* filled
      const { argument } = completing({ main: registry })
      assert.deepStrictEqual((yield* argument("attach_artifact", "path", "/")).values, [])
      assert.deepStrictEqual((yield* argument("attach_artifact", "artifact_type", "spdx")).values, [
        "application/spdx+json"
      ])
    }))

  it.effect("looks in the layout that is named already", () =>
    Effect.gen(function*() {
      const { registry } = yield* filled
      const other = yield* Effect.orDie(makeMemory())
      yield* pushImage(other, { repository: "only/here", tags: ["9"] })
      const { argument, variable } = completing({ main: registry, other })
      assert.deepStrictEqual((yield* variable("tags", "repository", "", { layout: "other" })).values, ["only/here"])
      assert.deepStrictEqual((yield* variable("tags", "repository", "", { layout: "none" })).values, [])
      assert.deepStrictEqual((yield* argument("inspect_image", "ref", "", { layout: "other" })).values, ["only/here:9"])
    }))

  it.effect("in a tree of layouts finds what each repository has", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemoryTree
      const image = yield* pushImage(registry, { repository: "team/app", tags: ["1"] })
      const web = yield* pushBlob(registry, "web", "only in web")
      const { variable } = completing({ main: registry }, true)
      assert.include((yield* variable("tags", "repository", "te")).values, "team/app")
      const blobs = (yield* variable("blob", "digest", "", { repository: "team/app" })).values
      assert.include(blobs, image.config.digest)
      assert.notInclude(blobs, web.digest)
    }))

  it.effect("answers a hundred values at most, and says when there are more", () =>
    Effect.gen(function*() {
      const { registry } = yield* filled
      const names = Array.from({ length: 10_001 }, (_, at) => Repository.make(`r${String(at).padStart(5, "0")}`))
      const many = (count: number) =>
        completing({ main: { ...registry, repositories: () => Stream.fromIterable(names.slice(0, count)) } })
      const some = yield* many(101).variable("tags", "repository", "r")
      assert.deepInclude(some, { total: 101, hasMore: true })
      assert.lengthOf(some.values, 100)
      assert.deepInclude(yield* many(100).variable("tags", "repository", "r"), { total: 100, hasMore: false })
      const all = yield* many(10_001).variable("tags", "repository", "r00001")
      assert.deepStrictEqual(all, { values: ["r00001"], hasMore: true }, "nobody has looked at the rest")
    }))

  it.effect("of something that is no name is nothing", () =>
    Effect.gen(function*() {
      const { registry } = yield* filled
      const { argument, variable } = completing({ main: registry })
      const hostile = ["../..", "%2e%2e%2f", "\u0000", "\ud800", "App", "a".repeat(100_000), "__proto__", "(", "a:b@c"]
      for (const value of hostile) {
        const name = value.slice(0, 20)
        const given = { repository: value }
        assert.deepStrictEqual((yield* variable("tags", "repository", value)).values, [], name)
        assert.deepStrictEqual(
          (yield* variable("manifest", "reference", value, { repository: "app" })).values,
          [],
          name
        )
        assert.deepStrictEqual((yield* variable("blob", "digest", value, { repository: "app" })).values, [], name)
        assert.deepStrictEqual((yield* variable("manifest", "reference", "", given)).values, [], name)
        assert.deepStrictEqual((yield* argument("inspect_image", "ref", `${value}:`)).values, [], name)
        assert.deepStrictEqual((yield* argument("inspect_image", "ref", `app:${value}`)).values, [], name)
        assert.deepStrictEqual((yield* argument("inspect_image", "ref", `app@${value}`)).values, [], name)
        assert.deepStrictEqual((yield* variable("tags", "repository", "", { layout: value })).values, [], name)
      }
    }))

  it.effect("is refused for what is not offered, and where the layout cannot be read", () =>
    Effect.gen(function*() {
      const { registry } = yield* filled
      const { argument, ask } = completing({ main: registry })
      const wrong = [
        ask({ template: "oci-layout://main/{+repository}/tags" }, "repository", ""),
        ask({ template: templateOf("tags") }, "digest", ""),
        argument("none", "ref", ""),
        argument("inspect_image", "reference", ""),
        argument("inspect_image", "layout", "")
      ]
      for (const one of wrong) assert.strictEqual((yield* Effect.flip(one)).why, "invalid")
      const broken = new StorageError({ operation: "read", path: "index.json", kind: "device", cause: new Error("x") })
      const { variable } = completing({ main: { ...registry, repositories: () => Stream.fail(broken) } })
      assert.strictEqual((yield* Effect.flip(variable("tags", "repository", ""))).why, "failed")
    }))
})

describe("a client", () => {
  it.live("completes with what it has chosen already", () =>
    Effect.gen(function*() {
      const { client, registry } = yield* session()
      yield* pushImage(registry, { repository: "team/app", tags: ["1.0", "2.0"] })
      assert.deepStrictEqual(client.getServerCapabilities()?.completions, {})
      const { completion } = yield* Effect.promise(() =>
        client.complete({
          ref: { type: "ref/resource", uri: templateOf("manifest") },
          argument: { name: "reference", value: "2" },
          context: { arguments: { layout: "main", repository: "team/app" } }
        })
      )
      assert.deepStrictEqual(completion, { values: ["2.0"], total: 1, hasMore: false })
      const prompt = yield* Effect.promise(() =>
        client.complete({
          ref: { type: "ref/prompt", name: "inspect_image" },
          argument: { name: "ref", value: "team" }
        })
      )
      assert.deepStrictEqual(prompt.completion.values, ["team/app:1.0", "team/app:2.0"])
      const { cause } = yield* Effect.flip(
        Effect.tryPromise(() =>
          client.complete({ ref: { type: "ref/prompt", name: "none" }, argument: { name: "ref", value: "" } })
        )
      )
      assert.deepInclude(cause, { code: -32602 })
    }))
})
