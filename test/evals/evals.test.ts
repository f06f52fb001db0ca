/** Plays the shortest known way to each answer, and holds it to the answer, the calls and the tokens. */
import { assert, describe, expect, it, layer } from "@effect/vitest"
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js"
import { Context, Effect, Layer } from "effect"
import { fileURLToPath } from "node:url"
import { connectClient } from "../cli/support/server.ts"
import { listing, temporaryFolder } from "../support/folders.ts"
import { type CallTool, play, type Played, serveWorld } from "./play.ts"
import { asXml, questions } from "./questions.ts"
import { argumentsFor, buildWorld } from "./world/build.ts"

/** Built once; no way changes it. */
class World extends Context.Service<World, { readonly folder: string; readonly callTool: CallTool }>()("evals/World") {
  static readonly layer = Layer.effect(
    World,
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      yield* buildWorld(folder)
      return { folder, callTool: yield* serveWorld(folder, "write") }
    })
  )
}

const matchesFile = (text: string, name: string): Promise<void> =>
  expect(text).toMatchFileSnapshot(fileURLToPath(new URL(name, import.meta.url)), name)

describe("the questions", () => {
  it("are thirty-five, each with a name of its own, and stand in questions.xml", async () => {
    assert.lengthOf(questions, 35)
    assert.strictEqual(new Set(questions.map(({ id }) => id)).size, 35)
    await matchesFile(asXml(), "questions.xml")
  })
})

layer(World.layer, { excludeTestServices: true })("an agent that knows the way answers", (it) => {
  const played = new Map<string, Played>()

  for (const question of questions) {
    it.effect(`${question.id} with ${question.calls} calls`, () =>
      Effect.gen(function*() {
        const { callTool, folder } = yield* World
        const { answer, calls, tokens } = yield* play(callTool, folder, question)
        played.set(question.id, { answer, calls, tokens })
        assert.strictEqual(answer, question.answer)
        assert.strictEqual(calls, question.calls, "the number of calls")
        assert.isAtMost(tokens, question.tokens, `it cost ${tokens} tokens`)
        assert.isAtLeast(tokens, question.tokens * 0.8, `it cost only ${tokens} tokens: lower the budget`)
      }))
  }

  it.effect("all of them within what they may cost together", ({ annotate }) =>
    Effect.gen(function*() {
      assert.strictEqual(played.size, questions.length)
      const sum = (field: "calls" | "tokens") =>
        Array.from(played.values()).reduce((total, one) => total + one[field], 0)
      const table = Array.from(played, ([id, { calls, tokens }]) => `${id}: ${calls} calls, ${tokens} tokens`)
      const said = [`${sum("calls")} calls, ${sum("tokens")} tokens`, ...table].join("\n")
      yield* Effect.promise(() => annotate(said))
      assert.isAtMost(sum("tokens"), 17_000, said)
    }))

  it.effect("and changes nothing on the way", () =>
    Effect.gen(function*() {
      const { callTool, folder } = yield* World
      const before = listing(folder)
      for (const question of questions) yield* play(callTool, folder, question)
      assert.deepStrictEqual(listing(folder), before)
    }))

  it.effect("the same on a server process", () =>
    Effect.gen(function*() {
      const { folder } = yield* World
      const client = yield* connectClient(["mcp", "--create", ...argumentsFor(folder)])
      const callTool: CallTool = (name, args) =>
        Effect.promise(() =>
          client.callTool({ name, arguments: args }).then((answer) => CallToolResultSchema.parse(answer))
        )
      for (const question of questions.filter(({ id }) => ["drift", "incident", "unnamed"].includes(id))) {
        assert.strictEqual((yield* play(callTool, folder, question)).answer, question.answer)
      }
    }))
})
