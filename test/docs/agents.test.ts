/** `npx vitest run --project test test/docs --update` writes what is answered now into the page. */
import { assert, describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { serveWorld } from "../evals/play.ts"
import { buildWorld } from "../evals/world/build.ts"
import { lists } from "../mcp/support/budgets.ts"
import { temporaryFolder } from "../support/folders.ts"

const path = fileURLToPath(new URL("../../docs/agents.md", import.meta.url))
const page = readFileSync(path, "utf8")

const block = /```text\n(.*?)```/gsu
const call = /^> (oci_\w+) (\{.*\})$/u

/** An answer over several lines where it is long. */
const shown = (answer: { readonly [key: string]: unknown }): string => {
  const whole = JSON.stringify(answer)
  if (whole.length <= 110) return whole
  const fields = Object.entries(answer).map(([key, value]) => {
    const line = `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`
    if (line.length <= 120 || !Array.isArray(value)) return line
    return `  ${JSON.stringify(key)}: [\n${value.map((one) => `    ${JSON.stringify(one)}`).join(",\n")}\n  ]`
  })
  return `{\n${fields.join(",\n")}\n}`
}

/** The world has been made in 2024; what happens now has the time of now, and tokens are random. */
const steady = (text: string): string =>
  text.replaceAll(/20(?!24)\d\d-\d\d-\d\dT[\d:.]+Z/gu, "2026-11-25T20:15:00.000Z").replaceAll(tokens, token)

const tokens = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gu
const token = "0b6c1c7e-5d0a-4f6e-9d59-1f4f0d1c2a3b"

const played = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  yield* buildWorld(folder)
  const callTool = yield* serveWorld(folder, "write")
  const parts: Array<string> = []
  let end = 0
  let given = token
  for (const { 0: { length }, 1: text = "", index } of page.matchAll(block)) {
    const answers: Array<string> = []
    for (const line of text.split("\n")) {
      const [, name, args = "{}"] = call.exec(line) ?? []
      if (name === undefined) continue
      const { content, structuredContent } = yield* callTool(
        name,
        JSON.parse(args.replace(token, given)) as Record<string, unknown>
      )
      const answer = structuredContent === undefined
        ? content.map(({ text }) => text).join("\n")
        : shown(structuredContent)
      given = tokens.exec(answer)?.[0] ?? given
      tokens.lastIndex = 0
      answers.push(`> ${name} ${args}\n${steady(answer.replaceAll(folder, "/layouts"))}\n`)
    }
    parts.push(page.slice(end, index), `\`\`\`text\n${answers.join("\n")}\`\`\``)
    end = index + length
  }
  return [...parts, page.slice(end)].join("")
})

describe("the page for agents", () => {
  it("shows what tools answer", async () => {
    const now = await Effect.runPromise(Effect.scoped(played))
    await expect(now).toMatchFileSnapshot(path)
  })

  it("says what lists may cost", () => {
    assert.include(page, `less than ${lists.longest.toLocaleString("en")} tokens`)
    assert.include(page, `\`--read-only\` less than ${lists.read.toLocaleString("en")}`)
  })
})
