/** A registry on disk, asked for anything at all, answers or refuses in words, and never leaves its directory. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, type Scope, Stream } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { hasher } from "../../src/node/files/hasher.ts"
import { makeLayoutTree } from "../../src/node/layoutTree.ts"
import { openStores } from "../../src/node/stores.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { sharedRegistry, treeRegistry } from "../../src/ops/makeRegistry.ts"
import { pushImage } from "../../test/mcp/support/images.ts"
import { confinedFs } from "../support/confinedFs.ts"
import { figures } from "../support/figures.ts"
import { contentsOf, treeOf } from "../support/harm.ts"
import { mutatedText } from "../support/mutate.ts"
import { type Random, randomOf } from "../support/random.ts"
import { nameSeeds } from "../support/seeds.ts"
import { isWhole, runs, seed } from "../support/share.ts"
import { assertTold } from "../support/told.ts"

const numbers = [
  0,
  1,
  3,
  -0,
  -1,
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 31,
  2 ** 53 - 1,
  2 ** 53,
  1e300,
  -1e300
]

/** Something of ours that is really there, or something like it, or anything. */
const text = (random: Random, good: ReadonlyArray<string>): string =>
  random.once(3) ? random.pick(good) : mutatedText(random, random.once(2) ? good : nameSeeds)

const content = Stream.succeed(Buffer.from("some content"))

type Ask = readonly [string, Effect.Effect<unknown, RegistryError, Scope.Scope>]

/** What is there to be found. */
interface There {
  readonly digests: ReadonlyArray<string>
  readonly sessions: ReadonlyArray<string>
}

/** A range that is answered has the bytes it names, no more and no fewer. */
const rangeOf = (registry: LayoutRegistry, digest: string, offset: number, end: number) =>
  Effect.gen(function*() {
    const { size } = yield* registry.resolveBlob("app", digest)
    const { stream } = yield* registry.getBlobRange("app", digest, { offset, end })
    const bytes = Buffer.concat(yield* Stream.runCollect(stream))
    const until = end < 0 ? size : Math.min(end, size)
    assert.strictEqual(bytes.length, until - offset, `${offset} to ${end}`)
  })

const ask = (random: Random, registry: LayoutRegistry, { digests, sessions }: There): Ask => {
  const repository = random.once(2)
    ? "app"
    : text(random, ["app", "app/web", "../app", "app/../app", "app/blobs", "/app"])
  const tag = text(random, ["v1", "v2", "..", "."])
  const digest = text(random, digests)
  const id = text(random, [...sessions, "../tmp", "../../../bait", "../../../../bait", "0123456789abcdef".repeat(2)])
  const [a, b] = [random.pick(numbers), random.pick(numbers)]
  const page = { startAfter: text(random, ["app", ""]), limit: a }
  const asks: ReadonlyArray<Ask> = [
    ["resolveTag", registry.resolveTag(repository, tag)],
    ["choices", registry.choices(repository, tag)],
    ["getTag", registry.getTag(repository, tag)],
    ["getManifest", registry.getManifest(repository, digest)],
    ["getNamed", registry.getNamed(`${repository}:${tag}`)],
    ["resolveBlob", registry.resolveBlob(repository, digest)],
    ["getBlob", Effect.flatMap(registry.getBlob(repository, digest), ({ stream }) => Stream.runDrain(stream))],
    ["getBlobRange", rangeOf(registry, digests[1] ?? "", a, b)],
    ["blobPath", registry.blobPath(repository, digest)],
    ["expandDigest", registry.expandDigest(repository, digest)],
    ["tags", Stream.runCollect(registry.tags(repository, page))],
    ["repositories", Stream.runCollect(registry.repositories(page))],
    ["referrers", Stream.runCollect(registry.referrers(repository, digest, page))],
    ["findUpload", registry.findUpload(id)],
    ["pushBlob", registry.pushBlob(repository, content, { digest, size: a })],
    ["pushManifest", registry.pushManifest(repository, Buffer.from(digest), tag, { tags: [tag] })],
    ["tagManifest", registry.tagManifest(repository, digest, [tag])],
    ["mountBlob", registry.mountBlob("app", repository, digest)],
    ["deleteTag", registry.deleteTag(repository, tag, { ifDigest: digest })],
    ["deleteBlob", registry.deleteBlob(repository, digest)],
    ["pushBlobChunked", registry.pushBlobChunked(repository, a)],
    [
      "append",
      Effect.flatMap(
        registry.pushBlobChunkedResume(random.once(2) ? "app" : repository, id, random.once(2) ? {} : { offset: a }),
        (writer) => writer.append(random.once(2) ? b : writer.size, content)
      )
    ],
    ["commit", Effect.flatMap(registry.findUpload(id), (writer) => writer.commit(digest, a))]
  ]
  return random.pick(asks)
}

const writing = new Set(["append", "commit", "pushBlobChunked"])

interface Kind {
  readonly name: string
  readonly open: (
    fs: ReturnType<typeof confinedFs>["fs"],
    directory: string
  ) => Effect.Effect<LayoutRegistry, never, Scope.Scope>
}

const kinds: ReadonlyArray<Kind> = [
  {
    name: "one layout",
    open: (fs, directory) =>
      Effect.map(
        openStores(fs, { directory, durability: "none" }, undefined),
        (stores) => sharedRegistry(stores, hasher)
      )
  },
  {
    name: "a tree of layouts",
    open: (fs, directory) =>
      Effect.map(makeLayoutTree(fs, { directory, durability: "none" }), (layouts) => treeRegistry(layouts, hasher))
  }
]

const tagOf = (cause: Cause.Cause<RegistryError>, place: string): string => {
  const [reason, ...others] = cause.reasons
  if (reason === undefined || others.length > 0 || !Cause.isFailReason(reason)) {
    throw new Error(`${place} died: ${Cause.pretty(cause)}`)
  }
  assertTold(reason.error)
  return reason.error._tag
}

describe.each(kinds)("$name", ({ name, open }) => {
  it("answers every question, and what it refuses changes nothing", async () => {
    const folder = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "ocilayout-requests-")))
    const directory = join(folder, "layouts")
    // The session of another repository, for a server that takes a path for an id.
    fs.mkdirSync(join(folder, "bait"))
    fs.writeFileSync(join(folder, "bait", "meta.json"), `{"repository":"app"}`)
    fs.writeFileSync(join(folder, "bait", "data"), "bait")
    const outside = treeOf(folder)
    const answers = new Map<string, number>()
    const inputs = 8 * runs
    const confined = confinedFs(directory, "refuse")

    const check = Effect.gen(function*() {
      const registry = yield* open(confined.fs, directory)
      const image = yield* pushImage(registry, { tags: ["v1"] })
      const writer = yield* Effect.orDie(registry.pushBlobChunked("app"))
      const there: There = {
        digests: [image.digest, image.config.digest, image.layers[0]?.digest ?? ""],
        sessions: [writer.id]
      }
      for (let at = 0; at < inputs; at++) {
        const random = randomOf(seed + at)
        const [operation, effect] = ask(random, registry, there)
        const place = `PROPERTY_SEED=${seed}, input ${at}: ${operation}`
        const before = contentsOf(directory, [])
        const exit = yield* Effect.exit(Effect.scoped(effect))
        const answer = Exit.isSuccess(exit) ? "ok" : tagOf(exit.cause, place)
        answers.set(answer, (answers.get(answer) ?? 0) + 1)
        assert.strictEqual(confined.escapes.join("; "), "", place)
        if (Exit.isFailure(exit) && !writing.has(operation)) {
          const lost = before.filter((line) => !line.includes(".ocilayout"))
          assert.includeMembers(contentsOf(directory, []) as Array<string>, lost, place)
        }
      }
    })
    try {
      await Effect.runPromise(Effect.scoped(check))
      assert.deepStrictEqual(treeOf(folder).filter((line) => !line.startsWith("layouts")), outside)
      figures(`requests to ${name}`, { inputs, ...Object.fromEntries(answers) })
      if (isWhole) {
        const met = [
          "ok",
          "NameInvalid",
          "TagInvalid",
          "DigestInvalid",
          "RangeInvalid",
          "SizeInvalid",
          "BlobUploadUnknown"
        ]
        assert.includeMembers(Array.from(answers.keys()), met)
      }
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  })
})
