/** `setTags.ts <layout> <repository> <digest> <tag>...`: sets one tag after the other, a commit for each. */
import { Effect } from "effect"
import { makeDisk } from "../../../src/node/index.ts"

const [directory = "", repository = "", digest = "", ...tags] = process.argv.slice(2)

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const registry = yield* makeDisk({ directory })
  for (const tag of tags) yield* registry.tagManifest(repository, digest, [tag])
  console.log("done")
})))
