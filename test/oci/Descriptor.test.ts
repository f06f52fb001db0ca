import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { createHash } from "node:crypto"
import { Descriptor, embeddedData, emptyDescriptor, fieldOf, isJsonObject } from "../../src/oci/Descriptor.ts"
import { contentDigest } from "../../src/oci/Digest.ts"

const digest = contentDigest("sha256", "a".repeat(64))
const minimal = { mediaType: "text/plain", digest, size: 5 }
const isDescriptor = Schema.is(Descriptor)
const decode = Schema.decodeUnknownSync(Descriptor)

describe("Descriptor", () => {
  it("keeps every field, also unknown ones", () => {
    const full = {
      ...minimal,
      annotations: { "a.b": "", c: "d" },
      artifactType: "a/b",
      data: "aGVsbG8=",
      platform: { architecture: "arm64", os: "linux", "os.version": "10", features: ["x"] },
      urls: ["https://example.com/x"],
      "x-unknown": { deep: [1, null, true] },
      constructor: "data"
    }
    assert.deepStrictEqual<unknown>(decode(full), full)
    assert.strictEqual(JSON.stringify(Schema.encodeSync(Descriptor)(decode(full))), JSON.stringify(full))
  })

  it("keeps an annotation and a field called __proto__, as data", () => {
    const text =
      `{"mediaType":"a/b","digest":"${digest}","size":1,"annotations":{"__proto__":"p"},"__proto__":{"size":9}}`
    const descriptor = decode(JSON.parse(text))
    assert.strictEqual(descriptor.size, 1)
    assert.strictEqual(Object.getPrototypeOf(descriptor), Object.prototype)
    assert.deepStrictEqual(Object.entries(descriptor.annotations ?? {}), [["__proto__", "p"]])
    assert.deepStrictEqual(JSON.parse(JSON.stringify(descriptor)), JSON.parse(text))
  })

  it("demands the three fields and their forms (descriptor.md)", () => {
    assert.isTrue(isDescriptor(minimal))
    for (const key of ["mediaType", "digest", "size"] as const) {
      const { [key]: _, ...rest } = minimal
      assert.isFalse(isDescriptor(rest), key)
    }
    for (const size of [-1, 1.5, "5", null, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.isFalse(isDescriptor({ ...minimal, size }), String(size))
    }
    assert.isTrue(isDescriptor({ ...minimal, size: 0 }))
    assert.isTrue(isDescriptor({ ...minimal, size: Number.MAX_SAFE_INTEGER }))
    for (
      const wrong of [
        { mediaType: "text" },
        { mediaType: "text/plain; charset=utf-8" },
        { digest: "sha256:../../secret" },
        { annotations: null },
        { annotations: { a: 1 } },
        { annotations: ["a"] },
        { artifactType: "x" },
        { data: 1 },
        { platform: "linux/arm64" },
        { platform: null },
        { urls: "https://example.com" },
        { urls: [1] }
      ]
    ) {
      assert.isFalse(isDescriptor({ ...minimal, ...wrong }), JSON.stringify(wrong))
    }
    assert.isTrue(isDescriptor({ ...minimal, digest: "multihash+base58:Qm" }))
  })
})

describe("emptyDescriptor", () => {
  it("describes {}", () => {
    assert.isTrue(isDescriptor(emptyDescriptor))
    assert.strictEqual<string>(emptyDescriptor.digest, `sha256:${createHash("sha256").update("{}").digest("hex")}`)
    assert.deepStrictEqual(embeddedData(emptyDescriptor), Option.some(new TextEncoder().encode("{}")))
    assert.strictEqual(emptyDescriptor.mediaType, "application/vnd.oci.empty.v1+json")
  })
})

describe("embeddedData", () => {
  const embedded = (data: string, size: number) => embeddedData({ ...minimal, data, size })

  it("gives back any bytes", () => {
    for (let size = 0; size < 70; size++) {
      const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 37 + size * 11) & 0xff)
      assert.deepStrictEqual(embedded(Buffer.from(bytes).toString("base64"), size), Option.some(bytes))
    }
  })

  it("is none without data", () => {
    assert.deepStrictEqual(embeddedData(minimal), Option.none())
  })

  it("is none unless it is strict base64 of the very size (RFC 4648, section 4)", () => {
    assert.isTrue(Option.isSome(embedded("/+8=", 2)))
    for (
      const [data, size] of [
        ["/+8=", 1],
        ["AAAAAAAA", 3],
        ["/+8=", 3],
        ["/+8=", 0],
        ["/+8", 2],
        ["_-8=", 2],
        ["/+8=\n", 2],
        ["/+9=", 2],
        ["/+8==", 2],
        ["/x==", 1],
        ["/w=", 1],
        ["/w", 1],
        ["====", 1],
        ["=w==", 1],
        ["/===", 1],
        ["AAA=", 3],
        ["A AA", 3],
        ["AA\n\nAA", 4],
        ["é+8=", 2],
        ["AAAAAA==AAAA", 8],
        ["A", 0]
      ] as const
    ) {
      assert.deepStrictEqual(embedded(data, size), Option.none(), `${data} as ${size}`)
    }
  })
})

describe("fieldOf and isJsonObject", () => {
  it("see own fields of objects only", () => {
    assert.strictEqual(fieldOf({ a: 1 }, "a"), 1)
    assert.isUndefined(fieldOf({}, "constructor"))
    assert.isUndefined(fieldOf({}, "__proto__"))
    assert.isTrue(isJsonObject({}))
    for (const value of [null, [], "a", 1, true, undefined]) assert.isFalse(isJsonObject(value))
  })
})
