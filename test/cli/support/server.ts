/** `ocilayout mcp` as a process of its own. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import type { ClientCapabilities } from "@modelcontextprotocol/sdk/types.js"
import { Effect, Schema, type Scope } from "effect"
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** The program, bundled as it is shipped. */
export const mainPath = process.env["TESTED_PROGRAM"] ?? ""

/** What clients pass on besides what they always do: where Node keeps what it has compiled. */
export const compiled = { NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? "" }

export const temporaryDirectory: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "ocilayout-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

const Message = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))

export interface ServerProcess {
  readonly child: ChildProcessWithoutNullStreams
  /** Everything written so far. */
  readonly stdout: () => string
  readonly stderr: () => string
  readonly send: (...messages: ReadonlyArray<object | string>) => Effect.Effect<void>
  /** The answers so far, by the id of their request, once there are `count` of them. */
  readonly answers: (count: number) => Effect.Effect<ReadonlyMap<unknown, Readonly<Record<string, unknown>>>>
  /** The exit code, or the signal. */
  readonly exit: Effect.Effect<number | string | null>
}

export const spawnServer = Effect.fnUntraced(function*(
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {}
): Effect.fn.Return<ServerProcess, never, Scope.Scope> {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(process.execPath, [mainPath, ...args], { stdio: "pipe", env: { ...process.env, ...env } })),
    (child) => Effect.sync(() => void child.kill("SIGKILL"))
  )
  const written = { stdout: "", stderr: "", isOver: false }
  child.stdout.on("data", (chunk) => written.stdout += String(chunk))
  child.stderr.on("data", (chunk) => written.stderr += String(chunk))
  // Tests break the pipe on purpose.
  child.stdin.on("error", () => undefined)
  const exited = new Promise<number | string | null>((resolve) => {
    child.once("close", (code, signal) => {
      written.isOver = true
      resolve(code ?? signal)
    })
  })
  const parsed = () =>
    new Map(
      written.stdout.split("\n").slice(0, -1).map((line): [unknown, Readonly<Record<string, unknown>>] => {
        const message = Schema.decodeUnknownSync(Message)(line)
        return [message["id"], message]
      })
    )
  return {
    child,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    send: (...messages) =>
      Effect.sync(() => {
        const lines = messages.map((message) => typeof message === "string" ? message : JSON.stringify(message))
        child.stdin.write(`${lines.join("\n")}\n`)
      }),
    answers: (count) =>
      Effect.sync(parsed).pipe(
        Effect.tap(() => Effect.sleep("10 millis")),
        Effect.repeat({ until: (answers) => answers.size >= count || written.isOver }),
        // Waiting on for what a server that has ended will never say would hide why it has.
        Effect.filterOrElse(
          (answers) => answers.size >= count,
          () => Effect.die(new Error(`the server ended before it had answered ${count} times: ${written.stderr}`))
        )
      ),
    exit: Effect.promise(() => exited)
  }
})

export const initialize = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "0" } }
}

export const toolCall = (id: number, name: string, args: object) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: args }
})

/** The official client, on a server process of its own. */
export const connectClient = Effect.fnUntraced(function*(
  args: ReadonlyArray<string>,
  capabilities: ClientCapabilities = {},
  prepare: (client: Client) => void = () => undefined
): Effect.fn.Return<Client, never, Scope.Scope> {
  const client = new Client({ name: "test", version: "0" }, { capabilities })
  prepare(client)
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [mainPath, ...args],
    env: compiled,
    stderr: "ignore"
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => client.connect(transport)),
    () => Effect.promise(() => client.close())
  )
  return client
})
