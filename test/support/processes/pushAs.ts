/**
 * `pushAs.ts <layout> <name> <umask> [<uid> <gid> <groups> [tree]]`: as this user, with these groups besides, or as the
 * one it is, pushes an image, tags it, and goes through a session, in a layout or a tree of them; says "done", or why not.
 */
import { Effect, Stream } from "effect"
import { nodeFs } from "../../../src/node/fs/nodeFs.ts"
import { makeDisk, makeDiskTree } from "../../../src/node/index.ts"
import { imageManifest } from "../../../src/oci/MediaType.ts"
import { bytesOf } from "../../mcp/support/images.ts"
import { smallManifest } from "../layouts.ts"

const [directory = "", name = "", umask = "", uid, gid, groups = "", kind = "layout"] = process.argv.slice(2)

// What is loaded later may not be readable for the other user.
await Effect.runPromise(nodeFs.nativeLock)
if (uid !== undefined) {
  process.setgroups?.(groups.split(",").filter((group) => group !== "").map(Number))
  process.setgid?.(Number(gid))
  process.setuid?.(Number(uid))
}
process.umask(Number.parseInt(umask, 8))

const push = Effect.scoped(Effect.gen(function*() {
  const registry = yield* (kind === "tree" ? makeDiskTree : makeDisk)({ directory, lockWait: 5000 })
  yield* registry.pushBlob("app", Stream.succeed(bytesOf("{}")))
  yield* registry.pushBlob("app", Stream.succeed(bytesOf(`layer of ${name}`)))
  const bytes = smallManifest({ annotations: { name } })
  yield* registry.pushManifest("app", bytes, imageManifest, { tags: [name, "latest"] })
  yield* (yield* registry.pushBlobChunked("app")).cancel
  yield* registry.pushBlobChunked("app")
  yield* registry.planGarbage()
}))

console.log(
  await Effect.runPromise(Effect.match(push, {
    onSuccess: () => "done",
    onFailure: (error) => `${error._tag}: ${error.message}`
  }))
)
