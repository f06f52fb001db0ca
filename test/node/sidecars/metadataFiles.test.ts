import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { hasher } from "../../../src/node/files/hasher.ts"
import { sealOf, UserKey } from "../../../src/node/fs/userKey.ts"
import { writeFacts } from "../../../src/node/sidecars/metadataText.ts"
import type { Descriptor } from "../../../src/oci/Descriptor.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../../src/ops/makeRegistry.ts"
import { type Disk, newDisk } from "../../support/disk.ts"
import { digest } from "../../support/entries.ts"
import { image, pushImage, pushManifest, referrerOf, type SampleImage } from "../../support/images.ts"

const base = image("base")
const signature = referrerOf(base, "signature", { annotations: { by: "somebody" } })
const other = image("other")
const facts = ".ocilayout/facts"

/** What one process does: it opens the layout, and closes it again. */
const inProcess = Effect.fnUntraced(function*<A, E>(
  disk: Disk,
  use: (registry: LayoutRegistry) => Effect.Effect<A, E>
) {
  const scope = yield* Scope.make()
  const stores = yield* Scope.provide(disk.open({ durability: "none" }), scope)
  const result = yield* use(sharedRegistry(stores, hasher))
  yield* Scope.close(scope, Exit.void)
  return result
})

const referrers = (registry: LayoutRegistry) => Stream.runCollect(registry.referrers("app", base.descriptor.digest))

const filesIn = (disk: Disk): ReadonlyArray<string> =>
  fs.existsSync(disk.path(facts)) ? fs.readdirSync(disk.path(facts)) : []

/** A layout with a base, what refers to it, and another image. */
const written = Effect.gen(function*() {
  const disk = yield* newDisk
  yield* inProcess(
    disk,
    (registry) =>
      Effect.forEach(
        [base, signature, other],
        (one: SampleImage) => pushImage(registry, "app", one, [one.descriptor.digest.slice(7, 14)])
      )
  )
  return disk
})

/** Which manifests a process opens while it lists what refers to the base, and what it finds. */
const listed = Effect.fnUntraced(function*(disk: Disk) {
  disk.told()
  const found = yield* inProcess(disk, referrers)
  const opened = disk.told("open").filter((call) => call.includes("blobs/"))
  return {
    found: found.map((one: Descriptor) => ({ annotations: one.annotations, digest: one.digest })),
    opened: opened.length
  }
})

const none: ReadonlyMap<string, string> = new Map()

/** A file with these lines, as if this user had written it. */
const sealed = Effect.fnUntraced(function*(lines: string) {
  const key = (yield* UserKey)("sealing")
  assert.isDefined(key)
  return `${sealOf(key, "facts of manifests", lines)}\n${lines}`
})

/** What says of the signature that it refers to nothing. */
const lie = writeFacts(signature.descriptor, {
  kind: "artifact",
  mediaType: signature.descriptor.mediaType,
  bytes: 1,
  layers: [],
  manifests: [],
  annotations: none
})

const expected = [{ annotations: { by: "somebody" }, digest: signature.descriptor.digest }]

describe("facts of manifests", () => {
  it.live("that were pushed are known to later processes, which need not read them", () =>
    Effect.gen(function*() {
      const disk = yield* written
      assert.lengthOf(filesIn(disk), 1)
      assert.deepStrictEqual(yield* listed(disk), { found: expected, opened: 0 })
    }))

  it.live("are found out again where they are gone, and a reader leaves no trace", () =>
    Effect.gen(function*() {
      const disk = yield* written
      fs.rmSync(disk.path(facts), { recursive: true })
      assert.deepStrictEqual(yield* listed(disk), { found: expected, opened: 3 })
      assert.deepStrictEqual(filesIn(disk), [])
    }))

  it.live("that a writer found out of manifests of others are kept as well", () =>
    Effect.gen(function*() {
      const disk = yield* written
      fs.rmSync(disk.path(facts), { recursive: true })
      yield* inProcess(
        disk,
        (registry) => Effect.andThen(referrers(registry), pushManifest(registry, "app", other, ["again"]))
      )
      assert.deepStrictEqual(yield* listed(disk), { found: expected, opened: 0 })
    }))

  it.live("that are damaged, not ours to read or no file at all are passed over", () =>
    Effect.gen(function*() {
      const disk = yield* written
      const [name = ""] = filesIn(disk)
      const path = disk.path(facts, name)
      const text = fs.readFileSync(path, "utf8")
      for (const damaged of [text.replace("\timage\t", "\tindex\t"), text.slice(0, -20), text.slice(0, 10), ""]) {
        fs.writeFileSync(path, damaged)
        assert.deepStrictEqual(yield* listed(disk), { found: expected, opened: 3 })
      }
      fs.rmSync(path)
      fs.symlinkSync("/dev/zero", path)
      assert.deepStrictEqual(yield* listed(disk), { found: expected, opened: 3 })
      fs.rmSync(path)
      fs.mkdirSync(path)
      assert.deepStrictEqual(yield* listed(disk), { found: expected, opened: 3 })
      fs.writeFileSync(disk.path(facts, "notes.txt"), text)
      fs.writeFileSync(disk.path(facts, `${"0".repeat(32)}.facts`), text)
      assert.deepStrictEqual(yield* listed(disk), { found: expected, opened: 3 })
    }))

  it.live("that came with a layout, or that another user has written, are not believed, and lie there untouched", () =>
    Effect.gen(function*() {
      const disk = yield* written
      const [name = ""] = filesIn(disk)
      const path = disk.path(facts, name)
      const key = new Uint8Array(32)
      // In the place of our own file, whose name anybody can see: sealed by others, or not at all.
      for (const forged of [lie, `${"0".repeat(64)}\n${lie}`, `${sealOf(key, "facts of manifests", lie)}\n${lie}`]) {
        fs.writeFileSync(path, forged)
        assert.deepStrictEqual(yield* listed(disk), { found: expected, opened: 3 })
      }
      fs.writeFileSync(path, yield* sealed(lie))
      assert.deepStrictEqual((yield* listed(disk)).found, [], "what this user has written is")
      const theirs = Effect.provideService(listed(disk), UserKey, () => key)
      assert.deepStrictEqual(yield* theirs, { found: expected, opened: 3 })
      const writing = inProcess(
        disk,
        (registry) => Effect.andThen(referrers(registry), pushManifest(registry, "app", other, ["again"]))
      )
      yield* Effect.provideService(writing, UserKey, () => key)
      assert.deepStrictEqual((yield* theirs).opened, 0)
      assert.lengthOf(filesIn(disk), 2)
    }))

  it.live("are neither read nor written where the user has no key, and nothing else is missing", () =>
    Effect.gen(function*() {
      const disk = yield* written
      const before = filesIn(disk)
      const without = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        Effect.provideService(effect, UserKey, () => undefined)
      disk.told()
      const writing = inProcess(
        disk,
        (registry) => Effect.andThen(referrers(registry), pushManifest(registry, "app", other, ["again"]))
      )
      yield* without(writing)
      assert.deepStrictEqual(disk.told().filter((call) => call.includes("facts")), [])
      assert.deepStrictEqual(yield* without(listed(disk)), { found: expected, opened: 3 })
      assert.deepStrictEqual(filesIn(disk), before)
    }))

  it.live("in a folder that leads elsewhere are neither read nor written", () =>
    Effect.gen(function*() {
      const disk = yield* written
      const elsewhere = join(disk.root, "..", "elsewhere")
      fs.renameSync(disk.path(facts), elsewhere)
      fs.symlinkSync(elsewhere, disk.path(facts))
      assert.strictEqual((yield* listed(disk)).opened, 3)
      yield* inProcess(disk, (registry) => pushManifest(registry, "app", other, ["again"]))
      assert.lengthOf(fs.readdirSync(elsewhere), 1)
    }))

  it.live("decide nothing: a forged one that hides what is needed causes no deletion", () =>
    Effect.gen(function*() {
      const disk = yield* written
      const [name = ""] = filesIn(disk)
      const { descriptor } = base
      const nothing = { kind: "image", mediaType: descriptor.mediaType, bytes: 1, layers: [], manifests: [] } as const
      fs.writeFileSync(disk.path(facts, name), yield* sealed(writeFacts(descriptor, { ...nothing, annotations: none })))
      yield* inProcess(disk, (registry) =>
        Effect.gen(function*() {
          // As said: of what has no seal, questions are answered.
          yield* referrers(registry)
          const blobs = yield* Stream.runCollect(registry.digests("app", "blob"))
          assert.notInclude(blobs, base.config.descriptor.digest)
          const refused = yield* Effect.flip(registry.deleteBlob("app", base.config.descriptor.digest))
          assert.strictEqual(refused._tag, "Referenced")
        }))
    }))

  it.live("do not say what is copied: that is read from the manifests themselves", () =>
    Effect.gen(function*() {
      const disk = yield* written
      const [name = ""] = filesIn(disk)
      const { descriptor } = signature
      const nothing = {
        kind: "artifact",
        mediaType: descriptor.mediaType,
        bytes: 1,
        layers: [],
        manifests: []
      } as const
      fs.writeFileSync(disk.path(facts, name), yield* sealed(writeFacts(descriptor, { ...nothing, annotations: none })))
      assert.deepStrictEqual((yield* listed(disk)).found, [])
      const verified = yield* inProcess(disk, (registry) =>
        Effect.andThen(
          referrers(registry),
          Stream.runCollect(registry.referrers("app", base.descriptor.digest, { verified: true }))
        ))
      assert.deepStrictEqual(verified.map(({ digest }) => digest), [descriptor.digest])
    }))

  it.live("that are too many, or too long, make no operation fail", () =>
    Effect.gen(function*() {
      const disk = yield* written
      const [name = ""] = filesIn(disk)
      fs.writeFileSync(disk.path(facts, name), yield* sealed("k\t1\timage\t\t\t{}\n".repeat(300_000)))
      assert.deepStrictEqual(yield* listed(disk), { found: expected, opened: 3 })
      const key = `${base.descriptor.digest} ${base.descriptor.mediaType}`
      const children = `[${`{"digest":"${digest("a")}","size":1},`.repeat(90_000).slice(0, -1)}]`
      fs.writeFileSync(disk.path(facts, name), yield* sealed(`${key}\t1\tindex\t\t${children}\t{}\n`))
      assert.deepStrictEqual((yield* listed(disk)).found, expected)
    }))

  it.live("in many small files are made one, and lose nothing by it", () =>
    Effect.gen(function*() {
      const disk = yield* written
      for (let round = 0; round < 20; round++) {
        yield* inProcess(disk, (registry) => pushImage(registry, "app", image(`image ${round}`), [`v${round}`]))
      }
      assert.isBelow(filesIn(disk).length, 16)
      assert.deepStrictEqual(yield* listed(disk), { found: expected, opened: 0 })
    }))

  it.live("are not kept of a layout that was removed meanwhile", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      yield* inProcess(
        disk,
        (registry) =>
          Effect.andThen(
            pushImage(registry, "app", base, ["v1"]),
            Effect.sync(() => fs.rmSync(disk.root, { recursive: true }))
          )
      )
      assert.isFalse(fs.existsSync(disk.root))
    }))

  it.live("that cannot be kept stop no push", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      fs.mkdirSync(disk.path(".ocilayout"), { recursive: true })
      fs.writeFileSync(disk.path(facts), "in the way")
      yield* inProcess(disk, (registry) => pushImage(registry, "app", base, ["v1"]))
      assert.lengthOf(disk.entries(), 1)
    }))
})
