/**
 * Holds the server over HTTP to the protocol's own conformance suite, in both eras: `npm run conformance:mcp`.
 *
 * The suite is fetched once by npx into its cache, and is no dependency. Where that cannot be done it is skipped, and
 * says so; `test/mcp/sdk/http` runs everywhere. Most scenarios call tools, resources and prompts that only a server made for
 * the suite has, so those are run that any server can pass.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer, request, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"

const suite = "@modelcontextprotocol/conformance@0.2.0-alpha.12"
const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
const token = "token-of-the-conformance-run"

const scenarios = [
  "server-initialize",
  "server-session-lifecycle",
  "server-stateless",
  "ping",
  "tools-list",
  "server-sse-multiple-streams",
  "dns-rebinding-protection",
  "caching",
  "prompts-list",
  "resources-list",
  "sep-2164-resource-not-found",
  "http-header-validation",
  "input-required-result-unsupported-methods"
]

/** What the suite says where it looks for something of its own; nothing is wrong then. */
const untestable = /^Not testable: server does not list the diagnostic tool/u

interface Check {
  readonly id: string
  readonly status: "SUCCESS" | "FAILURE" | "WARNING" | "INFO" | "SKIPPED"
  readonly errorMessage?: string
}

/** Not waited for synchronously: what stands between the suite and the server runs in this process. */
const conformance = async (...args: ReadonlyArray<string>) => {
  const child = spawn("npx", ["--yes", "--ignore-scripts", suite, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
    timeout: 300_000
  })
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)]
  const [status] = (await once(child, "close")) as [number | null]
  return { status, stdout: await stdout, stderr: await stderr }
}

/** Shows the token for the suite, which has none; everything else is passed on as it is. */
const showingToken = (to: URL): Server =>
  createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, authorization: `Bearer ${token}` }
    const passed = request({ host: to.hostname, port: to.port, path: incoming.url, method: incoming.method, headers })
    passed.on("response", (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(outgoing)
    })
    passed.on("error", () => outgoing.destroy())
    outgoing.on("close", () => passed.destroy())
    incoming.pipe(passed)
  })

const serve = async (directory: string) => {
  const server = spawn(process.execPath, [main, "mcp", directory, "--http", "0", "--token-env", "CONFORMANCE_TOKEN"], {
    stdio: ["ignore", "inherit", "pipe"],
    env: { ...process.env, CONFORMANCE_TOKEN: token }
  })
  let said = ""
  for await (const chunk of server.stderr) {
    said += String(chunk)
    const url = /http:\/\/\S+\/mcp$/mu.exec(said)?.[0]
    if (url === undefined) continue
    const front = showingToken(new URL(url)).listen(0, "127.0.0.1")
    await once(front, "listening")
    const { port } = front.address() as AddressInfo
    return {
      url: `http://127.0.0.1:${port}/mcp`,
      stop: () => {
        server.kill()
        front.close()
        front.closeAllConnections()
      }
    }
  }
  throw new Error(`the server did not start: ${said}`)
}

/** Prints what a scenario has found, and says whether all of it is as it should be. */
const judge = (scenario: string, checks: ReadonlyArray<Check>): boolean => {
  const wrong = checks.filter(({ errorMessage = "", status }) =>
    (status === "FAILURE" || status === "WARNING") && !untestable.test(errorMessage)
  )
  const passed = checks.filter(({ status }) => status === "SUCCESS").length
  const holds = wrong.length === 0 && passed > 0
  console.log(`${holds ? "ok  " : "FAIL"} ${scenario}: ${passed} of ${checks.length} checks`)
  for (const { errorMessage = "", id } of wrong) console.log(`       ${id}: ${errorMessage}`)
  return holds
}

const version = await conformance("--version")
if (version.status === 0) {
  console.log(`${suite} is ${version.stdout.trim()}`)
  const folder = mkdtempSync(join(tmpdir(), "ocilayout-conformance-"))
  const server = await serve(join(folder, "layout"))
  try {
    for (const scenario of scenarios) {
      const results = join(folder, scenario)
      await conformance("server", "--url", server.url, "--scenario", scenario, "--output-dir", results)
      const checks = globSync(join(results, "**", "checks.json")).flatMap((file) =>
        JSON.parse(readFileSync(file, "utf8")) as ReadonlyArray<Check>
      )
      if (!judge(scenario, checks)) process.exitCode = 1
    }
  } finally {
    server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
} else {
  const why = version.stderr.split("\n").find((line) => /npm error \S.*\w/u.test(line)) ?? "no reason was given"
  console.log(`SKIPPED: npx cannot fetch ${suite}: ${why}`)
}
