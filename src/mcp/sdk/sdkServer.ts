/** Translates between the MCP SDK 1.x and what requests mean, which is in modules that know no SDK. */
import { Server } from "@modelcontextprotocol/sdk/server/index.js"
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  type ListToolsResult,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema
} from "@modelcontextprotocol/sdk/types.js"
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/ajv"
import { Effect, FiberSet, Result, type Scope } from "effect"
import { instructionsFor } from "../catalog/instructions.ts"
import type { Refused } from "../catalog/Refused.ts"
import type { ToolCatalog } from "../catalog/toolCatalog.ts"
import { getPrompt, listPrompts } from "../prompts/getPrompt.ts"
import { type CallResult, callTool, isKnownTool, listTools, stoppedResult } from "../requests/callTool.ts"
import { complete } from "../requests/complete.ts"
import { readView, showsViews, viewOf } from "../resources/appView.ts"
import { listResources, readResource } from "../resources/readResource.ts"
import { templates } from "../resources/ResourceUri.ts"
import { makeSubscriptions } from "../resources/subscriptions.ts"
import type { Progress, ToolDefinition } from "../tool/Tool.ts"
import { asking, keepRoots } from "./askClient.ts"

export interface Running {
  /** One per connection: the SDK refuses a second transport on a connected one. */
  readonly server: Server
  /** Waits until no request is being worked on. */
  readonly idle: Effect.Effect<void>
}

/** Runs what a request means, until its client cancels it or the server ends. */
type Run = <A, E>(effect: Effect.Effect<A, E>, options: { readonly signal: AbortSignal }) => Promise<A>

/**
 * A server for one connection. When the scope closes, the calls that are running are interrupted, clean up, and are
 * answered `CANCELLED`; the connection is not closed by it.
 *
 * The low-level `Server`, because `McpServer` accepts no schemas but zod's, and answers an unknown tool as a failed
 * call.
 */
export const makeServer = Effect.fnUntraced(function*(
  catalogue: ToolCatalog,
  version: string
): Effect.fn.Return<Running, never, Scope.Scope> {
  const requests = yield* FiberSet.make()
  const run: Run = yield* FiberSet.runtimePromise(requests)()
  const prompts = listPrompts(catalogue).map((prompt) => ({ ...prompt, arguments: Array.from(prompt.arguments) }))

  // Capabilities are honest: no list ever changes while the process lives.
  const server = new Server(
    { name: "ocilayout", title: "OCI image layouts", version },
    {
      capabilities: {
        tools: {},
        resources: { subscribe: true },
        completions: {},
        ...(prompts.length === 0 ? {} : { prompts: {} })
      },
      instructions: instructionsFor(catalogue),
      jsonSchemaValidator
    }
  )
  handleTools(server, catalogue, run)
  yield* handleResources(server, catalogue, run)
  if (prompts.length > 0) {
    server.setRequestHandler(ListPromptsRequestSchema, ({ params }) => whole(params, { prompts }))
    server.setRequestHandler(GetPromptRequestSchema, async ({ params }, { signal }) => {
      const { arguments: given = {}, name } = params
      const { description, text } = await answered(run, getPrompt(catalogue, name, given), signal)
      return { description, messages: [{ role: "user", content: { type: "text", text } }] }
    })
  }
  server.setRequestHandler(CompleteRequestSchema, async ({ params }, { signal }) => {
    const { argument, context, ref } = params
    const of = ref.type === "ref/prompt" ? { prompt: ref.name } : { template: ref.uri }
    const request = { of, argument: argument.name, value: argument.value, given: context?.arguments ?? {} }
    const { values, ...rest } = await answered(run, complete(catalogue, request), signal)
    return { completion: { ...rest, values: Array.from(values) } }
  })
  return { server, idle: FiberSet.awaitEmpty(requests) }
})

const handleTools = (server: Server, catalogue: ToolCatalog, run: Run): void => {
  const list = { tools: listTools(catalogue).map(asTool) } satisfies ListToolsResult
  const withViews = {
    tools: list.tools.map((tool) => ({ ...tool, ...viewOf(catalogue.served, tool.name) }))
  } satisfies ListToolsResult
  server.setRequestHandler(
    ListToolsRequestSchema,
    ({ params }) => whole(params, showsViews(server.getClientCapabilities()) ? withViews : list)
  )
  const rootsFor = keepRoots(server)

  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const { _meta, sendNotification, signal } = extra
    const { arguments: args = {}, name } = params
    if (!isKnownTool(catalogue, name)) {
      throw new ProtocolError(ErrorCode.InvalidParams, `Unknown tool: ${name.slice(0, 100)}`)
    }
    const progressToken = _meta?.progressToken
    const sendProgress = progressToken === undefined ? undefined : (step: Progress): void => {
      // Not awaited: on stdio, sending waits for the reader. A message that cannot be sent is dropped.
      sendNotification({ method: "notifications/progress", params: { progressToken, ...step } }).catch(() => undefined)
    }
    try {
      const client = server.getClientVersion()?.name
      const ask = asking(server.getClientCapabilities(), extra)
      const request = { name, args, client, sendProgress, ask, roots: rootsFor(extra) }
      return asResult(await run(callTool(catalogue, request), { signal }))
    } catch (cause) {
      // The SDK answers nothing to a request that its client has cancelled; otherwise it is the server that ends.
      if (signal.aborted) throw cause
      return asResult(stoppedResult(name))
    }
  })
}

const handleResources = Effect.fnUntraced(function*(server: Server, catalogue: ToolCatalog, run: Run) {
  const resources = Array.from(listResources(catalogue.served))
  const resourceTemplates = templates
    .filter(({ needsLayers }) => needsLayers !== true || catalogue.served.inside !== undefined)
    .map(({ digests: _digests, needsLayers: _needsLayers, variables: _variables, ...template }) => template)
  const subscriptions = yield* makeSubscriptions(catalogue, (uri) =>
    // A client that has gone needs to be told nothing any more.
    Effect.promise(() => server.sendResourceUpdated({ uri }).catch(() => undefined)))

  server.setRequestHandler(ListResourcesRequestSchema, ({ params }) => whole(params, { resources }))
  server.setRequestHandler(ListResourceTemplatesRequestSchema, ({ params }) => whole(params, { resourceTemplates }))
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params: { uri } }, { signal }) => ({
    contents: [
      readView(catalogue.served, uri) ?? (await answered(run, readResource(catalogue, uri), signal, { uri }))
    ]
  }))
  server.setRequestHandler(SubscribeRequestSchema, async ({ params: { uri } }, { signal }) => {
    await answered(run, subscriptions.subscribe(uri), signal, { uri })
    return {}
  })
  server.setRequestHandler(UnsubscribeRequestSchema, async ({ params: { uri } }, { signal }) => {
    await answered(run, subscriptions.unsubscribe(uri), signal, { uri })
    return {}
  })
})

/** A list in one page: no cursor was ever given out, so any that comes is invalid. */
const whole = <A>(params: { readonly cursor?: string | undefined } | undefined, list: A): A => {
  if (params?.cursor === undefined) return list
  throw new ProtocolError(ErrorCode.InvalidParams, "Invalid cursor: this list has one page, and gives no cursor")
}

/** Shared: the newer era has a server for every request, and making one of these is a sixth of a short call. */
const jsonSchemaValidator = new AjvJsonSchemaValidator()

/** What the SDK answers as an error of the protocol, with its code. */
class ProtocolError extends Error {
  readonly code: number
  readonly data: Readonly<Record<string, string>> | undefined

  constructor(code: number, message: string, data?: Readonly<Record<string, string>>) {
    super(message)
    this.code = code
    this.data = data
  }
}

/** `unknown` is what the specification of 2025-11-25 calls "resource not found". */
const errorCodes = { unknown: -32002, invalid: ErrorCode.InvalidParams, failed: ErrorCode.InternalError } as const

/** @param about what the request was about, for programs */
const answered = async <A>(
  run: Run,
  effect: Effect.Effect<A, Refused>,
  signal: AbortSignal,
  about: Readonly<Record<string, string>> = {}
): Promise<A> => {
  const result = await run(Effect.result(effect), { signal })
  if (Result.isSuccess(result)) return result.success
  const { code, message, why } = result.failure
  throw new ProtocolError(errorCodes[why], message, { ...about, code })
}

/** The SDK's types know no `readonly` lists, although it changes none. */
const asTool = ({ inputSchema, outputSchema, ...tool }: ToolDefinition) => ({
  ...tool,
  inputSchema: asSchema(inputSchema),
  outputSchema: asSchema(outputSchema)
})

const asSchema = ({ required, ...schema }: ToolDefinition["inputSchema"]) =>
  required === undefined ? schema : { ...schema, required: Array.from(required) }

const asResult = ({ content, ...result }: CallResult) => ({ ...result, content: Array.from(content) })
