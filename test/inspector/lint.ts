/**
 * Holds the list of tools to the strict lint of the MCP Inspector, for three kinds of server: `npm run inspect:lint`.
 *
 * The Inspector is 110 MB with all it pulls in, so it is no dependency: npx fetches it once into its cache. Where that
 * cannot be done the lint is skipped, and says so; `test/mcp/invariants.test.ts` runs everywhere.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const inspector = "@modelcontextprotocol/inspector@2.12.0"
const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))

const inspect = (...args: ReadonlyArray<string>) =>
  spawnSync("npx", ["--yes", "--ignore-scripts", inspector, "--cli", ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
    timeout: 300_000
  })

/** What there is to say, or nothing where the Inspector found nothing. */
const lint = (flags: ReadonlyArray<string>): string | undefined => {
  const { status, stderr, stdout } = inspect(
    process.execPath,
    main,
    "mcp",
    "--create",
    ...flags,
    "--method",
    "tools/list",
    "--strict"
  )
  if (status !== 0) return stderr === "" ? `it ended with ${status}` : stderr
  const { tools } = JSON.parse(stdout) as { readonly tools: ReadonlyArray<unknown> }
  console.log(`ocilayout mcp ${flags.join(" ")}: ${tools.length} tools`)
  // What is no error is told on the same stream.
  return stderr.trim() === "" ? undefined : stderr
}

const version = inspect("--version")
if (version.status === 0) {
  console.log(`${inspector} is ${version.stdout.trim()}`)
  const folder = mkdtempSync(join(tmpdir(), "ocilayout-lint-"))
  const [one, other] = [join(folder, "one"), join(folder, "other")]
  try {
    for (
      const flags of [[one], [one, "--read-only"], [one, other, "--allow-delete", "--allowed-dir", folder]]
    ) {
      const said = lint(flags)
      if (said === undefined) continue
      console.error(said)
      process.exitCode = 1
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
} else {
  const why = version.stderr.split("\n").find((line) => /npm error \S.*\w/u.test(line)) ?? "no reason was given"
  console.log(`SKIPPED: npx cannot fetch ${inspector}: ${why}`)
}
