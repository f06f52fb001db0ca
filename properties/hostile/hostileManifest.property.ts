/** A manifest, whatever its bytes, gives descriptors that can be relied on, or is refused with the place of the fault. */
import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import { Descriptor, embeddedData, isJsonObject } from "../../src/oci/Descriptor.ts"
import { isDigest } from "../../src/oci/Digest.ts"
import { parseJson } from "../../src/oci/Json.ts"
import { children, parseManifest } from "../../src/oci/Manifest.ts"
import { dockerManifest, dockerManifestList, imageIndex, imageManifest } from "../../src/oci/MediaType.ts"
import { readDescriptor } from "../../src/oci/readDescriptor.ts"
import { assertHolds } from "../support/fuzz.ts"
import { jsonMutator } from "../support/mutateJson.ts"
import { documentSeeds, indexSeeds } from "../support/seeds.ts"
import { assertTold } from "../support/told.ts"

const types = [imageManifest, imageIndex, dockerManifest, dockerManifestList]

const assertSound = (descriptor: Descriptor): void => {
  assert.isTrue(isDigest(descriptor.digest))
  assert.isTrue(Number.isSafeInteger(descriptor.size) && descriptor.size >= 0)
  assert.isString(descriptor.mediaType)
  const { annotations = {}, artifactType = "", platform = {}, urls = [] } = descriptor
  for (const text of [artifactType, ...urls, ...Object.values(annotations)]) assert.isString(text)
  assert.isTrue(isJsonObject(platform))
  const data = embeddedData(descriptor)
  if (Option.isNone(data)) return
  assert.lengthOf(data.value, descriptor.size)
  assert.strictEqual(Buffer.from(data.value).toString("base64"), descriptor.data)
}

describe("a manifest", () => {
  it("is read or refused, and what may be pushed can be read", () => {
    assertHolds({
      name: "manifests",
      perRun: 100,
      draw: jsonMutator(documentSeeds),
      kinds: ["pushed", "read", "refused"],
      hold: (bytes) => {
        const answers = new Set(types.map((type): string => {
          const pushed = parseManifest(bytes, type, "push")
          const read = parseManifest(bytes, type, "read")
          for (const parsed of [pushed, read]) {
            if (Result.isFailure(parsed)) {
              assertTold(parsed.failure)
              continue
            }
            const { annotations, document, subject } = parsed.success
            for (const { descriptor } of children(parsed.success)) assertSound(descriptor)
            if (subject !== undefined) assertSound(subject)
            for (const text of annotations.values()) assert.isString(text)
            assert.deepStrictEqual(
              Result.succeed(document),
              parseJson(bytes, { maxDepth: 64, duplicateKeys: "lastWins" })
            )
          }
          if (Result.isFailure(pushed)) return Result.isFailure(read) ? "refused" : "read"
          const digests = Result.map(read, (manifest) => children(manifest).map(({ descriptor }) => descriptor.digest))
          assert.deepStrictEqual(
            digests,
            Result.succeed(children(pushed.success).map(({ descriptor }) => descriptor.digest))
          )
          return "pushed"
        }))
        return ["pushed", "read"].find((answer) => answers.has(answer)) ?? "refused"
      }
    })
  })
})

describe("a descriptor", () => {
  const isStrict = Schema.is(Descriptor)

  it("that is read is sound, and one by the book is always read, with all its fields", () => {
    const descriptors = indexSeeds.flatMap((bytes) => {
      const index = parseJson(bytes, { maxDepth: 64, duplicateKeys: "lastWins" })
      const manifests = Result.isSuccess(index) && isJsonObject(index.success) ? index.success["manifests"] : undefined
      return Array.isArray(manifests) ? manifests.map((value) => Buffer.from(JSON.stringify(value))) : []
    })
    const embedded = Buffer.from(JSON.stringify({
      mediaType: "application/vnd.oci.empty.v1+json",
      digest: `sha256:${"0a".repeat(32)}`,
      size: 2,
      data: "e30=",
      urls: ["https://example.com/a"]
    }))
    assertHolds({
      name: "descriptors",
      perRun: 200,
      draw: jsonMutator([...descriptors, ...descriptors.map(() => embedded)]),
      kinds: ["by the book", "read", "refused", "no JSON"],
      hold: (bytes) => {
        const json = parseJson(bytes, { maxDepth: 64, duplicateKeys: "lastWins" })
        if (Result.isFailure(json)) return "no JSON"
        const read = readDescriptor(json.success)
        const strict = isStrict(json.success)
        if (Result.isFailure(read)) {
          assert.isFalse(strict, read.failure)
          return "refused"
        }
        assertSound(read.success)
        if (isJsonObject(json.success)) assert.deepInclude(json.success, read.success)
        if (!strict) return "read"
        assert.strictEqual<unknown>(read.success, json.success)
        return "by the book"
      }
    })
  })
})
