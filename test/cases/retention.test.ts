import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import type { RetentionRule } from "../../src/ops/api/Garbage.ts"
import { temporaryFolder } from "../support/folders.ts"
import { open } from "./given.ts"

const dayMillis = 24 * 60 * 60 * 1000

interface Tagged {
  readonly tag: string
  /** Days ago: what an annotation of the entry or the config say, and when the manifest was written. */
  readonly annotation?: number
  readonly config?: number
  readonly file?: number
}

/** A layout that another tool has written. */
const written = (tags: ReadonlyArray<Tagged>) =>
  Effect.map(temporaryFolder, (folder) => {
    const directory = join(folder, "app")
    const blobs = join(directory, "blobs", "sha256")
    fs.mkdirSync(blobs, { recursive: true })
    fs.writeFileSync(join(directory, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
    const ago = (days: number) => new Date(Date.now() - days * dayMillis).toISOString()
    const put = (document: object, days = 0) => {
      const text = JSON.stringify(document)
      const hex = createHash("sha256").update(text).digest("hex")
      fs.writeFileSync(join(blobs, hex), text)
      const time = (Date.now() - days * dayMillis) / 1000
      fs.utimesSync(join(blobs, hex), time, time)
      return { digest: `sha256:${hex}`, size: text.length }
    }
    const manifests = tags.map(({ annotation, config, file, tag }) => {
      const image = put({ os: "linux", architecture: tag, ...(config === undefined ? {} : { created: ago(config) }) })
      const mediaType = "application/vnd.oci.image.manifest.v1+json"
      const manifest = put({
        schemaVersion: 2,
        mediaType,
        config: { mediaType: "application/vnd.oci.image.config.v1+json", ...image },
        layers: []
      }, file)
      const created = annotation === undefined ? {} : { "org.opencontainers.image.created": ago(annotation) }
      return { mediaType, ...manifest, annotations: { "org.opencontainers.image.ref.name": tag, ...created } }
    })
    fs.writeFileSync(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }))
    return directory
  })

const planned = (tags: ReadonlyArray<Tagged>, rule: RetentionRule) =>
  Effect.gen(function*() {
    const { registry } = yield* open(yield* written(tags))
    const { items } = yield* registry.planGarbage({ retention: [rule], keep: false })
    const named = items.filter(({ kind }) => kind === "tag").toSorted((a, b) => a.name < b.name ? -1 : 1)
    return {
      goes: named.flatMap(({ goes, name }) => goes ? [name] : []),
      stays: named.flatMap(({ goes, name }) => goes ? [] : [name]),
      whys: named.map(({ why }) => why)
    }
  })

const days = (count: number, field: "annotation" | "config" | "file"): ReadonlyArray<Tagged> =>
  // The higher the number, the younger: the order of names is of no use.
  Array.from({ length: count }, (_, at) => ({ tag: `pr-${at}`, [field]: count - at }))

describe("retention of a layout without a journal", () => {
  for (const field of ["annotation", "config", "file"] as const) {
    it.live(`keeps the newest by ${field}`, () =>
      Effect.gen(function*() {
        const { goes, stays, whys } = yield* planned(days(12, field), { newest: 3 })
        assert.deepStrictEqual(stays, ["app:pr-10", "app:pr-11", "app:pr-9"])
        assert.lengthOf(goes, 9)
        for (const why of whys) assert.include(why, `by its ${field}`)
      }).pipe(Effect.scoped))

    it.live(`lets go what is old by ${field}`, () =>
      Effect.gen(function*() {
        const { goes } = yield* planned(days(4, field), { maxAge: 2.5 * dayMillis })
        assert.deepStrictEqual(goes, ["app:pr-0", "app:pr-1"])
      }).pipe(Effect.scoped))
  }

  it.live("prefers what an annotation says to what the config does, and that to the file", () =>
    Effect.gen(function*() {
      const { goes } = yield* planned([
        { tag: "a", annotation: 1, config: 9, file: 9 },
        { tag: "b", config: 2, file: 9 },
        { tag: "c", annotation: 5, config: 1, file: 1 },
        { tag: "d", file: 3 }
      ], { newest: 3 })
      assert.deepStrictEqual(goes, ["app:c"])
    }).pipe(Effect.scoped))

  it.live("keeps tags together whose order nothing tells, and says so", () =>
    Effect.gen(function*() {
      const same = days(6, "file").map(({ tag }) => ({ tag }))
      const { goes, whys } = yield* planned(same, { newest: 2 })
      assert.deepStrictEqual(goes, [])
      assert.strictEqual(whys.filter((why) => why.includes("nothing tells whether it is older")).length, 4)
    }).pipe(Effect.scoped))

  it.live("takes no word from a build that writes the same time always", () =>
    Effect.gen(function*() {
      const epoch = (Date.now() - Date.UTC(1980, 0, 1)) / dayMillis
      const tags = days(4, "file").map((one) => ({ ...one, config: epoch }))
      assert.deepStrictEqual((yield* planned(tags, { newest: 1 })).stays, ["app:pr-3"])
    }).pipe(Effect.scoped))
})
