/** Builds the world for a model to be asked about: `npm run evals:world <folder>`. */
import { Effect } from "effect"
import { existsSync, readdirSync } from "node:fs"
import { resolve } from "node:path"
import { argumentsFor, buildWorld } from "./world/build.ts"

const [given] = process.argv.slice(2)
if (given === undefined) {
  console.error("Say which folder: npm run evals:world <folder>")
  process.exitCode = 2
} else if (existsSync(given) && readdirSync(given).length > 0) {
  console.error(`${given} is not empty; the answers hold for a world that is untouched`)
  process.exitCode = 1
} else {
  const folder = resolve(given)
  await Effect.runPromise(buildWorld(folder))
  console.log(`The world is built. This serves it:\n\nocilayout mcp ${argumentsFor(folder).join(" ")}`)
}
