import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { patientFs } from "../../../src/node/fs/patientFs.ts"
import { add, newDisk } from "../../support/disk.ts"
import { entry } from "../../support/entries.ts"
import { fails } from "../../support/watchedFs.ts"

describe("where too many files are open", () => {
  it.live("a call is made again until there is room", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      fs.mkdirSync(disk.root)
      for (const code of ["EMFILE", "ENFILE"]) {
        let failures = 3
        disk.intercept((call) =>
          ["open", "readDirectory", "syncDirectory"].includes(call.operation) && failures-- > 0
            ? fails(code)(call)
            : Effect.void
        )
        const patient = patientFs(disk.fs)
        for (
          const call of [
            Effect.scoped(patient.open(disk.path(code), { access: "create" })),
            Effect.flatMap(patient.openHandle(disk.path(code), { access: "read" }), ({ close }) => close),
            patient.readDirectory(disk.root),
            patient.syncDirectory(disk.root)
          ]
        ) {
          failures = 3
          yield* Effect.asVoid(call)
          assert.strictEqual(failures, -1)
        }
      }
    }))

  it.live("it is told after a while, and anything else at once", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      fs.mkdirSync(disk.root)
      let calls = 0
      let code = "EMFILE"
      disk.intercept((call) => {
        calls++
        return fails(code)(call)
      })
      const read = patientFs(disk.fs).readDirectory(disk.root)
      assert.strictEqual((yield* Effect.flip(read)).code, "EMFILE")
      assert.strictEqual(calls, 5)
      code = "EACCES"
      yield* Effect.flip(read)
      assert.strictEqual(calls, 6)
    }))

  it.live("a commit goes through all the same", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const { layout } = yield* disk.open()
      yield* add(layout, entry("a", "app:v1"))
      let opened = 0
      disk.intercept((call) => call.operation === "open" && opened++ % 2 === 0 ? fails("EMFILE")(call) : Effect.void)
      yield* add(layout, entry("b", "app:v2"))
      assert.strictEqual(disk.entries().length, 2)
    }))
})
