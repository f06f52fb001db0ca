/** A neighbour exchanges a folder of a layout for a link to elsewhere, as fast as it can, while we work. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, type Scope, Stream } from "effect"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { stride } from "../../properties/support/share.ts"
import { makeDisk } from "../../src/node/index.ts"
import { imageManifest } from "../../src/oci/MediaType.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import { bytesOf } from "../mcp/support/images.ts"
import { listing, temporaryFolder } from "../support/folders.ts"
import { ownLayout, smallManifest } from "../support/layouts.ts"
import { openBelow, whyNotTold } from "../support/openFiles.ts"
import { otherProcess } from "../support/otherProcess.ts"

const places = [
  join(".ocilayout", "tmp"),
  join(".ocilayout", "uploads"),
  join(".ocilayout", "leases"),
  join(".ocilayout", "replaced"),
  join(".ocilayout", "kept"),
  join(".ocilayout", "trash"),
  join(".ocilayout", "journal"),
  ".ocilayout",
  join("blobs", "sha256"),
  "blobs"
]

/** Files of another user, of names and ages that would make them ours to sweep if they were in a folder of ours. */
const plant = (outside: string): void => {
  const old = Date.now() / 1000 - 10 * 24 * 3600
  const id = "0123456789abcdef".repeat(2)
  for (const folder of [".", "tmp", "uploads", "leases", "replaced", "kept", "trash", "journal", "sha256"]) {
    for (const inner of ["upload.x", "12", id]) {
      fs.mkdirSync(join(outside, folder, inner), { recursive: true })
      for (const name of ["data", "meta.json", "precious"]) {
        fs.writeFileSync(join(outside, folder, inner, name), "precious")
        fs.utimesSync(join(outside, folder, inner, name), old, old)
      }
    }
    const names = [`blob.${id}`, `${"1".repeat(13)}.${id}${id}.${id}${id}.${id}`, "lock", "holder", "current.ndjson"]
    for (const name of names) {
      fs.writeFileSync(join(outside, folder, name), "precious")
      fs.utimesSync(join(outside, folder, name), old, old)
    }
  }
  for (const name of fs.readdirSync(outside)) fs.utimesSync(join(outside, name), old, old)
}

/** In each of them a registry that was just opened, since that sweeps, and one that was open before do all they can. */
const rounds = Math.max(5, Math.ceil(40 / stride))

describe("a folder that is exchanged for a link all the time", () => {
  it.live.each(places)("%s: what the link leads to is neither written nor removed", (place) =>
    Effect.gen(function*() {
      const { directory, registry: first } = yield* ownLayout()
      yield* first.pushBlobChunked("app")
      const beside = yield* temporaryFolder
      const outside = join(beside, "outside")
      plant(outside)
      fs.symlinkSync(outside, join(beside, "link"))
      const before = listing(outside, { times: true })
      const answers: Array<string> = []
      const told = <A>(operation: Effect.Effect<A, RegistryError, Scope.Scope>) =>
        Effect.map(Effect.result(operation), (result) => {
          answers.push(Result.isSuccess(result) ? "ok" : result.failure._tag)
          return Result.getOrUndefined(result)
        })
      yield* Effect.scoped(Effect.gen(function*() {
        const exchanging = yield* otherProcess("exchangeFolder", join(directory, place), join(beside, "link"))
        yield* exchanging.line
        for (let round = 0; round < rounds; round++) {
          yield* Effect.scoped(Effect.gen(function*() {
            // A link that stands there at this moment is a refusal to open.
            const opened = yield* told(makeDisk({ directory, durability: "none", lockWait: 100 }))
            for (const one of opened === undefined ? [first] : [opened, first]) {
              const work = Effect.gen(function*() {
                yield* one.pushBlob("app", Stream.succeed(bytesOf(`layer ${round}`)))
                const bytes = smallManifest({ annotations: { round: String(round) } })
                yield* one.pushManifest("app", bytes, imageManifest, { tags: [`v${round}`] })
                const writer = yield* one.pushBlobChunked("app")
                yield* writer.append(0, Stream.succeed(bytesOf("some")))
                yield* writer.cancel
                yield* one.deleteTag("app", `v${round}`)
              })
              yield* told(work)
            }
          }))
        }
      }))
      assert.deepStrictEqual(listing(outside, { times: true }), before)
      assert.isAtLeast(answers.length, 2 * rounds)
      assert.includeMembers(answers, ["ok"])
      if (whyNotTold !== undefined) return
      // Folders of ours may be beside the layout now; those of the registries that were closed are closed.
      assert.isAtMost(openBelow(dirname(directory)).folders + openBelow(beside).folders, 32)
    }))
})
