/** An MCP client that does as little as can be, so that what is measured is the server. */
import { Deferred, Effect, type Scope } from "effect"
import process from "node:process"
import { createInterface } from "node:readline"
import { CommandFailed, start } from "./command.ts"

interface Answer {
  readonly id?: number
  readonly error?: { readonly message: string }
  readonly result?: { readonly isError?: boolean }
}

export interface McpClient {
  /** From the start of the process until `initialize` was answered. */
  readonly initializedMillis: number
  /** Waits for the answer. */
  readonly ask: (method: string, params?: object) => Effect.Effect<void, CommandFailed>
}

/** Starts a server: a script for Node, with its arguments. */
export const connect = Effect.fnUntraced(
  function*(path: string, args: ReadonlyArray<string>): Effect.fn.Return<McpClient, CommandFailed, Scope.Scope> {
    const began = performance.now()
    const server = yield* start(process.execPath, [path, ...args])
    const waiting = new Map<number, Deferred.Deferred<void, CommandFailed>>()
    const failed = (message: string) => Effect.fail(new CommandFailed({ command: path, message }))
    createInterface(server.stdout).on("line", (line) => {
      const { error, id = -1, result } = JSON.parse(line) as Answer
      const deferred = waiting.get(id)
      waiting.delete(id)
      if (deferred === undefined) return
      const isWrong = error !== undefined || result?.isError === true
      Deferred.doneUnsafe(deferred, isWrong ? failed(line.slice(0, 500)) : Effect.void)
    })
    server.stderr.pipe(process.stderr)
    server.once("close", () => {
      for (const deferred of waiting.values()) Deferred.doneUnsafe(deferred, failed("the server has ended"))
    })
    const send = (message: object): void => {
      server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`)
    }
    let last = 0
    const ask: McpClient["ask"] = (method, params = {}) =>
      Effect.suspend(() => {
        const id = ++last
        const deferred = Deferred.makeUnsafe<void, CommandFailed>()
        waiting.set(id, deferred)
        send({ id, method, params })
        return Deferred.await(deferred)
      })
    const clientInfo = { name: "bench", version: "1.0.0" }
    yield* ask("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo })
    const initializedMillis = performance.now() - began
    send({ method: "notifications/initialized" })
    return { initializedMillis, ask }
  }
)

/** How long each of so many calls takes, one after another, in milliseconds. */
export const callTimes = Effect.fnUntraced(function*({ ask }: McpClient, count: number, params: object) {
  const times: Array<number> = []
  for (let call = 0; call < count; call++) {
    const began = performance.now()
    yield* ask("tools/call", params)
    times.push(performance.now() - began)
  }
  return times
})
