/** `commit.ts <layout> <seconds> <number>`: commits one after another, once it is told to, and says how many and the longest. */
import { Effect } from "effect"
import { once } from "node:events"
import process from "node:process"
import { digestsOf, opened, repository } from "../support/load.ts"
import { millis } from "../support/rounds.ts"

const [, , directory = "", seconds, number] = process.argv
const digests = digestsOf(2)
const warmUp = 150

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const registry = yield* opened(directory, "power")
  const commit = (count: number) =>
    registry.tagManifest(repository, digests[count % digests.length] ?? "", [`moving-${number}`])
  // As one that has been at it for a while: of eight that take turns, each would else be measured while it is compiled.
  for (let count = 0; count < warmUp; count++) yield* commit(count)
  console.log("ready")
  yield* Effect.promise(() => once(process.stdin, "data"))
  const end = performance.now() + Number(seconds) * 1000
  let commits = 0
  let longestMillis = 0
  while (performance.now() < end) {
    longestMillis = Math.max(longestMillis, yield* millis(commit(commits)))
    commits++
  }
  console.log(JSON.stringify({ commits, longestMillis }))
})))
