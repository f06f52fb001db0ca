import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import { createServer } from "node:net"
import { join } from "node:path"
import { initialize, mainPath, temporaryDirectory, toolCall } from "./support/server.ts"

const token = "a-token-of-this-test"

interface Listening {
  readonly url: string
  readonly stderr: () => string
  readonly kill: (signal: NodeJS.Signals) => void
  readonly exit: Effect.Effect<number | string | null>
}

/** `ocilayout mcp` over HTTP, once it says where; fails with what it says if it ends instead. */
const listening = (
  args: ReadonlyArray<string>,
  environment: Record<string, string> = { TOKEN: token }
): Effect.Effect<Listening, string, Scope.Scope> =>
  Effect.flatMap(
    Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [mainPath, "mcp", "--create", ...args], {
          stdio: "pipe",
          env: { ...process.env, ...environment }
        })
      ),
      (child) => Effect.sync(() => void child.kill("SIGKILL"))
    ),
    (child) =>
      Effect.callback((resume) => {
        let stderr = ""
        const exited = new Promise<number | string | null>((resolve) => {
          child.once("close", (code, signal) => {
            resolve(code ?? signal)
            resume(Effect.fail(stderr))
          })
        })
        child.stderr.on("data", (chunk) => {
          stderr += String(chunk)
          const url = /http:\/\/\S+\/mcp$/mu.exec(stderr)?.[0]
          if (url !== undefined && stderr.trimEnd().split("\n").length >= 3) {
            resume(Effect.succeed({
              url,
              stderr: () => stderr,
              kill: (signal) => void child.kill(signal),
              exit: Effect.promise(() => exited)
            }))
          }
        })
      })
  )

const headers = (token: string) => ({
  authorization: `Bearer ${token}`,
  accept: "application/json, text/event-stream",
  "content-type": "application/json"
})

const post = (url: string, body: object, more: Record<string, string> = {}, shown = token) =>
  Effect.promise(async () => {
    const sent = { method: "POST", headers: { ...headers(shown), ...more }, body: JSON.stringify(body) }
    const response = await fetch(url, sent)
    return {
      status: response.status,
      session: response.headers.get("mcp-session-id") ?? "",
      text: await response.text()
    }
  })

describe("ocilayout mcp --http", () => {
  it.live("serves with the token of a variable, tells no path, and stops when it is told to", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const server = yield* listening([join(root, "layout"), "--http", "0", "--token-env", "TOKEN"])
      assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+\/mcp$/u)
      assert.notInclude(server.stderr(), token)
      assert.strictEqual((yield* post(server.url, initialize, {}, "another-token-than-this")).status, 401)
      const opened = yield* post(server.url, initialize)
      const told = [opened.text]
      const call = Effect.fnUntraced(function*(id: number, name: string, args: object) {
        const { text } = yield* post(server.url, toolCall(id, name, args), { "mcp-session-id": opened.session })
        told.push(text)
        return text
      })
      const digest = /sha256:[0-9a-f]{64}/u.exec(yield* call(2, "oci_push_blob", { repository: "app", text: "hello" }))
        ?.[0]
      for (const name of ["oci_resolve", "oci_read_blob"]) {
        assert.include(yield* call(3, name, { ref: `app@${String(digest)}` }), "\"size\":5")
      }
      assert.include(yield* call(4, "oci_list_layouts", {}), "\"blobs\":1")
      assert.include(yield* call(5, "oci_push_blob", { repository: "app", path: "/etc/hostname" }), "PATH_DENIED")
      assert.include(yield* call(6, "oci_verify", {}), "\"ok\":true")
      for (const text of told) assert.notInclude(text, root)
      server.kill("SIGTERM")
      assert.strictEqual(yield* server.exit, 0)
    }))

  it.live("makes a token and shows it when none is named, on this machine only", () =>
    Effect.gen(function*() {
      const server = yield* listening([yield* temporaryDirectory, "--http", "localhost:0"])
      const made = /: (\S{43})$/mu.exec(server.stderr())?.[1] ?? ""
      assert.strictEqual((yield* post(server.url, initialize, {}, made)).status, 200)
      assert.strictEqual((yield* post(server.url, initialize, {}, made.slice(1))).status, 401)
      server.kill("SIGINT")
      assert.strictEqual(yield* server.exit, 0)
    }))

  it.live("serves a layout beside another server", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const servers = yield* Effect.all([1, 2].map(() => listening([directory, "--http", "0", "--token-env", "TOKEN"])))
      const pushed = yield* Effect.forEach(servers, ({ url }, index) =>
        Effect.flatMap(post(url, initialize), ({ session }) =>
          post(url, toolCall(2, "oci_push_blob", { repository: "app", text: `from ${index}` }), {
            "mcp-session-id": session
          })), { concurrency: "unbounded" })
      for (const { text } of pushed) {
        assert.include(text, "\"digest\":\"sha256:")
      }
    }))

  it.live("refuses what would leave a door open, and what it cannot do", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const taken = yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const server = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => void server.close())
      )
      const address = taken.address()
      const port = typeof address === "object" ? address?.port ?? 0 : 0
      const refused: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
        [["--http", "0.0.0.0:0"], "0.0.0.0 can be reached from elsewhere"],
        [["--http", "0", "--allowed-dir", root], "--allowed-dir is for clients on this machine"],
        [["--http", `127.0.0.1:${port}`], "EADDRINUSE"]
      ]
      for (const [args, expected] of refused) {
        const said = yield* Effect.flip(listening(args.concat(root)))
        assert.include(said, expected, args.join(" "))
      }
    }))
})
