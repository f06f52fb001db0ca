/** Every layout that a real tool wrote, and every broken one, as an agent sees it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, readdirSync } from "node:fs"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import { makeToolCatalog } from "../../src/mcp/catalog/toolCatalog.ts"
import { type CallResult, callTool } from "../../src/mcp/requests/callTool.ts"
import { makeDisk } from "../../src/node/index.ts"
import { isRepository } from "../../src/oci/Reference.ts"
import { memoryFiles } from "./support/memoryFiles.ts"

const root = fileURLToPath(new URL("../fixtures/layouts", import.meta.url))

const layouts = [root, join(root, "hand")].flatMap((folder) =>
  readdirSync(folder).map((name) => join(folder, name)).filter((path) =>
    existsSync(join(path, "index.json")) || existsSync(join(path, "oci-layout"))
  )
)

/** The strings of a list in an answer. */
const listed = ({ structuredContent }: CallResult, name: string): ReadonlyArray<string> => {
  const list = structuredContent?.[name]
  return Array.isArray(list) ? list.filter((item) => typeof item === "string") : []
}

const serve = Effect.fnUntraced(function*(directory: string) {
  const name = basename(directory)
  const defaultRepository = isRepository(name) ? name : undefined
  const registry = yield* Effect.orDie(makeDisk({ directory, defaultRepository }))
  const catalogue = makeToolCatalog({
    layouts: [{ id: name, path: directory, registry, perRepository: false }],
    mode: "read",
    files: memoryFiles([])
  })
  return (tool: string, args: Record<string, unknown>) =>
    Effect.map(callTool(catalogue, { name: tool, args }), (result) => {
      const [{ text } = { text: "" }] = result.content
      assert.isAtMost(text.length, 25_000)
      assert.notMatch(text, /^(?:INTERNAL|INVALID_ARGUMENT)/u, `${tool} ${JSON.stringify(args)}`)
      return result
    })
})

describe("the layouts of other tools", () => {
  for (const directory of layouts) {
    it.live(`${basename(directory)} can be looked at`, () =>
      Effect.gen(function*() {
        const before = readdirSync(directory, { recursive: true })
        const call = yield* serve(directory)
        yield* call("oci_list_layouts", {})
        for (const repository of listed(yield* call("oci_list_repositories", {}), "repositories")) {
          for (const tag of listed(yield* call("oci_list_tags", { repository, detail: true }), "tags")) {
            const ref = `${repository}:${tag}`
            yield* call("oci_resolve", { ref })
            for (const format of ["summary", "json", "raw"]) yield* call("oci_get_manifest", { ref, format })
            yield* call("oci_inspect_image", { ref, history: true })
            yield* call("oci_list_referrers", { ref })
            yield* call("oci_read_blob", { ref })
          }
        }
        assert.deepStrictEqual(readdirSync(directory, { recursive: true }), before)
      }))
  }
})
