/** A large index: what a process that has just begun reads, and how often. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { add, newDisk, plainLayout } from "../support/disk.ts"
import { entry } from "../support/entries.ts"

/** More than a mebibyte of entries. */
const many = Array.from({ length: 6000 }, (_, at) => entry("a", `app:v${at}`))

/** Old enough for its times to tell every change. */
const settle = Effect.sleep("30 millis")

describe("a commit to a large index, each by a process of its own", () => {
  it.live("reads the index once, and none of those that were replaced before", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      plainLayout(disk, many)
      const readsOf = Effect.fnUntraced(function*(number: number) {
        yield* settle
        disk.told()
        yield* Effect.scoped(Effect.flatMap(disk.open(), ({ layout }) => add(layout, entry("b", `app:new${number}`))))
        const reads = disk.told("read")
        return {
          index: reads.filter((call) => call === "read index.json").length,
          displaced: reads.filter((call) => call.startsWith("read .ocilayout/displaced")).length
        }
      })
      const all = yield* Effect.forEach([1, 2, 3, 4, 5], readsOf)
      assert.deepStrictEqual(all, all.map(() => ({ index: 1, displaced: 0 })))
      assert.lengthOf(disk.entries(), many.length + 5)
    }))

  it.live("reads a replaced one again that a tool has written into", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      plainLayout(disk, many)
      const commit = (number: number) =>
        Effect.andThen(
          settle,
          Effect.scoped(Effect.flatMap(disk.open(), ({ layout }) => add(layout, entry("b", `app:new${number}`))))
        )
      yield* commit(1)
      yield* commit(2)
      const [first = ""] = fs.readdirSync(disk.files.replaced).toSorted()
      const path = join(disk.files.replaced, first)
      fs.writeFileSync(path, fs.readFileSync(path, "utf8").replace("app:v7\"", "app:w7\""))
      yield* commit(3)
      assert.include(JSON.stringify(disk.entries()), "app:w7")
    }))
})
