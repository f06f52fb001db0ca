/** How much memory the MCP server takes at most for a client that asks far more than can be answered at once. */
import { Effect, type Scope } from "effect"
import { existsSync, readFileSync } from "node:fs"
import process from "node:process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import type { Group } from "../support/Bench.ts"
import { below } from "../support/Case.ts"
import { CommandFailed, start } from "../support/command.ts"
import { repository, tagOf } from "../support/load.ts"
import { type Contestant, inTurns } from "../support/rounds.ts"

const program = fileURLToPath(new URL("../../../dist/bin/ocilayout.js", import.meta.url))
const command = "ocilayout mcp"

const version = "2025-11-25"
const clientInfo = { name: "bench", version: "1.0.0" }
const initialize = { method: "initialize", params: { protocolVersion: version, capabilities: {}, clientInfo } }
const initialized = { method: "notifications/initialized" }
const resolve = {
  method: "tools/call",
  params: { name: "oci_resolve", arguments: { ref: `${repository}:${tagOf(7)}` } }
}

const line = (message: object, id?: number): string =>
  `${JSON.stringify({ jsonrpc: "2.0", ...(id === undefined ? {} : { id }), ...message })}\n`

/** In MiB: the most memory that a process ever had (proc(5), `VmHWM`). */
const peakOf = (pid: number | undefined): number =>
  Number(/VmHWM:\s+(\d+)/u.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024

/** Writes all requests at once, and reads all answers. */
const atOnce = (layout: string, count: number): Effect.Effect<number, CommandFailed, Scope.Scope> =>
  Effect.gen(function*() {
    const server = yield* start(process.execPath, [program, "mcp", layout])
    server.stderr.resume()
    yield* Effect.callback<void, CommandFailed>((resume) => {
      const fail = (message: string): void => resume(Effect.fail(new CommandFailed({ command, message })))
      let answers = 0
      createInterface({ input: server.stdout }).on("line", (text) => {
        const { error, id } = JSON.parse(text) as { readonly error?: unknown; readonly id?: number }
        if (error !== undefined) fail(text.slice(0, 300))
        if (id !== undefined && ++answers === count + 1) resume(Effect.void)
      })
      server.once("close", () => fail("the server has ended"))
      server.stdin.write(line(initialize, 0) + line(initialized))
      server.stdin.write(Array.from({ length: count }, (_, at) => line(resolve, at + 1)).join(""))
    })
    return peakOf(server.pid)
  })

const token = "a-token-of-the-bench-that-is-long-enough"

/** Calls of one session over HTTP, some at the same time. */
const overHttp = (layout: string, count: number, together = 16): Effect.Effect<number, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const server = yield* start(
      process.execPath,
      [program, "mcp", layout, "--http", "0", "--token-env", "BENCH_TOKEN"],
      {
        environment: { BENCH_TOKEN: token }
      }
    )
    const url = yield* Effect.callback<string, CommandFailed>((resume) => {
      createInterface({ input: server.stderr }).on("line", (text) => {
        const [found] = /http:\/\/\S+\/mcp/u.exec(text) ?? []
        if (found !== undefined) resume(Effect.succeed(found))
      })
      const message = "the server has ended"
      server.once("close", () => resume(Effect.fail(new CommandFailed({ command, message }))))
    })
    const headers: Record<string, string> = {
      authorization: `Bearer ${token}`,
      accept: "application/json, text/event-stream",
      "content-type": "application/json"
    }
    const post = (body: string) =>
      Effect.tryPromise(async () => {
        const response = await fetch(url, { method: "POST", headers, body })
        const text = await response.text()
        if (!response.ok || text.includes("\"error\"")) throw new Error(`${response.status} ${text.slice(0, 300)}`)
        return response.headers.get("mcp-session-id")
      })
    headers["mcp-session-id"] = (yield* post(line(initialize, 0))) ?? ""
    headers["mcp-protocol-version"] = version
    yield* post(line(initialized))
    const numbers = Array.from({ length: count }, (_, at) => at + 1)
    yield* Effect.forEach(numbers, (id) => post(line(resolve, id)), { concurrency: together, discard: true })
    return peakOf(server.pid)
  })

const measuring = (name: string, peak: Effect.Effect<number, unknown, Scope.Scope>): Contestant => () =>
  Effect.map(Effect.scoped(peak), (mebibytes) => ({ [name]: mebibytes }))

export const requests: Group = {
  name: "requests",
  about: "the most memory that a server takes, for many requests",
  run: Effect.fnUntraced(function*({ layout, say, scale }) {
    if (!existsSync("/proc/self/status")) {
      say("  requests: skipped, there is no /proc")
      return []
    }
    if (!existsSync(program)) {
      say("  requests: skipped, `npm run build` comes first")
      return []
    }
    const directory = yield* layout(scale.tags.few)
    const { calls, queued } = scale.requests
    const figures = yield* inTurns(1, [
      measuring("once", atOnce(directory, queued)),
      measuring("thrice", atOnce(directory, 3 * queued)),
      measuring("http", overHttp(directory, calls))
    ])
    const caseOf = (name: string, figure: string) => ({
      name: `peak memory, ${name}`,
      unit: "MiB" as const,
      ours: figures[figure],
      target: below(384)
    })
    return [
      caseOf(`${queued} requests written at once on stdio`, "once"),
      caseOf(`${3 * queued} requests written at once on stdio`, "thrice"),
      caseOf(`${calls} calls of one session over HTTP`, "http")
    ]
  })
}
