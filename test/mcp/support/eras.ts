/** One server, asked in both eras of the protocol and over both transports, by a client that answers questions. */
import { Effect, Fiber, Queue, Schema, type Scope } from "effect"
import { request } from "node:http"
import { PassThrough } from "node:stream"
import type { ToolCatalog } from "../../../src/mcp/catalog/toolCatalog.ts"
import { serveHttp } from "../../../src/mcp/sdk/http/serveHttp.ts"
import { serveStdio } from "../../../src/mcp/sdk/stdio.ts"

const Message = Schema.Struct({
  id: Schema.optionalKey(Schema.Unknown),
  method: Schema.optionalKey(Schema.String),
  result: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
})
type Message = typeof Message.Type

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Message))

/** What a client answers to each method that a server may ask it. */
export type Answers = Readonly<Record<string, () => object>>

/** Sends a message, and gives what comes back for it until its answer. */
interface Channel {
  readonly send: (message: object, headers: Readonly<Record<string, string>>) => Effect.Effect<void>
  readonly next: Effect.Effect<Message>
}

export type Transport = "stdio" | "http"
export type Era = "2025-11-25" | "2026-07-28"

export const combinations: ReadonlyArray<readonly [Era, Transport]> = [
  ["2025-11-25", "stdio"],
  ["2026-07-28", "stdio"],
  ["2025-11-25", "http"],
  ["2026-07-28", "http"]
]

const overStdio = Effect.fnUntraced(function*(catalogue: ToolCatalog): Effect.fn.Return<Channel, never, Scope.Scope> {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const messages = yield* Queue.unbounded<Message>()
  let text = ""
  output.on("data", (chunk) => {
    const lines = `${text}${String(chunk)}`.split("\n")
    text = lines.pop() ?? ""
    for (const line of lines) Queue.offerUnsafe(messages, decode(line))
  })
  const serving = yield* Effect.forkChild(serveStdio(catalogue, "0.0.0", { input, output }))
  yield* Effect.addFinalizer(() => Effect.andThen(Effect.sync(() => input.end()), Fiber.await(serving)))
  return {
    send: (message) => Effect.sync(() => void input.write(`${JSON.stringify(message)}\n`)),
    next: Queue.take(messages)
  }
})

const token = "0123456789abcdef"

const overHttp = Effect.fnUntraced(function*(catalogue: ToolCatalog): Effect.fn.Return<Channel, never, Scope.Scope> {
  const options = { host: "127.0.0.1", port: 0, token, hosts: [], origins: [] }
  const url = new URL(yield* Effect.orDie(serveHttp(catalogue, "0.0.0", options)))
  const messages = yield* Queue.unbounded<Message>()
  let session: Record<string, string> = {}
  return {
    send: (message, headers) =>
      Effect.callback<void>((resume) => {
        const sent = request(url, {
          method: "POST",
          headers: {
            authorization: `Bearer ${token}`,
            accept: "application/json, text/event-stream",
            "content-type": "application/json",
            ...session,
            ...headers
          }
        }, (response) => {
          const id = response.headers["mcp-session-id"]
          if (typeof id === "string") session = { "mcp-session-id": id }
          let text = ""
          const read = (): void => {
            const lines = text.split("\n")
            text = lines.pop() ?? ""
            for (const line of lines) {
              const data = line.replace(/^data: /u, "")
              if (data.startsWith("{")) Queue.offerUnsafe(messages, decode(data))
            }
          }
          response.on("data", (chunk) => {
            text += String(chunk)
            read()
          })
          response.on("end", () => {
            text += "\n"
            read()
          })
          response.on("error", () => undefined)
          resume(Effect.void)
        })
        sent.once("error", (error) => resume(Effect.die(error)))
        sent.end(JSON.stringify(message))
      }),
    next: Queue.take(messages)
  }
})

const capabilitiesOf = (answers: Answers): object => ({
  ...("roots/list" in answers ? { roots: {} } : {}),
  ...("elicitation/create" in answers ? { elicitation: { form: {} } } : {})
})

/** A call of a tool, all questions of the server answered. */
export type Call = (name: string, args: object) => Effect.Effect<Readonly<Record<string, unknown>>>

export const client = Effect.fnUntraced(function*(
  catalogue: ToolCatalog,
  [era, transport]: readonly [Era, Transport],
  answers: Answers
): Effect.fn.Return<Call, never, Scope.Scope> {
  const channel = yield* transport === "stdio" ? overStdio(catalogue) : overHttp(catalogue)
  const clientInfo = { name: "test", version: "0" }
  const headers = { "mcp-protocol-version": era }
  let last = 0

  /** The result of a request; what the server asks in between is answered. */
  const ask = Effect.fnUntraced(function*(method: string, params: object, more: Readonly<Record<string, string>> = {}) {
    const id = ++last
    yield* channel.send({ jsonrpc: "2.0", id, method, params }, { ...headers, ...more })
    for (;;) {
      const message = yield* channel.next
      if (message.method !== undefined && message.id !== undefined) {
        const result = answers[message.method]?.()
        yield* channel.send({ jsonrpc: "2.0", id: message.id, result }, headers)
      } else if (message.id === id) return message.result ?? {}
    }
  })

  if (era === "2025-11-25") {
    const capabilities = capabilitiesOf(answers)
    yield* ask("initialize", { protocolVersion: era, capabilities, clientInfo })
    yield* channel.send({ jsonrpc: "2.0", method: "notifications/initialized" }, headers)
    return (name, args) => ask("tools/call", { name, arguments: args })
  }

  const _meta = {
    "io.modelcontextprotocol/protocolVersion": era,
    "io.modelcontextprotocol/clientInfo": clientInfo,
    "io.modelcontextprotocol/clientCapabilities": capabilitiesOf(answers)
  }
  const Questions = Schema.Struct({ question: Schema.Struct({ method: Schema.String }) })
  return Effect.fnUntraced(function*(name, args) {
    const more = { "mcp-method": "tools/call", "mcp-name": name }
    let result = yield* ask("tools/call", { name, arguments: args, _meta }, more)
    while (result["resultType"] === "input_required") {
      const { method } = Schema.decodeUnknownSync(Questions)(result["inputRequests"]).question
      const inputResponses = { question: answers[method]?.() }
      const { requestState } = result
      result = yield* ask("tools/call", { name, arguments: args, _meta, inputResponses, requestState }, more)
    }
    return result
  })
})
