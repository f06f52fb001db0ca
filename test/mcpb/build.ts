/**
 * Makes the MCP bundle from what `npm run build` has built: `npm run mcpb`.
 *
 * The format's own tool looks at it and unpacks it again, where npx can fetch it; otherwise that is skipped, and says so.
 * `test/mcpb/bundle.test.ts` starts the server from a bundle everywhere.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { bundleOf, packageOf } from "./bundle.ts"
import { zip } from "./zip.ts"

const tool = "@anthropic-ai/mcpb@2.1.2"

const mcpb = (...args: ReadonlyArray<string>) =>
  spawnSync("npx", ["--yes", "--ignore-scripts", tool, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
    timeout: 300_000
  })

const root = resolve(import.meta.dirname, "../..")
const { name, version } = packageOf(root)
const file = join(root, `${name}-${version}.mcpb`)
const files = bundleOf(root, join(root, "dist/bin"))
const archive = zip(files)
writeFileSync(file, archive)
console.log(`${name}-${version}.mcpb: ${files.length} files, ${Math.round(archive.length / 1024)} KiB`)

const found = mcpb("--version")
if (found.status === 0) {
  const folder = mkdtempSync(join(tmpdir(), "ocilayout-mcpb-"))
  try {
    const unpacked = join(folder, "unpacked")
    for (const args of [["unpack", file, unpacked], ["validate", join(unpacked, "manifest.json")]]) {
      const { status, stderr, stdout } = mcpb(...args)
      if (status !== 0) {
        console.error(`mcpb ${args[0]}: ${stdout}${stderr}`)
        process.exitCode = 1
      }
    }
    if (process.exitCode !== 1) console.log(`${tool} unpacks it and finds its manifest valid`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
} else {
  const why = found.stderr.split("\n").find((line) => /npm error \S.*\w/u.test(line)) ?? "no reason was given"
  console.log(`SKIPPED the look of ${tool} at it: npx cannot fetch it: ${why}`)
}
