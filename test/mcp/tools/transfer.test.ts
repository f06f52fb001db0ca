/** Images from and to registries, as far as the server may reach them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeToolCatalog } from "../../../src/mcp/catalog/toolCatalog.ts"
import { callTool } from "../../../src/mcp/requests/callTool.ts"
import { makeMemory } from "../../../src/memory/index.ts"
import { makeDisk } from "../../../src/node/index.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { inMemory } from "../../http/support/serving.ts"
import { remoteAt, withClient } from "../../remote/support/remotes.ts"
import { image, pushImage } from "../../support/images.ts"
import { amd64, arm64, digestOf, written } from "../../support/platformEntries.ts"
import { memoryFiles } from "../support/memoryFiles.ts"

const one = image("one")
const other = image("other")

const worldOf = Effect.fnUntraced(function*(local: LayoutRegistry) {
  const served = yield* inMemory()
  yield* pushImage(served.registry, "team/app", one, ["v1"])
  const remote = yield* remoteAt(served)
  const { host } = new URL(served.url)
  const asked: Array<string> = []
  const catalogue = makeToolCatalog({
    layouts: [{ id: "main", registry: local, perRepository: false }],
    mode: "write",
    files: memoryFiles([]),
    registries: {
      hosts: [host],
      open: (name) =>
        Effect.sync(() => {
          asked.push(name)
          return remote
        })
    }
  })
  const call = (name: string, args: Record<string, unknown>) =>
    Effect.map(
      callTool(catalogue, { name, args }),
      (result) => ({ text: JSON.stringify(result), isError: result.isError === true })
    )
  return { served, local, host, asked, call }
})

const world = Effect.flatMap(makeMemory(), worldOf)

describe("oci_pull and oci_push", () => {
  it.live("bring an image here and there", () =>
    withClient(Effect.gen(function*() {
      const { call, host, local, served } = yield* world
      const pulled = yield* call("oci_pull", { from: `${host}/team/app:v1` })
      assert.isFalse(pulled.isError, pulled.text)
      assert.strictEqual((yield* local.resolveTag("team/app", "v1")).digest, one.descriptor.digest)
      yield* pushImage(local, "team/app", other, ["v2"])
      const pushed = yield* call("oci_push", { ref: "team/app:v2", to: `${host}/mirror/app:v2` })
      assert.isFalse(pushed.isError, pushed.text)
      assert.strictEqual((yield* served.registry.resolveTag("mirror/app", "v2")).digest, other.descriptor.digest)
      const refused = yield* call("oci_push", { ref: "team/app:v1", to: `${host}/mirror/app:v2` })
      assert.include(refused.text, "TAG_EXISTS")
      const moved = yield* call("oci_push", { ref: "team/app:v1", to: `${host}/mirror/app:v2`, move: true })
      assert.isFalse(moved.isError, moved.text)
    })))

  it.live("say which entries of one name they leave behind", () =>
    withClient(Effect.gen(function*() {
      const { call, host, served } = yield* worldOf(yield* makeDisk({ directory: yield* written(true) }))
      const to = `${host}/mirror/app:v2`
      const pushed = yield* call("oci_push", { ref: "app:v1", to })
      assert.include(pushed.text, `${digestOf(arm64)} (linux/arm64)`)
      assert.strictEqual((yield* served.registry.resolveTag("mirror/app", "v2")).digest, digestOf(amd64))
      const chosen = yield* call("oci_push", { ref: "app:v1", to, platform: "linux/arm64", move: true })
      assert.notInclude(chosen.text, "others")
      assert.strictEqual((yield* served.registry.resolveTag("mirror/app", "v2")).digest, digestOf(arm64))
    })))

  it.live("reach no other registry", () =>
    withClient(Effect.gen(function*() {
      const { asked, call } = yield* world
      for (const from of ["169.254.169.254/latest", "localhost/app", "alpine", "example.com/app:v1"]) {
        const { isError, text } = yield* call("oci_pull", { from })
        assert.isTrue(isError)
        assert.include(text, "DENIED", from)
      }
      for (const from of ["http://127.0.0.1/app", "", "oci:/etc", "example.com/"]) {
        const { text } = yield* call("oci_pull", { from })
        assert.include(text, "INVALID_ARGUMENT", from)
      }
      assert.deepStrictEqual(asked, [])
    })))
})
