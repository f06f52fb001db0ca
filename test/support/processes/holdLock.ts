/** `holdLock.ts <layout>`: takes the layout's lock, says so, and keeps it until it is killed. */
import { Effect } from "effect"
import { layoutFiles } from "../../../src/node/files/layoutFiles.ts"
import { holdLock } from "../../../src/node/files/lock.ts"
import { nodeFs } from "../../../src/node/fs/nodeFs.ts"

const [root = ""] = process.argv.slice(2)

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  yield* holdLock(layoutFiles(nodeFs, root, { durability: "power", symlinks: "refuse" }), 10_000)
  console.log("held")
  yield* Effect.sleep("1 hour")
})))
