/** What tools work with: the images of the pool in a layout of their own, and in a registry of crane's own. */
import { Effect } from "effect"
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { isInstalled } from "../../../../test/support/commands.ts"
import { toolFs } from "../../../../test/support/toolFs.ts"
import { runTool } from "../../../support/tools/ToolPlan.ts"
import type { Place } from "./calls.ts"
import { tools } from "./calls.ts"
import { pool } from "./names.ts"

/** The tools that are there; of each other one a message says that it is skipped. */
const installedTools = (): ReadonlyArray<string> =>
  tools.filter((tool) => {
    const isThere = isInstalled(tool)
    if (!isThere) console.log(`${tool} is not installed: it is skipped`)
    return isThere
  })

const makeSource = (source: string): Promise<void> => {
  mkdirSync(source, { recursive: true })
  let digits = 1000
  const actor = {
    fs: toolFs,
    root: source,
    pause: () => Effect.void,
    say: () => undefined,
    digits: () => String(digits++),
    alone: <A, E>(work: Effect.Effect<A, E>) => work,
    together: <A, E>(work: Effect.Effect<A, E>) => work
  }
  return Effect.runPromise(Effect.forEach(
    pool,
    (note) => Effect.orDie(runTool(actor, { tool: "skopeo", name: note, note })),
    { discard: true }
  ))
}

/** Serves until it is killed. */
const serveImages = async (source: string): Promise<readonly [ChildProcess, string]> => {
  const child = spawn("crane", ["registry", "serve", "--address", "127.0.0.1:0"], {
    stdio: ["ignore", "ignore", "pipe"]
  })
  const port = await new Promise<string>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`crane's registry ended with ${code}`)))
    createInterface({ input: child.stderr }).on("line", (line) => {
      const [, port] = /serving on port (\d+)/u.exec(line) ?? []
      if (port !== undefined) resolve(port)
    })
  })
  const registry = `127.0.0.1:${port}`
  for (const note of pool) {
    execFileSync("oras", [
      "cp",
      "--from-oci-layout",
      `${source}:${note}`,
      "--to-plain-http",
      `${registry}/app:${note}`
    ], { stdio: ["ignore", "ignore", "inherit"] })
  }
  return [child, registry]
}

export interface Prepared {
  /** For a layout in this folder. */
  readonly at: (layout: string) => Place
  readonly tools: ReadonlyArray<string>
  readonly end: () => void
}

export const preparePlace = async (folder: string): Promise<Prepared> => {
  const source = join(folder, "source")
  await makeSource(source)
  const file = join(folder, "pushed.txt")
  writeFileSync(file, "what a tool pushes")
  const installed = installedTools()
  // The images are brought to crane's registry by oras.
  const canServe = installed.includes("crane") && installed.includes("oras")
  if (installed.includes("crane") && !canServe) {
    console.log("crane is skipped: oras, which brings it images, is not installed")
  }
  const served = canServe ? await serveImages(source) : undefined
  return {
    at: (layout) => ({ layout, source, file, registry: served?.[1] }),
    tools: installed.filter((tool) => tool !== "crane" || canServe),
    end: () => void served?.[0].kill()
  }
}
