/** What a client is allowed and asked does not depend on how it speaks. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Stream } from "effect"
import { makeToolCatalog } from "../../src/mcp/catalog/toolCatalog.ts"
import { makeMemory } from "../../src/memory/index.ts"
import { client, combinations } from "./support/eras.ts"
import { bytesOf, digestOf, pushBlob, pushImage } from "./support/images.ts"
import { memoryFiles } from "./support/memoryFiles.ts"

const served = Effect.gen(function*() {
  const registry = yield* Effect.orDie(makeMemory({ defaultRepository: "app" }))
  const files = memoryFiles(["/files"])
  for (const path of ["/files/a/x", "/files/b/x"]) files.contents.set(path, bytesOf(path))
  const layouts = [{ id: "main", path: "/layouts/main", registry, perRepository: false }] as const
  return { registry, files, catalogue: makeToolCatalog({ layouts, mode: "delete", confirm: true, files }) }
})

describe.each(combinations)("a client of %s over %s", (era, transport) => {
  it.live("is limited to its roots, in all that it reads, writes and is told of", () =>
    Effect.gen(function*() {
      const { catalogue, files } = yield* served
      const roots = () => ({ roots: [{ uri: "file:///files/a" }, { uri: "file:///elsewhere" }] })
      const call = yield* client(catalogue, [era, transport], { "roots/list": roots })
      const texts = (name: string, args: object) => Effect.map(call(name, args), (result) => JSON.stringify(result))
      const ref = `app@${digestOf(bytesOf("/files/a/x"))}`
      assert.include(yield* texts("oci_push_blob", { repository: "app", path: "/files/a/x" }), ref.slice(4))
      assert.include(yield* texts("oci_push_blob", { repository: "app", path: "/files/b/x" }), "PATH_DENIED")
      assert.include(yield* texts("oci_export_blob", { ref, path: "/files/b/new" }), "PATH_DENIED")
      assert.include(yield* texts("oci_export_blob", { ref, path: "/elsewhere/new" }), "PATH_DENIED")
      assert.include(yield* texts("oci_list_layouts", {}), `"allowed_directories":["/files/a"]`)
      yield* call("oci_export_blob", { ref, path: "/files/a/new" })
      assert.sameMembers(Array.from(files.contents.keys()), ["/files/a/x", "/files/b/x", "/files/a/new"])
    }))

  it.live("of a server that only reads writes no file either", () =>
    Effect.gen(function*() {
      const { catalogue: { served: all }, files, registry } = yield* served
      const { digest } = yield* pushImage(registry, { tags: ["1"] })
      const call = yield* client(makeToolCatalog({ ...all, mode: "read" }), [era, transport], {})
      const exported = yield* call("oci_export_blob", { ref: `app@${digest}`, path: "/files/a/new" })
      assert.include(
        JSON.stringify(exported),
        "DENIED: oci_export_blob is denied: this server was started with --read-only"
      )
      assert.include(JSON.stringify(yield* call("oci_list_layouts", {})), `"allowed_directories":[]`)
      assert.sameMembers(Array.from(files.contents.keys()), ["/files/a/x", "/files/b/x"])
    }))

  it.live("that has no roots is limited by the server alone", () =>
    Effect.gen(function*() {
      const { catalogue } = yield* served
      const call = yield* client(catalogue, [era, transport], {})
      const pushed = yield* call("oci_push_blob", { repository: "app", path: "/files/b/x" })
      assert.isUndefined(pushed["isError"])
    }))

  it.live("that does not tell its roots gets no files", () =>
    Effect.gen(function*() {
      const { catalogue } = yield* served
      const call = yield* client(catalogue, [era, transport], { "roots/list": () => ({ roots: "all of them" }) })
      const pushed = yield* call("oci_push_blob", { repository: "app", path: "/files/a/x" })
      assert.include(JSON.stringify(pushed), "PATH_DENIED")
    }))

  it.live("is asked before what cannot be undone, and not obeyed without a yes", () =>
    Effect.gen(function*() {
      const { catalogue, registry } = yield* served
      const { digest } = yield* pushBlob(registry, "app", "unneeded")
      let answer: object = { action: "accept", content: { confirm: false } }
      let asked = 0
      const call = yield* client(catalogue, [era, transport], {
        "elicitation/create": () => {
          asked++
          return answer
        }
      })
      const deletion = { kind: "blob", ref: `app@${digest}` }
      assert.include(JSON.stringify(yield* call("oci_delete", deletion)), "DENIED")
      answer = { action: "accept", content: { confirm: true } }
      assert.include(JSON.stringify(yield* call("oci_delete", deletion)), `"deleted":true`)
      assert.strictEqual(asked, 2)
    }))

  it.live("is shown what a restored layout loses, asked, and obeyed with the token alone", () =>
    Effect.gen(function*() {
      const { catalogue, registry } = yield* served
      yield* pushImage(registry, { tags: ["1", "2"] })
      let answer: object = { action: "decline" }
      let asked = 0
      const call = yield* client(catalogue, [era, transport], {
        "elicitation/create": () => {
          asked++
          return answer
        }
      })
      const texts = (args: object) => Effect.map(call("oci_restore", args), (result) => JSON.stringify(result))
      const tags = Effect.map(Stream.runCollect(registry.tags("app")), (found) => Array.from(found))
      const shown = yield* texts({ to: "0" })
      const token = /"token":"([^"]+)"/u.exec(shown)?.[1]
      assert.isDefined(token, shown)
      assert.include(yield* texts({ to: "0", token: crypto.randomUUID() }), "INVALID_ARGUMENT")
      assert.strictEqual(asked, 0)
      assert.include(yield* texts({ to: "0", token }), "DENIED")
      assert.deepStrictEqual(yield* tags, ["1", "2"])
      answer = { action: "accept", content: { confirm: true } }
      assert.include(yield* texts({ to: "0", token }), `"done":true`)
      assert.strictEqual(asked, 2)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(tags)))
    }))
})
