/** Serves the world, and plays the questions' ways through it. */
import { Effect, type Scope } from "effect"
import { makeInside } from "../../src/image/inside/openImage.ts"
import { makeToolCatalog } from "../../src/mcp/catalog/toolCatalog.ts"
import { callTool } from "../../src/mcp/requests/callTool.ts"
import type { Mode, ServedLayout } from "../../src/mcp/tool/ServerConfig.ts"
import { layerCodec, localFiles, makeDisk } from "../../src/node/index.ts"
import { tokensIn } from "../mcp/support/tokens.ts"
import type { Output } from "./answers.ts"
import type { Ask, Question } from "./Question.ts"
import { layoutIds } from "./world/build.ts"

/** What calls give back, whichever server carries them out. */
export type CallTool = (name: string, args: Readonly<Record<string, unknown>>) => Effect.Effect<{
  readonly content: ReadonlyArray<{ readonly type: string; readonly text?: string }>
  readonly structuredContent?: Output | undefined
}>

/** The dispatch of a server over the world in a folder, as `ocilayout mcp` makes it of the same layouts. */
export const serveWorld = Effect.fn("serveWorld")(
  function*(folder: string, mode: Mode): Effect.fn.Return<CallTool, never, Scope.Scope> {
    const open = (id: string) =>
      Effect.map(
        Effect.orDie(makeDisk({ directory: `${folder}/${id}`, defaultRepository: id })),
        (registry): ServedLayout => ({ id, path: `${folder}/${id}`, registry, perRepository: false })
      )
    const [first, ...others] = layoutIds
    const layouts = [yield* open(first), ...(yield* Effect.forEach(others, open))] as const
    const catalogue = makeToolCatalog({ layouts, mode, files: localFiles([]), inside: makeInside(layerCodec) })
    return (name, args) => callTool(catalogue, { name, args, client: "evals" })
  }
)

export interface Played {
  readonly answer: string
  readonly calls: number
  /** Of arguments and answers, as a model writes and reads them. */
  readonly tokens: number
}

/** @param folder where the world is: its name says nothing, and must not count */
export const play = Effect.fn("play")(function*(callTool: CallTool, folder: string, { id, play }: Question) {
  let calls = 0
  let tokens = 0
  const ask: Ask = (tool, args = {}) =>
    Effect.map(callTool(tool, args), ({ content, structuredContent }) => {
      const said = content.map(({ text = "" }) => text).join("\n").replaceAll(folder, "/layouts")
      calls++
      tokens += tokensIn(JSON.stringify({ name: tool, arguments: args })) + tokensIn(said)
      if (structuredContent === undefined) throw new Error(`${id}: ${tool} ${JSON.stringify(args)}: ${said}`)
      return structuredContent
    })
  const answer = yield* play(ask)
  const played: Played = { answer, calls, tokens }
  return played
})
