/** An MCP client connected, in memory, to a server over a registry in memory. */
import { assert } from "@effect/vitest"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js"
import { type CallToolResult, CallToolResultSchema, type ClientCapabilities } from "@modelcontextprotocol/sdk/types.js"
import { Effect, Result, type Scope } from "effect"
import { applyBundle, saveImages } from "../../../src/archive/index.ts"
import { makeInside } from "../../../src/image/inside/openImage.ts"
import { makeToolCatalog, selectTools } from "../../../src/mcp/catalog/toolCatalog.ts"
import { makeServer } from "../../../src/mcp/sdk/sdkServer.ts"
import type { Mode, ServedLayout } from "../../../src/mcp/tool/ServerConfig.ts"
import { makeMemory } from "../../../src/memory/index.ts"
import { layerCodec } from "../../../src/node/layers/layerCodec.ts"
import { folderTar } from "../../../src/node/making/folderTar.ts"
import { layerMaker } from "../../../src/node/making/layerMaker.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { type MemoryFiles, memoryFiles } from "./memoryFiles.ts"

export interface SessionOptions {
  readonly mode?: Mode
  readonly registry?: LayoutRegistry
  readonly perRepository?: boolean
  /** Further layouts, by id; the first one is called `main`. */
  readonly others?: Readonly<Record<string, LayoutRegistry>>
  readonly allowed?: ReadonlyArray<string>
  /** The only tools that are offered; otherwise all. */
  readonly tools?: ReadonlyArray<string>
  readonly confirm?: boolean
  /** Whether the server can look inside images. */
  readonly inside?: boolean
  /** What the client can do, and how it does it. */
  readonly capabilities?: ClientCapabilities
  readonly prepare?: (client: Client) => void
}

export interface Session {
  readonly client: Client
  readonly registry: LayoutRegistry
  readonly files: MemoryFiles
  readonly result: (name: string, args?: Record<string, unknown>) => Effect.Effect<CallToolResult>
  /** The structured output of a call that succeeds. */
  readonly call: (name: string, args?: Record<string, unknown>) => Effect.Effect<Record<string, unknown>>
  /** The text of a call that fails. */
  readonly fails: (name: string, args?: Record<string, unknown>) => Effect.Effect<string>
}

export const session = Effect.fn("session")(
  function*(options: SessionOptions = {}): Effect.fn.Return<Session, never, Scope.Scope> {
    const registry = options.registry ?? (yield* Effect.orDie(makeMemory({ defaultRepository: "app" })))
    const files = memoryFiles(options.allowed ?? ["/files"])
    const layoutOf = (id: string, registry: LayoutRegistry): ServedLayout => ({
      id,
      path: `/layouts/${id}`,
      registry,
      perRepository: options.perRepository ?? false
    })
    const all = makeToolCatalog({
      layouts: [
        layoutOf("main", registry),
        ...Object.entries(options.others ?? {}).map(([id, registry]) => layoutOf(id, registry))
      ],
      mode: options.mode ?? "delete",
      confirm: options.confirm ?? false,
      ...(options.inside === true
        ? {
          inside: makeInside(layerCodec),
          making: { maker: layerMaker, folderTar },
          archives: { take: applyBundle, make: saveImages }
        }
        : {}),
      files
    })
    const selection = { toolsets: [], tools: options.tools ?? [], excluded: [] }
    const { server } = yield* makeServer(Result.getOrThrow(selectTools(all, selection)), "0.0.0")
    const client = new Client({ name: "test", version: "0.0.0" }, { capabilities: options.capabilities ?? {} })
    options.prepare?.(client)
    const [near, far] = InMemoryTransport.createLinkedPair()
    yield* Effect.acquireRelease(
      Effect.promise(() => Promise.all([server.connect(far), client.connect(near)])),
      () => Effect.promise(() => client.close())
    )
    // From here on the client checks every output against the tool's schema.
    yield* Effect.promise(() => client.listTools())

    const result: Session["result"] = (name, args = {}) =>
      Effect.promise((signal) =>
        client.callTool({ name, arguments: args }, CallToolResultSchema, { signal }).then((answer) =>
          CallToolResultSchema.parse(answer)
        )
      )
    const call: Session["call"] = (name, args) =>
      Effect.map(result(name, args), (answer) => {
        assert.isUndefined(answer.isError, textOf(answer))
        assert.isDefined(answer.structuredContent)
        assert.deepStrictEqual(JSON.parse(textOf(answer)), answer.structuredContent)
        return answer.structuredContent ?? {}
      })
    const fails: Session["fails"] = (name, args) =>
      Effect.map(result(name, args), (answer) => {
        assert.isTrue(answer.isError, textOf(answer))
        assert.isUndefined(answer.structuredContent)
        const text = textOf(answer)
        assert.deepStrictEqual(answer._meta, { "dev.ocilayout/error": { code: text.slice(0, text.indexOf(":")) } })
        return text
      })
    return { client, registry, files, result, call, fails }
  }
)

const textOf = ({ content }: CallToolResult): string =>
  content.map((part) => part.type === "text" ? part.text : `<${part.type}>`).join("\n")
