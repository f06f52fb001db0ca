import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { hasher } from "../../../src/node/files/hasher.ts"
import { Denied, OutcomeUnknown, PlanExpired, type RegistryError, StorageError } from "../../../src/oci/OciError.ts"
import type { GarbageItem } from "../../../src/ops/api/Garbage.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../../src/ops/makeRegistry.ts"
import { readOnly } from "../../../src/ops/readOnly.ts"
import { type Disk, newDisk, sha256 } from "../../support/disk.ts"
import { image, pushBlob, pushImage, pushManifest, sample } from "../../support/images.ts"
import { later } from "../../support/later.ts"
import { type Call, fails } from "../../support/watchedFs.ts"

const one = image("one")
const garbage = sample("needed by nothing", "application/octet-stream")
const now = { grace: 0, undoWindow: 0 }

const names = (items: ReadonlyArray<GarbageItem>) => items.map(({ name }) => name).toSorted()

const shiftMillis = 30 * 60 * 60 * 1000

/** More than a day later nothing that was pushed before is marked or young any more. */
const aDayLater = later(shiftMillis)

const isHeld = (disk: Disk, { descriptor }: typeof garbage): boolean =>
  fs.existsSync(disk.path(".ocilayout", "kept", ...descriptor.digest.split(":")))

const opened = Effect.fnUntraced(function*() {
  const disk = yield* newDisk
  const open = Effect.map(disk.open(), (stores) => sharedRegistry(stores, hasher))
  const registry = yield* open
  yield* pushImage(registry, "app", one, ["v1"])
  yield* pushBlob(registry, "app", garbage)
  return { disk, open, registry }
})

const look = (registry: LayoutRegistry) => aDayLater(registry.planGarbage(now))

/** A plan that was made just now, by that clock. */
const planOf = Effect.fnUntraced(function*(disk: Disk, registry: LayoutRegistry) {
  const id = Option.getOrThrow((yield* look(registry)).id)
  touch(disk, id)
  return id
})

const touch = (disk: Disk, plan: string): void => {
  const made = (Date.now() + shiftMillis) / 1000
  fs.utimesSync(disk.path(".ocilayout", "plans", `${plan}.json`), made, made)
}

const collect = (registry: LayoutRegistry, plan: string) => aDayLater(registry.collectGarbage(plan))

const isThere = (disk: Disk, { descriptor }: typeof garbage): boolean =>
  fs.existsSync(disk.path("blobs", ...descriptor.digest.split(":")))

const temporary = (disk: Disk): ReadonlyArray<string> => fs.readdirSync(disk.path(".ocilayout", "tmp"))

/** The digests of what lies in the trash. */
const trashed = (disk: Disk): ReadonlyArray<string> =>
  fs.readdirSync(disk.files.trash).map((name) => (name.split(".")[1] ?? "").replace("-", ":")).toSorted()

/** The moment in which a blob is taken out of sight. */
/** Has work done before the first call of a kind; answers whether it was. */
const beforeFirst = (
  disk: Disk,
  isMeant: (call: Call) => boolean,
  work: Effect.Effect<unknown, RegistryError>
): () => boolean => {
  let done = false
  disk.intercept((call) => {
    if (done || !isMeant(call)) return Effect.void
    done = true
    return Effect.orDie(Effect.asVoid(work))
  })
  return () => done
}

const isTaking = ({ operation, path }: Call): boolean => operation === "rename" && path.startsWith(".ocilayout/trash/")

describe("collecting garbage on disk", () => {
  it.live("moves blobs that nothing needs to the trash, removes their second names, and nothing else", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* opened()
      assert.deepStrictEqual(names((yield* registry.planGarbage(now)).items.filter(({ goes }) => goes)), [])
      const { bytes, removed, spared } = yield* collect(registry, yield* planOf(disk, registry))
      assert.deepStrictEqual(names(removed), [garbage.descriptor.digest])
      assert.deepStrictEqual(spared, [])
      assert.strictEqual(bytes, garbage.bytes.length)
      assert.isFalse(isThere(disk, garbage))
      assert.isFalse(isHeld(disk, garbage))
      assert.deepStrictEqual(trashed(disk), [garbage.descriptor.digest])
      for (const part of [one, one.config, ...one.layers]) assert.isTrue(isThere(disk, part) && isHeld(disk, part))
      assert.deepStrictEqual(yield* registry.usage, {
        blobs: 3,
        bytes: [one, one.config, ...one.layers].reduce((sum, part) => sum + part.bytes.length, 0)
      })
      assert.deepStrictEqual(temporary(disk), [])
      const [commit] = disk.journal().at(-1)?.commits ?? []
      assert.deepStrictEqual(commit?.events.map(({ _tag }) => _tag), ["BlobCollected"])
    }))

  it.live("deletes at once where it is told so: what it takes, and what was taken before", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* opened()
      const more = sample("not needed either", "application/octet-stream")
      yield* collect(registry, yield* planOf(disk, registry))
      assert.deepStrictEqual(trashed(disk), [garbage.descriptor.digest])
      yield* pushBlob(registry, "app", more)
      const id = Option.getOrThrow((yield* aDayLater(registry.planGarbage({ ...now, now: true }))).id)
      touch(disk, id)
      const { removed } = yield* collect(registry, id)
      assert.deepStrictEqual(names(removed), [more.descriptor.digest])
      assert.isFalse(isThere(disk, more) || isHeld(disk, more))
      assert.deepStrictEqual(trashed(disk), [])
    }))

  it.live("keeps what is pushed, mounted or named at any moment meanwhile", () =>
    Effect.gen(function*() {
      const doings: ReadonlyArray<(registry: LayoutRegistry) => Effect.Effect<unknown, RegistryError>> = [
        (registry) => pushBlob(registry, "app", garbage),
        (registry) => registry.mountBlob("app", "web", garbage.descriptor.digest)
      ]
      for (const doing of doings) {
        const { disk, open, registry } = yield* opened()
        const id = yield* planOf(disk, registry)
        const other = yield* open
        const isDone = beforeFirst(disk, isTaking, doing(other))
        const { removed, spared } = yield* collect(registry, id)
        assert.isTrue(isDone())
        assert.deepStrictEqual(names(removed), [])
        assert.deepStrictEqual(spared.map(({ why }) => why), ["was pushed again just now"])
        assert.isTrue(isThere(disk, garbage) && isHeld(disk, garbage))
        assert.deepStrictEqual(trashed(disk), [])
      }
    }))

  it.live("keeps what is pushed once it is out of sight", () =>
    Effect.gen(function*() {
      const { disk, open, registry } = yield* opened()
      const id = yield* planOf(disk, registry)
      const other = yield* open
      let taken = false
      // By then its marks have been looked for.
      const letsGo = (call: Call): boolean => {
        if (isTaking(call)) taken = true
        return taken && call.operation === "unlink" && call.path.startsWith(".ocilayout/trash/")
      }
      const isDone = beforeFirst(disk, letsGo, pushBlob(other, "app", garbage))
      yield* collect(registry, id)
      assert.isTrue(isDone())
      assert.isTrue(isThere(disk, garbage) && isHeld(disk, garbage))
      assert.deepStrictEqual(names((yield* look(registry)).items.filter(({ goes }) => goes)), [])
    }))

  it.live("puts everything back where the marks cannot be read", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* opened()
      const id = yield* planOf(disk, registry)
      let taken = false
      disk.intercept((call) => {
        if (isTaking(call)) taken = true
        return taken && call.operation === "readDirectory" && call.path.includes("leases")
          ? fails("EIO")(call)
          : Effect.void
      })
      assert.instanceOf(yield* Effect.flip(collect(registry, id)), OutcomeUnknown)
      assert.isTrue(isThere(disk, garbage) && isHeld(disk, garbage))
      assert.deepStrictEqual(trashed(disk), [])
    }))

  it.live("finishes with what it has taken where it cannot take the next", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* opened()
      const other = sample("nor by anybody else", "application/octet-stream")
      yield* pushBlob(registry, "app", other)
      const id = yield* planOf(disk, registry)
      // The first has two names.
      let taken = 0
      disk.intercept((call) => isTaking(call) && taken++ === 2 ? fails("EIO")(call) : Effect.void)
      assert.instanceOf(yield* Effect.flip(collect(registry, id)), OutcomeUnknown)
      const left = [garbage, other].find((one) => isThere(disk, one))
      const gone = [garbage, other].find((one) => !isThere(disk, one))
      assert(left !== undefined && gone !== undefined)
      assert.isTrue(isHeld(disk, left) && !isHeld(disk, gone))
      assert.deepStrictEqual(trashed(disk), [gone.descriptor.digest])
    }))

  it.live("holds what it takes until it knows that no other copy does, should it die there", () =>
    Effect.gen(function*() {
      const { disk, open } = yield* opened()
      const { digest } = garbage.descriptor
      const path = disk.path("blobs", ...digest.split(":"))
      const aside = join(disk.files.trash, `${Date.now()}.${digest.replace(":", "-")}.${"0".repeat(32)}`)
      fs.renameSync(path, aside)
      fs.rmSync(disk.files.kept, { recursive: true })
      fs.rmSync(disk.files.marks, { recursive: true })
      const other = yield* open
      yield* pushBlob(other, "app", image("two").config)
      assert.strictEqual((yield* other.resolveBlob("app", digest)).size, garbage.bytes.length)
      yield* other.mountBlob("app", "web", digest)
      assert.isTrue(isThere(disk, garbage) && isHeld(disk, garbage))
      assert.deepStrictEqual(trashed(disk), [])
      // What is deleted on purpose lies nowhere any more.
      fs.renameSync(path, aside)
      yield* other.deleteBlob("app", digest)
      assert.deepStrictEqual([isThere(disk, garbage), isHeld(disk, garbage), trashed(disk)], [false, false, []])
    }))

  it.live("has a blob's name on the disk again before it lets go of it", () =>
    Effect.gen(function*() {
      const { disk, open, registry } = yield* opened()
      const id = yield* planOf(disk, registry)
      const other = yield* open
      beforeFirst(disk, isTaking, other.mountBlob("app", "web", garbage.descriptor.digest))
      disk.told()
      yield* collect(registry, id)
      const { digest } = garbage.descriptor
      const name = `.ocilayout/trash/${digest.replace(":", "-")}`
      const calls = disk.told("rename", "link", "syncDirectory", "unlink")
        .filter((call) => / blobs\/|trash/u.test(call))
      const from = calls.indexOf(`link blobs/${digest.replace(":", "/")}`)
      assert.deepStrictEqual(calls.slice(from, from + 3), [
        `link blobs/${digest.replace(":", "/")}`,
        "syncDirectory blobs/sha256",
        `unlink ${name}`
      ])
    }))

  it.live("gives what it took to a manifest that needs it, until it is gone from the trash: then it is refused", () =>
    Effect.gen(function*() {
      const { disk, open, registry } = yield* opened()
      const [two, three] = [image("two"), image("three")]
      for (const part of [two.config, ...two.layers, ...three.layers]) yield* pushBlob(registry, "app", part)
      yield* collect(registry, yield* planOf(disk, registry))
      yield* pushBlob(registry, "app", three.config)
      yield* pushManifest(registry, "app", three, ["v3"])
      for (const layer of three.layers) assert.isTrue(isThere(disk, layer) && isHeld(disk, layer))
      assert.deepStrictEqual(
        trashed(disk),
        [garbage, two.config, ...two.layers].map(({ descriptor }) => descriptor.digest).toSorted()
      )
      for (const name of fs.readdirSync(disk.files.trash)) {
        const old = name.replace(/^\d+/u, String(Date.now() - shiftMillis))
        fs.renameSync(join(disk.files.trash, name), join(disk.files.trash, old))
      }
      yield* (yield* open).deleteTag("app", "v3")
      assert.deepStrictEqual(trashed(disk), [])
      const refused = yield* Effect.flip(pushManifest(registry, "app", two, ["v2"]))
      assert.strictEqual(refused._tag, "ManifestBlobUnknown")
      yield* pushImage(registry, "app", two, ["v2"])
    }))
})

describe("collecting in a layout whose links are followed", () => {
  it.live("takes nothing that is reached through a link, and nothing that a link leads to", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const stores = yield* disk.open({ symlinks: "follow" })
      const registry = sharedRegistry(stores, hasher)
      yield* pushImage(registry, "app", one, ["v1"])
      yield* pushBlob(registry, "app", garbage)
      const hex = garbage.descriptor.digest.slice(7)
      fs.mkdirSync(disk.path("blobs", "sha512"))
      fs.symlinkSync(`../sha256/${hex}`, disk.path("blobs", "sha512", "a".repeat(128)))
      const going = Effect.map(look(registry), ({ items }) => names(items.filter(({ goes }) => goes)))
      assert.deepStrictEqual(yield* going, [])
      fs.rmSync(disk.path("blobs", "sha512"), { recursive: true })
      assert.deepStrictEqual(yield* going, [garbage.descriptor.digest])
      fs.renameSync(disk.path("blobs"), disk.path("pool"))
      fs.symlinkSync("pool", disk.path("blobs"))
      assert.deepStrictEqual(yield* going, [])
    }))
})

describe("what tools have left behind", () => {
  it.live("goes once it was not touched for a day, and unknown files stay", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* opened()
      const old = Date.now() / 1000 - 2 * 86_400
      const left = ["index.json.tmp", "oci-put-blob123", "ingest/abc"]
      for (const name of [...left, "blobs/sha256/strange"]) {
        disk.write(name, "left")
        fs.utimesSync(disk.path(name), old, old)
      }
      disk.write("oci-put-blob7", "young")
      const { id, items } = yield* registry.planGarbage(now)
      const files = items.filter(({ kind }) => kind === "file")
      assert.deepStrictEqual(names(files.filter(({ goes }) => goes)), left.toSorted())
      assert.deepStrictEqual(names(files.filter(({ goes }) => !goes)), ["blobs/sha256/strange", "oci-put-blob7"])
      const present = Date.now() / 1000
      fs.utimesSync(disk.path("index.json.tmp"), present, present)
      const { removed, spared } = yield* registry.collectGarbage(Option.getOrThrow(id))
      assert.deepStrictEqual(names(removed), ["ingest/abc", "oci-put-blob123"])
      assert.deepStrictEqual(names(spared), ["index.json.tmp"])
      assert.isTrue(fs.existsSync(disk.path("index.json.tmp")))
      assert.isFalse(fs.existsSync(disk.path("oci-put-blob123")))
      assert.isTrue(fs.existsSync(disk.path("blobs", "sha256", "strange")))
    }))
})

describe("a plan on disk", () => {
  it.live("is kept for an hour, and swept by the next", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* opened()
      const id = yield* planOf(disk, registry)
      const path = disk.path(".ocilayout", "plans", `${id}.json`)
      const old = (Date.now() + shiftMillis) / 1000 - 3600
      fs.utimesSync(path, old, old)
      assert.instanceOf(yield* Effect.flip(collect(registry, id)), PlanExpired)
      yield* planOf(disk, registry)
      assert.isFalse(fs.existsSync(path))
      assert.isTrue(isThere(disk, garbage))
    }))

  it.live("that is forged removes nothing that is needed", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* opened()
      const id = yield* planOf(disk, registry)
      const plan = disk.read(`.ocilayout/plans/${id}.json`)
      /** A plan under the id that belongs to it, which its maker then gives away. */
      const madeUp = (text: string): string => {
        const id = sha256(text).slice(0, 32)
        disk.write(`.ocilayout/plans/${id}.json`, text)
        touch(disk, id)
        return id
      }
      const needed = madeUp(plan.replaceAll(garbage.descriptor.digest, one.descriptor.digest))
      const { removed, spared } = yield* collect(registry, needed)
      assert.deepStrictEqual(removed, [])
      assert.deepStrictEqual(spared.map(({ why }) => why), ["needed by app:v1"])
      for (const text of ["", "{}", "null", plan.replaceAll("blob", "thing")]) {
        assert.instanceOf(yield* Effect.flip(collect(registry, madeUp(text))), PlanExpired)
      }
      const elsewhere = madeUp(plan.replaceAll(garbage.descriptor.digest, "../../x"))
      assert.deepStrictEqual((yield* collect(registry, elsewhere)).removed, [])
    }))

  it.live("is the one that was told with its id, or none", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* opened()
      const id = yield* planOf(disk, registry)
      const path = `.ocilayout/plans/${id}.json`
      const plan = disk.read(path)
      // What would let every tag go, in the place of what lets none go.
      const others = [plan.replace(`"retention":[]`, `"retention":[{"newest":0}]`), plan.replace(/^./u, "x"), ""]
      for (const text of others) {
        assert.notStrictEqual(text, plan)
        disk.write(path, text)
        touch(disk, id)
        assert.instanceOf(yield* Effect.flip(collect(registry, id)), PlanExpired)
      }
      assert.isTrue(isThere(disk, garbage))
      disk.write(path, plan)
      touch(disk, id)
      assert.deepStrictEqual(names((yield* collect(registry, id)).removed), [garbage.descriptor.digest])
    }))

  it.live("of a layout that cannot be written is only shown", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* opened()
      disk.intercept((call) => call.path.includes("plans") ? fails("EROFS")(call) : Effect.void)
      const { id, items } = yield* look(registry)
      assert.isTrue(Option.isNone(id))
      assert.deepStrictEqual(names(items.filter(({ goes }) => goes)), [garbage.descriptor.digest])
      disk.intercept((call) => call.path.includes("plans") ? fails("EIO")(call) : Effect.void)
      assert.instanceOf(yield* Effect.flip(look(registry)), StorageError)
      assert.instanceOf(yield* Effect.flip(readOnly(registry).collectGarbage("x")), Denied)
    }))
})

describe("a pin on disk", () => {
  it.live("holds for every process, also for one that cannot read it", () =>
    Effect.gen(function*() {
      const { disk, open, registry } = yield* opened()
      const { digest } = garbage.descriptor
      yield* registry.pin("app", digest)
      const other = yield* open
      const [pin] = yield* other.pins()
      assert.deepInclude(pin, { digest, mediaType: "application/octet-stream", size: garbage.bytes.length })
      const path = `.ocilayout/pins/${digest.replace(":", "-")}`
      for (const text of [disk.read(path), "", "{}"]) {
        disk.write(path, text)
        assert.deepStrictEqual(names((yield* look(other)).items.filter(({ goes }) => goes)), [])
      }
      yield* other.unpin("app", digest)
      assert.deepStrictEqual(yield* registry.pins(), [])
      assert.deepStrictEqual(names((yield* look(other)).items.filter(({ goes }) => goes)), [digest])
    }))

  it.live("and a collection exclude each other", () =>
    Effect.gen(function*() {
      const { disk, open, registry } = yield* opened()
      const id = yield* planOf(disk, registry)
      const other = yield* open
      yield* other.pin("app", garbage.descriptor.digest)
      const { spared } = yield* collect(registry, id)
      assert.deepStrictEqual(spared.map(({ why }) => why), ["pinned"])
      assert.isTrue(isThere(disk, garbage))
    }))

  it.live("is not written through a link", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* opened()
      fs.symlinkSync("/tmp", disk.path(".ocilayout", "pins"))
      assert.strictEqual((yield* Effect.flip(registry.pin("app", garbage.descriptor.digest)))._tag, "SymlinkRefused")
      fs.symlinkSync("/tmp", disk.path(".ocilayout", "plans"))
      assert.strictEqual((yield* Effect.flip(look(registry)))._tag, "SymlinkRefused")
    }))
})
