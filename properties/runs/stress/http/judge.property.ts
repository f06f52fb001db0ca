/** The judge of pushes through a server notices what is lost. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import { makeDisk } from "../../../../src/node/index.ts"
import { temporaryFolder } from "../../../../test/support/folders.ts"
import { image, pushImage } from "../../../../test/support/images.ts"
import { judge } from "./judge.ts"
import { newLane, settle } from "./lane.ts"

const one = image("one")
const { digest } = one.descriptor
const answered = new Response(undefined, { status: 201 })
const other = `sha256:${"0".repeat(64)}`

describe("the judge of pushes through a server", () => {
  it.live("finds what was acknowledged, and misses what is lost", () =>
    Effect.gen(function*() {
      const directory = join(yield* temporaryFolder, "layout")
      yield* Effect.scoped(
        Effect.flatMap(makeDisk({ directory }), (registry) => pushImage(registry, "app", one, ["v1"]))
      )
      const lane = newLane()
      settle(lane, "v1", answered, digest)
      settle(lane, "gone", answered, digest)
      settle(lane, "gone", undefined, undefined)
      lane.blobs.add(one.config.descriptor.digest)
      assert.deepStrictEqual((yield* judge(directory, "app", [lane])).wrong, [])

      settle(lane, "v1", answered, other)
      settle(lane, "gone", answered, digest)
      lane.blobs.add(other)
      const { wrong } = yield* judge(directory, "app", [lane])
      assert.include(wrong, `v1 is ${digest}, and has to be ${other}`)
      assert.include(wrong, `gone is not there, and has to be ${digest}`)
      assert.include(wrong, `${other} was acknowledged, and is BlobUnknown`)
    }))
})
