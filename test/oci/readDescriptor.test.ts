import { assert, describe, it } from "@effect/vitest"
import { Result, type Schema } from "effect"
import { readDescriptor } from "../../src/oci/readDescriptor.ts"
import { descriptor } from "../support/entries.ts"

const plain = descriptor("a")
const whole: Schema.JsonObject = {
  ...plain,
  annotations: { a: "", b: "c" },
  artifactType: "application/x",
  data: "e30=",
  platform: { os: "linux" },
  urls: ["https://a.example", ""],
  unknown: [null]
}

describe("readDescriptor", () => {
  it("gives the very object when every field has its shape, unknown ones included", () => {
    for (const value of [plain, whole, { ...plain, size: 0 }, { ...plain, annotations: {}, urls: [] }]) {
      assert.strictEqual(Result.getOrThrow(readDescriptor(value)), value)
    }
  })

  it.each<[string, Schema.Json]>([
    ["artifactType", 1],
    ["annotations", null],
    ["artifactType", null],
    ["data", ["e30="]],
    ["platform", "linux"],
    ["platform", null],
    ["platform", ["linux"]],
    ["urls", "https://a.example"],
    ["urls", { 0: "https://a.example" }],
    ["urls", ["https://a.example", 1]]
  ])("leaves out %s where it is %j, and changes nothing", (field, wrong) => {
    const value = { ...whole, [field]: wrong }
    const { [field]: _, ...rest } = whole
    assert.deepStrictEqual<unknown>(readDescriptor(value), Result.succeed(rest))
    assert.deepStrictEqual(value[field], wrong)
  })

  it("leaves out several", () => {
    const value = { ...plain, data: 1, urls: 2, artifactType: "application/x" }
    const kept = { ...plain, artifactType: "application/x" }
    assert.deepStrictEqual<unknown>(readDescriptor(value), Result.succeed(kept))
  })

  it.each<[string, Schema.Json]>([
    ["is not an object", null],
    ["is not an object", "text"],
    ["is not an object", [plain]],
    ["has no valid digest", {}],
    ["has no valid digest", { ...plain, digest: "sha256:beef" }],
    ["has no valid digest", { ...plain, digest: null }],
    ["has no mediaType", { digest: plain["digest"] ?? null, size: 1 }],
    ["has no mediaType", { ...plain, mediaType: 1 }],
    ["has no valid size", { ...plain, size: "1" }],
    ["has no valid size", { ...plain, size: -1 }],
    ["has no valid size", { ...plain, size: 1.5 }],
    ["has no valid size", { ...plain, size: 2 ** 53 }],
    ["has annotations that are no object", { ...plain, annotations: [] }],
    ["has annotations that are no object", { ...plain, annotations: ["a"] }],
    ["has an annotation that is no string", { ...plain, annotations: { a: "", b: 1 } }]
  ])("of what %s says so: %j", (reason, value) => {
    assert.deepStrictEqual(readDescriptor(value), Result.fail(reason))
  })

  it("takes nothing from a prototype", () => {
    const inherited: Schema.JsonObject = Object.create(plain) as Schema.JsonObject
    assert.deepStrictEqual(readDescriptor(inherited), Result.fail("has no valid digest"))
  })
})
