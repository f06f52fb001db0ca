/** `largeIndex.ts <layout> open|parse`: how long it takes to open a layout and resolve a tag, or to parse its index. */
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { opened, repository, tagOf } from "../support/load.ts"
import { millis } from "../support/rounds.ts"

const [, , directory = "", what] = process.argv

const resolving = Effect.scoped(
  Effect.flatMap(opened(directory), (registry) => registry.resolveTag(repository, tagOf(1)))
)

const parsing = Effect.sync((): unknown => JSON.parse(readFileSync(join(directory, "index.json"), "utf8")))

const milliseconds = await Effect.runPromise(millis<unknown, unknown, never>(what === "parse" ? parsing : resolving))
console.log(JSON.stringify({ milliseconds }))
