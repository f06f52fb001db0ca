/** The results of MCP tools in the chat of an agent, in a real browser, where there is one. */
import { assert, describe, it } from "@effect/vitest"
import axe from "axe-core"
import { Effect } from "effect"
import { join } from "node:path"
import { makeInside } from "../../src/image/inside/openImage.ts"
import { makeToolCatalog } from "../../src/mcp/catalog/toolCatalog.ts"
import { callTool } from "../../src/mcp/requests/callTool.ts"
import { layerCodec, makeDisk } from "../../src/node/index.ts"
import { buildWorld } from "../evals/world/build.ts"
import { memoryFiles } from "../mcp/support/memoryFiles.ts"
import { temporaryFolder } from "../support/folders.ts"
import { browser, noBrowser } from "./support/browser.ts"
import { builtChat } from "./support/built.ts"

/** What hosts have to let a view do that asks for no more (the specification's restrictive default). */
const policy = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; media-src 'self' data:; connect-src 'none'"

const calls = [
  ["oci_inspect_image", { ref: "store/db:2", history: true }, "COPY fixtures /srv/fixtures # buildkit"],
  ["oci_diff", { ref: "store/db:1", other: "store/db:2" }, "/srv/fixtures/rows.csv"],
  ["oci_gc", {}, "What stays, and why"],
  ["oci_history", {}, "revision 2"]
] as const

/** A host: it shakes hands, hands the result over, and keeps what the view has said. */
const hostOf = (document: string, result: unknown): string =>
  `<!doctype html><title>host</title><iframe title="result" style="width:720px;height:560px;border:0"></iframe><script>
    const said = []
    const frame = document.querySelector("iframe")
    addEventListener("message", ({ data, source }) => {
      if (source !== frame.contentWindow) return
      said.push(data.method)
      const send = (message) => frame.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*")
      if (data.method === "ui/initialize") {
        send({ id: data.id, result: { protocolVersion: "2026-01-26", hostContext: { theme: "dark" } } })
      }
      if (data.method === "ui/notifications/initialized") {
        send({ method: "ui/notifications/tool-input", params: { arguments: {} } })
        send({ method: "ui/notifications/tool-result", params: ${JSON.stringify(result).replaceAll("<", "\\u003c")} })
      }
    })
    frame.srcdoc = ${JSON.stringify(document).replaceAll("<", "\\u003c")}
  </script>`

const withPolicy = (document: string): string =>
  document.replace("<head>", `<head><meta http-equiv="Content-Security-Policy" content="${policy}">`)

describe("a result in a chat", () => {
  it("is a document that carries all it needs, and names nothing elsewhere", async () => {
    const document = await builtChat()
    assert.isBelow(document.length, 150 * 1024)
    assert.notMatch(document.slice(0, document.indexOf("<script")), /\s(?:src|href)=|url\(/u)
    assert.strictEqual(document.split("</script").length, 2)
  })

  it.live(
    noBrowser === undefined ? "is a picture of it" : `is a picture of it (skipped: ${noBrowser})`,
    ({ skip }) =>
      Effect.gen(function*() {
        skip(noBrowser !== undefined, noBrowser)
        const folder = yield* temporaryFolder
        yield* buildWorld(folder)
        const registry = yield* makeDisk({ directory: join(folder, "apps"), durability: "none" })
        const catalogue = makeToolCatalog({
          layouts: [{ id: "apps", registry, perRepository: false }],
          mode: "read",
          inside: makeInside(layerCodec),
          files: memoryFiles([])
        })
        const document = withPolicy(yield* Effect.promise(builtChat))
        const from = yield* browser
        for (const [name, args, shows] of calls) {
          const result = yield* callTool(catalogue, { name, args, client: "test", roots: Effect.succeed(undefined) })
          yield* Effect.promise(async () => {
            const page = await from.newPage({ reducedMotion: "reduce" })
            const complaints: Array<string> = []
            page.on("pageerror", ({ message }) => complaints.push(message))
            page.on("console", (message) => complaints.push(message.text()))
            await page.setContent(hostOf(document, result))
            const frame = page.frames().find((one) => one.parentFrame() !== null)
            await frame?.getByText(shows).first().waitFor()
            assert.strictEqual(await frame?.evaluate("document.documentElement.dataset.theme"), "dark", name)
            assert.strictEqual(await frame?.locator("a").count(), 0, name)
            await frame?.evaluate(axe.source)
            const found: unknown = await frame?.evaluate(
              `axe.run(document, { resultTypes: ["violations"], rules: { "page-has-heading-one": { enabled: false } } })
              .then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + " " + html)))`
            )
            assert.deepStrictEqual([found, complaints], [[], []], name)
            const said: ReadonlyArray<string> = await page.evaluate("said")
            assert.includeMembers(Array.from(said), [
              "ui/initialize",
              "ui/notifications/initialized",
              "ui/notifications/size-changed"
            ])
            await page.close()
          })
        }
      })
  )
})
