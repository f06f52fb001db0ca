/** `reader.ts <layout> <all|snapshots>`: reads on and on until it is told that this is enough, and tells what no reader may see and it saw. */
import { Effect, Stream } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { makeDisk } from "../../../src/node/index.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { digestOf } from "../../support/contents.ts"
import { repositories } from "./Plan.ts"

export interface Readings {
  readonly indexes: number
  readonly snapshots: number
  readonly violations: ReadonlyArray<string>
}

const [directory = "", what] = process.argv.slice(2)

let indexes = 0
let snapshots = 0
const violations = new Set<string>()
const whole = new Set<string>()

/** The file as other tools read it, and every blob the first time it is named. */
const readRaw = (): void => {
  const text = readFileSync(join(directory, "index.json"), "utf8")
  indexes++
  try {
    const index = JSON.parse(text) as { schemaVersion?: number; manifests?: Array<{ digest: string; size: number }> }
    if (index.schemaVersion !== 2 || !Array.isArray(index.manifests)) throw new Error("it is no image index")
    for (const { digest, size } of index.manifests) {
      if (whole.has(digest)) continue
      const bytes = readFileSync(join(directory, "blobs", ...digest.split(":")))
      if (digestOf(bytes) !== digest || bytes.length !== size) throw new Error(`${digest} is torn`)
      whole.add(digest)
    }
  } catch (error) {
    violations.add(`index.json was read while ${String(error)}: ${text.slice(0, 100)}`)
  }
}

/** Between the listing and the look a tag may go. */
const readSnapshots = (registry: LayoutRegistry) =>
  Effect.gen(function*() {
    for (const repository of repositories) {
      for (const tag of yield* Stream.runCollect(registry.tags(repository))) {
        yield* Effect.catchTag(Effect.asVoid(registry.getTag(repository, tag)), "ManifestUnknown", () => Effect.void)
      }
    }
    snapshots++
  }).pipe(Effect.catch((error) => Effect.sync(() => void violations.add(`a snapshot failed: ${error.message}`))))

const enough = new AbortController()
process.once("message", () => enough.abort())
process.once("disconnect", () => enough.abort())

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const kept = yield* makeDisk({ directory })
  while (!enough.signal.aborted) {
    if (what === "all") readRaw()
    yield* readSnapshots(kept)
    // Opened anew it knows nothing from before.
    yield* Effect.scoped(Effect.flatMap(makeDisk({ directory }), readSnapshots))
    yield* Effect.sleep(5)
  }
})))
// The process that started it may be gone.
if (process.connected) {
  process.send?.({ indexes, snapshots, violations: Array.from(violations) } satisfies Readings)
  process.disconnect()
}
