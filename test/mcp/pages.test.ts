/** What the answers of a large layout cost where the caller has not said how much to return. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeToolCatalog } from "../../src/mcp/catalog/toolCatalog.ts"
import { callTool } from "../../src/mcp/requests/callTool.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { entryOf, foreignLayout, image, pushImage, pushManifest, referrerOf } from "../support/images.ts"
import { memoryFiles } from "./support/memoryFiles.ts"
import { tokensIn } from "./support/tokens.ts"

/** A page that a model reads without losing sight of what it is about. */
const page = 2_500

/** A hundred and twenty tagged images, a layer missing from each, and as many signatures of one more image. */
const large = Effect.gen(function*() {
  const { add, registry, store } = foreignLayout("app")
  const subject = image("signed")
  yield* pushImage(registry, "app", subject, ["signed"])
  for (let place = 0; place < 120; place++) {
    const broken = image(`broken ${place}`)
    yield* store(broken, broken.config)
    yield* add(entryOf(broken, `app:build-2024-04-${place}`))
    yield* pushImage(registry, "app", referrerOf(subject, `signature ${place}`))
  }
  // The history of one tag that has moved as often.
  for (let place = 0; place < 120; place++) {
    yield* pushManifest(registry, "app", referrerOf(subject, `signature ${place}`), ["nightly"])
  }
  return registry
})

const cases: ReadonlyArray<readonly [tool: string, args: Readonly<Record<string, unknown>>]> = [
  ["oci_list_repositories", {}],
  ["oci_list_tags", { repository: "app" }],
  ["oci_list_referrers", { ref: "app:signed" }],
  ["oci_inspect_image", { ref: "app:signed" }],
  ["oci_history", {}],
  ["oci_verify", {}],
  ["oci_repair", {}],
  ["oci_gc", { untagged: true }]
]

describe("an answer about a large layout", () => {
  it.live(`costs at most ${page} tokens by default`, ({ annotate }) =>
    Effect.gen(function*() {
      const call = callsOf(yield* large)
      const spent = yield* Effect.forEach(cases, ([name, args]) =>
        Effect.map(callTool(call, { name, args }), ({ content, structuredContent }) => {
          const text = content[0]?.text ?? ""
          assert.isDefined(structuredContent, text)
          return { name, args, tokens: tokensIn(text) }
        }))
      const said = spent.map(({ args, name, tokens }) =>
        `${name} ${JSON.stringify(args)}: ${tokens}`
      )
      yield* Effect.promise(() => annotate(said.join("\n")))
      assert.deepStrictEqual(spent.filter(({ tokens }) => tokens > page), [])
    }))
})

const callsOf = (registry: LayoutRegistry) =>
  makeToolCatalog({
    layouts: [{ id: "large", path: "/layouts/large", registry, perRepository: false }],
    mode: "write",
    files: memoryFiles([])
  })
