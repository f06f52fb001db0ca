import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { readFacts, readLine, writeFacts } from "../../../src/node/sidecars/metadataText.ts"
import type { Descriptor } from "../../../src/oci/Descriptor.ts"
import { type Facts, parseManifest } from "../../../src/oci/Manifest.ts"
import { factsKey, factsOf } from "../../../src/ops/manifests/manifests.ts"
import { image, index, referrerOf, type Sample } from "../../support/images.ts"

const factsIn = ({ bytes, descriptor }: Sample): Facts =>
  factsOf(Result.getOrThrow(parseManifest(bytes, descriptor.mediaType, "read")), bytes)

/** All that facts say, fields that are missing included. */
const plain = (facts: Facts | undefined) =>
  facts === undefined ? undefined : {
    kind: facts.kind,
    mediaType: facts.mediaType,
    bytes: facts.bytes,
    manifests: facts.manifests,
    layers: facts.layers,
    annotations: facts.annotations,
    artifactType: facts.artifactType,
    config: facts.config,
    subject: facts.subject
  }

const one = image("one")
const samples: ReadonlyArray<readonly [string, Sample]> = [
  ["an image", one],
  ["one without layers", image("bare", {}, 0)],
  ["an index", index([one, image("two")], { annotations: { "a\tb": "c\nd", ü: "\u2028" } })],
  ["what refers to another", referrerOf(one, "signature", { annotations: { key: "value" } })]
]

const read = (line: string, { mediaType }: Pick<Descriptor, "mediaType"> = one.descriptor): Facts | undefined => {
  const found = readLine(line)
  return found === undefined ? undefined : readFacts(found, mediaType)
}

describe("facts as text", () => {
  it.each(samples)("say the same of %s", (_, sample) => {
    const facts = factsIn(sample)
    const line = writeFacts(sample.descriptor, facts)
    assert.strictEqual(line.indexOf("\n"), line.length - 1)
    assert.strictEqual(readLine(line.slice(0, -1))?.key, factsKey(sample.descriptor))
    assert.deepStrictEqual(plain(read(line.slice(0, -1), sample.descriptor)), plain(facts))
  })

  it("are not written of a media type that would break the line", () => {
    const { descriptor } = one
    for (const mediaType of ["x\ty", "x\n", "\r"]) {
      assert.strictEqual(writeFacts({ ...descriptor, mediaType }, factsIn(one)), "")
    }
    const odd = { ...descriptor, mediaType: "\u2028 \"odd\" ü" }
    assert.strictEqual(readLine(writeFacts(odd, factsIn(one)).slice(0, -1))?.key, factsKey(odd))
  })

  it("that have no key are none", () => {
    for (const line of ["", "\t", "\timage", "key"]) assert.isUndefined(readLine(line), line)
  })

  it.each([
    ["nothing at all", ""],
    ["no kind", `"k"\t7\t\t\t\t{}`],
    ["another kind", `"k"\t7\timagine\t\t\t{}`],
    ["no size", `"k"\tmany\timage\t\t\t{}`],
    ["half a byte", `"k"\t0.5\timage\t\t\t{}`],
    ["a subject that is none", `"k"\t7\timage\t{"digest":"../../etc"}\t\t{}`],
    ["children that are none", `"k"\t7\tindex\t\t[{"digest":"sha256:beef","size":1}]\t{}`],
    ["children in no list", `"k"\t7\tindex\t\t{}\t{}`],
    ["a subject too deep to be one", `"k"\t7\timage\t${"[".repeat(5000)}${"]".repeat(5000)}\t\t{}`]
  ])("that say %s are none", (_, text) => {
    assert.isUndefined(read(text))
  })

  it.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["nothing", ""],
    ["fields of other kinds", `{"config":7,"layers":{},"annotations":[],"artifactType":{}}`],
    ["a layer that is none", `{"layers":[{"digest":"sha256:../..","size":7}]}`]
  ])("whose rest is %s say nothing more", (_, rest) => {
    const facts = read(`"k"\t7\timage\t\t\t${rest}`)
    assert.deepStrictEqual(plain(facts), {
      kind: "image",
      mediaType: one.descriptor.mediaType,
      bytes: 7,
      manifests: [],
      layers: [],
      annotations: new Map(),
      artifactType: undefined,
      config: undefined,
      subject: undefined
    })
  })
})
