import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { someOf } from "../../properties/support/share.ts"
import { hasher } from "../../src/node/files/hasher.ts"
import { nodeFs } from "../../src/node/fs/nodeFs.ts"
import { makeDisk } from "../../src/node/index.ts"
import { openStores } from "../../src/node/stores.ts"
import { sharedRegistry } from "../../src/ops/makeRegistry.ts"
import { type Fault, faultyFs } from "../support/faultyFs.ts"
import { verified } from "../support/findings.ts"
import { makeOld, temporaryFolder } from "../support/folders.ts"
import { ownLayout } from "../support/layouts.ts"

type Damage = "a torn index" | "a lost index, and no journal" | "content" | "no oci-layout, and a list that is null"

const damaged = Buffer.from("damaged")

/** Every file below a folder that was damaged on purpose. */
const keptIn = (directory: string): number =>
  fs.readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) => {
    const path = join(directory, name)
    return fs.lstatSync(path).isFile() && fs.readFileSync(path).equals(damaged)
  }).length

const harm = (directory: string, damage: Damage, digest: string): void => {
  const index = join(directory, "index.json")
  switch (damage) {
    case "a torn index":
      fs.writeFileSync(index, damaged)
      break
    case "a lost index, and no journal":
      fs.rmSync(index)
      fs.rmSync(join(directory, ".ocilayout"), { recursive: true })
      break
    case "content":
      fs.writeFileSync(join(directory, "blobs", digest.replace(":", "/")), damaged)
      break
    case "no oci-layout, and a list that is null":
      fs.rmSync(join(directory, "oci-layout"))
      fs.rmSync(join(directory, ".ocilayout"), { recursive: true })
      fs.writeFileSync(index, `{"schemaVersion":2,"manifests":null}`)
  }
  makeOld(directory)
}

describe("a call that fails during a repair", () => {
  it.live.each<Damage>([
    "a torn index",
    "a lost index, and no journal",
    "content",
    "no oci-layout, and a list that is null"
  ])("of %s loses nothing, and the next repair ends it", (damage) =>
    Effect.gen(function*() {
      const mirror = yield* ownLayout()
      const template = join(yield* temporaryFolder, "layout")
      fs.cpSync(mirror.directory, template, { recursive: true, preserveTimestamps: true })
      fs.rmSync(join(template, ".ocilayout/leases"), { recursive: true })
      harm(template, damage, mirror.image.config.digest)
      const kept = keptIn(template)

      const attempt = Effect.fnUntraced(function*(fault: Fault | undefined) {
        const directory = join(yield* temporaryFolder, "layout")
        fs.cpSync(template, directory, { recursive: true, preserveTimestamps: true })
        const faulty = faultyFs(nodeFs, { root: directory })
        const place = JSON.stringify(fault)
        const calls = yield* Effect.scoped(Effect.gen(function*() {
          const stores = yield* openStores(faulty.fs, { directory, lockWait: 2000 }, undefined)
          faulty.arm(fault)
          const registry = sharedRegistry(stores, hasher)
          const result = yield* Effect.result(registry.repair({ source: mirror.registry }))
          const calls = faulty.calls()
          faulty.arm()
          if (result._tag === "Failure") assert.strictEqual(result.failure._tag, "StorageError", place)
          assert.isAtLeast(keptIn(directory), kept, place)
          yield* registry.repair({ source: mirror.registry })
          return calls
        }))
        for (let wait = 0; faulty.left() > 0 && wait < 50; wait++) yield* Effect.sleep(2)
        assert.strictEqual(faulty.left(), 0, `${place}: files left open`)
        assert.isAtLeast(keptIn(directory), kept, place)
        const registry = yield* makeDisk({ directory })
        const wrong = (yield* verified(registry)).lines.filter((line) => !line.startsWith("info"))
        assert.deepStrictEqual(wrong, [], place)
        const repositories = yield* Stream.runCollect(registry.repositories())
        assert.deepStrictEqual(
          repositories,
          damage === "a lost index, and no journal" || damage === "no oci-layout, and a list that is null"
            ? ["recovered"]
            : ["app"],
          place
        )
        return calls
      })

      const calls = yield* attempt(undefined)
      assert.isAbove(calls.length, 20)
      for (const [place, call] of someOf(Array.from(calls.entries()))) {
        const at = place + 1
        yield* attempt({ at, code: "EIO" })
        if (/^(?:write|rename|link|exchange|open\(create\))/u.test(call)) {
          yield* attempt({ at, code: "EIO", mode: call.startsWith("write") ? "torn" : "done" })
          yield* attempt({ at, code: "ENOSPC", lasting: true })
        }
      }
    }))
})
