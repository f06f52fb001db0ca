/** Names in `.ocilayout` are short enough for every file system, with each digest algorithm. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { trashAt, trashOf } from "../../../src/node/blobs/trash.ts"
import { hasher } from "../../../src/node/files/hasher.ts"
import { digestOfName, hashOfName, nameOfDigest, nameOfHash } from "../../../src/node/files/names.ts"
import { replacedIndexAt } from "../../../src/node/index/replacedIndexes.ts"
import { sharedRegistry } from "../../../src/ops/makeRegistry.ts"
import { newDisk } from "../../support/disk.ts"
import { later } from "../../support/later.ts"
import { longestName } from "../../support/watchedFs.ts"

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const bytes = utf8("content")
const mediaType = "application/vnd.oci.image.manifest.v1+json"
const digests = [hasher.digest("sha256", bytes), hasher.digest("sha512", bytes)] as const
const hash = digests[0].slice("sha256:".length)

/** All names below a folder. */
const namesIn = (folder: string): ReadonlyArray<string> =>
  fs.readdirSync(folder, { recursive: true, withFileTypes: true }).map(({ name }) => name)

describe("names in .ocilayout", () => {
  it.each(digests)("have %s in them, and give it back", (digest) => {
    assert.strictEqual(digestOfName(nameOfDigest(digest)), digest)
    assert.strictEqual(digestOfName(digest.replace(":", "-")), digest, "with all its digits")
    assert.isUndefined(digestOfName(`${nameOfDigest(digest)}A`))
    assert.isUndefined(digestOfName(nameOfDigest(digest).slice(0, -1)))
  })

  it("have hashes in them, and give them back", () => {
    assert.lengthOf(nameOfHash(hash), 43)
    assert.strictEqual(hashOfName(nameOfHash(hash)), hash)
    assert.strictEqual(hashOfName(hash), hash, "with all its digits")
    for (const none of ["", "0", `${hash}00`, nameOfHash(hash).slice(1), `${nameOfHash(hash).slice(0, -1)}_`]) {
      assert.isUndefined(hashOfName(none), none)
    }
  })

  it.live("find content in the trash by old names as well", () =>
    Effect.gen(function*() {
      const { files } = yield* newDisk
      fs.mkdirSync(files.trash, { recursive: true })
      for (const digest of digests) {
        const old = join(files.trash, `${Date.now()}.${digest.replace(":", "-")}.${"0".repeat(32)}`)
        const now = yield* trashAt(files, digest)
        for (const path of [old, now]) fs.writeFileSync(path, bytes)
        assert.sameMembers(Array.from(yield* trashOf(files, digest)), [old, now])
      }
    }))

  it.live("have 142 bytes at most, for every operation on content with a SHA-512", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const names = new Set<string>()
      const look = Effect.sync(() => {
        for (const name of namesIn(disk.path(".ocilayout"))) names.add(name)
      })
      const registry = sharedRegistry(yield* disk.open({}, "app"), hasher)
      const push = (content: Uint8Array) =>
        registry.pushBlob("app", Stream.succeed(content), { digest: hasher.digest("sha512", content) })
      const manifest = utf8(JSON.stringify({
        schemaVersion: 2,
        mediaType,
        config: { ...(yield* push(utf8("{}"))).descriptor, mediaType: "application/vnd.oci.empty.v1+json" },
        layers: []
      }))
      const pushed = yield* registry.pushManifest("app", manifest, mediaType, {
        digest: hasher.digest("sha512", manifest),
        tags: ["v1"]
      })
      yield* registry.pin("app", pushed.descriptor.digest)
      yield* look

      // Damaged, so that it comes into the quarantine; then pushed again, and needed by nothing.
      const { descriptor } = yield* push(bytes)
      disk.write(join("blobs", ...descriptor.digest.split(":")), "damaged")
      yield* registry.repair()
      yield* look
      yield* push(bytes)
      const dayLater = later(30 * 60 * 60 * 1000)
      const plan = yield* dayLater(registry.planGarbage({ grace: 0, undoWindow: 0 }))
      const id = Option.getOrThrow(plan.id)
      const made = Date.now() / 1000 + 30 * 60 * 60
      fs.utimesSync(disk.path(".ocilayout", "plans", `${id}.json`), made, made)
      const { removed } = yield* dayLater(registry.collectGarbage(id))
      assert.deepStrictEqual(removed.map(({ name }) => name), [descriptor.digest])
      yield* look

      const kinds = ["quarantine", "trash", "replaced", "pins"].map((folder) =>
        namesIn(disk.path(".ocilayout", folder))
      )
      for (const kind of kinds) assert.isNotEmpty(kind)
      assert.isTrue(Array.from(names).some((name) => name.includes(nameOfDigest(digests[1]))))
      assert.deepStrictEqual(Array.from(names).filter((name) => Buffer.byteLength(name) > longestName), [])
    }))

  it.live("of replaced indexes are as short", () =>
    Effect.gen(function*() {
      const { files } = yield* newDisk
      const { path } = yield* replacedIndexAt(files, { before: hash, after: "f".repeat(64) })
      assert.isAtMost(path.length - files.replaced.length - 1, longestName)
    }))
})
