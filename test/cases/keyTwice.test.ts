/** A manifest, as a careless tool may write it, that has one key twice: tools differ in which of the two they go by. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { parseManifest } from "../../src/oci/Manifest.ts"
import { imageConfig, imageIndex, imageManifest, layerTar } from "../../src/oci/MediaType.ts"
import { copyManifest } from "../../src/ops/copy/copyManifest.ts"
import { makeOld, temporaryFolder } from "../support/folders.ts"
import { image, type Sample, sample, textOf, utf8 } from "../support/images.ts"
import { blobsIn, codes, collected, open, short, target } from "./given.ts"

const config = sample({ os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [] } }, imageConfig)
const [one, two] = [sample("layer one", layerTar), sample("layer two", layerTar)]
const listed = (name: string, ...all: ReadonlyArray<Sample>): string =>
  `"${name}":${JSON.stringify(all.map(({ descriptor }) => descriptor))}`

const layersTwice = sample(
  `{"schemaVersion":2,"mediaType":"${imageManifest}","config":${JSON.stringify(config.descriptor)},${
    listed("layers", one)
  },${listed("layers", two)}}`,
  imageManifest
)
// An escape spells the same key.
const [first, second] = [image("first"), image("second")]
const childrenTwice = sample(
  `{"schemaVersion":2,"mediaType":"${imageIndex}",${listed("manifests", first)},${
    listed(String.raw`\u006danifests`, second)
  }}`,
  imageIndex
)

const written = Effect.fnUntraced(function*(root: Sample, ...parts: ReadonlyArray<Sample>) {
  const directory = join(yield* temporaryFolder, "app")
  fs.mkdirSync(join(directory, "blobs", "sha256"), { recursive: true })
  for (const { bytes, descriptor } of [root, ...parts]) {
    fs.writeFileSync(join(directory, "blobs", ...descriptor.digest.split(":")), bytes)
  }
  const entry = { ...root.descriptor, annotations: { "org.opencontainers.image.ref.name": "v1" } }
  fs.writeFileSync(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [entry] }))
  fs.writeFileSync(join(directory, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }))
  makeOld(directory)
  return yield* open(directory)
})

describe("what a manifest names under the first of two keys", () => {
  it.live.each<readonly [string, Sample, ReadonlyArray<Sample>]>([
    ["layers", layersTwice, [config, one, two]],
    ["children", childrenTwice, [first, second, ...[first, second].flatMap((one) => [one.config, ...one.layers])]]
  ])("is needed and copied: %s", ([, root, parts]) =>
    Effect.gen(function*() {
      const layout = yield* written(root, ...parts)
      assert.deepStrictEqual(yield* codes(layout), ["warning MANIFEST_IRREGULAR"])
      assert.deepStrictEqual(yield* collected(layout, { untagged: true }), [])
      const out = yield* target
      const source = { registry: layout.registry, repository: layout.repository, reference: "v1" }
      yield* copyManifest(source, { registry: out.registry, repository: "a", tags: ["v1"] })
      assert.deepStrictEqual(blobsIn(out.directory), blobsIn(layout.directory))
    }))

  it.live("is kept for a referrer that no entry leads to as well", () =>
    Effect.gen(function*() {
      const [subject, payload] = [image("subject"), sample("the payload", layerTar)]
      const referrer = sample(
        `${textOf(layersTwice.bytes).slice(0, -1)},"subject":${JSON.stringify(subject.descriptor)}}`,
        imageManifest
      )
      const layout = yield* written(subject, subject.config, ...subject.layers, referrer, config, one, two, payload)
      assert.deepStrictEqual(yield* collected(layout, { untagged: true }), [short(payload.descriptor.digest)])
    }))

  it("is told beside what counts, and of no other manifest", () => {
    const shadowed = ({ bytes }: Sample, mediaType: string) => {
      const parsed = parseManifest(bytes, mediaType, "read")
      assert(parsed._tag === "Success")
      return parsed.success.shadowed?.map(short)
    }
    assert.deepStrictEqual(shadowed(layersTwice, imageManifest), [short(one.descriptor.digest)])
    assert.deepStrictEqual(shadowed(childrenTwice, imageIndex), [short(first.descriptor.digest)])
    assert.isUndefined(shadowed(first, imageManifest))
    const annotated = image("annotated", { annotations: { note: `"layers" ${one.descriptor.digest}` } })
    assert.isUndefined(shadowed(annotated, imageManifest))
    const pushed = parseManifest(utf8("{}"), imageManifest, "push")
    assert.strictEqual(pushed._tag, "Failure")
  })
})
