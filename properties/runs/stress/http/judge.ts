/** Whether what was acknowledged through a server is in its layout. */
import { Effect, Stream } from "effect"
import { makeDisk } from "../../../../src/node/index.ts"
import type { Lane } from "./lane.ts"

/** What is lost, or not what was acknowledged; empty when all is well. */
export const judge = (directory: string, repository: string, lanes: ReadonlyArray<Lane>) =>
  Effect.scoped(Effect.gen(function*() {
    const registry = yield* makeDisk({ directory, mustExist: true })
    const wrong: Array<string> = []
    for (const lane of lanes) {
      for (const [tag, allowed] of lane.tags) {
        const digest = yield* registry.resolveTag(repository, tag).pipe(
          Effect.map((found) => String(found.digest)),
          Effect.catchTags({ ManifestUnknown: () => Effect.undefined, NameUnknown: () => Effect.undefined })
        )
        if (!allowed.includes(digest)) {
          wrong.push(
            `${tag} is ${digest ?? "not there"}, and has to be ${allowed.map((one) => one ?? "gone").join(" or ")}`
          )
        }
      }
      for (const blob of lane.blobs) {
        const there = yield* Effect.result(registry.resolveBlob(repository, blob))
        if (there._tag === "Failure") wrong.push(`${blob} was acknowledged, and is ${there.failure._tag}`)
      }
    }
    yield* Stream.runForEach(registry.verify(), (step) =>
      Effect.sync(() => {
        if (step._tag === "Found" && step.finding.severity === "error") wrong.push(step.finding.message)
      }))
    const commits = yield* Stream.runCount(registry.history())
    return { wrong, commits }
  }))
