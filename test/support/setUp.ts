/**
 * Keys of tests lie in a folder of their own: no test touches the state of the user who runs it. What Node has compiled
 * lies there too. The program that tests start is bundled once, as it is shipped: it starts five times as fast as from
 * its sources, and tests start it some hundred times.
 */
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"
import type { TestProject } from "vitest/node"
import { binary } from "../../rolldown.config.ts"

/** Where native modules are found as from the sources, and `dist/ui` as far away as from those of `src/cli/serve`. */
const cache = fileURLToPath(new URL("../../node_modules/.cache/", import.meta.url))

export const setup = async ({ name }: Pick<TestProject, "name">): Promise<() => void> => {
  const folder = fs.mkdtempSync(join(tmpdir(), "ocilayout-state-"))
  process.env["XDG_STATE_HOME"] = folder
  process.env["NODE_COMPILE_CACHE"] = join(folder, "compiled")
  const made = [folder]
  if (name === "test") {
    fs.mkdirSync(cache, { recursive: true })
    const bundled = fs.mkdtempSync(join(cache, "ocilayout-"))
    made.push(bundled)
    const { output, ...input } = binary
    const bundle = await rolldown(input)
    await bundle.write({ ...output, dir: bundled })
    process.env["TESTED_PROGRAM"] = join(bundled, "ocilayout.js")
  }
  return () => {
    // A process that ends now may still write what it compiled.
    for (const path of made) fs.rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}
