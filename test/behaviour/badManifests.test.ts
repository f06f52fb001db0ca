import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeDiskTree } from "../../src/node/index.ts"
import {
  dockerManifestV1,
  dockerManifestV1Signed,
  imageConfig,
  imageIndex,
  imageManifest,
  layerTar
} from "../../src/oci/MediaType.ts"
import { bytesOf, digestOf } from "../mcp/support/images.ts"
import { outside, temporaryFolder } from "../support/folders.ts"
import { emptyConfig, ownLayout, smallManifest } from "../support/layouts.ts"
import { assertRefused, type Fields } from "../support/refusals.ts"

const absent = (digit: string) => ({ mediaType: layerTar, digest: `sha256:${digit.repeat(64)}`, size: 1 })

const anIndex = (fields: object = {}): Uint8Array =>
  bytesOf({ schemaVersion: 2, mediaType: imageIndex, manifests: [], ...fields })

/** Bytes, the type they are declared to be of, and where and why they are refused. */
const invalid: ReadonlyArray<readonly [string, Uint8Array, string, string | undefined, string | RegExp]> = [
  ["nothing", bytesOf(""), imageManifest, undefined, "is empty"],
  ["text", bytesOf("hello"), imageManifest, undefined, /^is not valid JSON/u],
  ["half a document", smallManifest().slice(0, -1), imageManifest, undefined, /^is not valid JSON/u],
  ["two documents", bytesOf("{}{}"), imageManifest, undefined, /^is not valid JSON/u],
  [
    "a byte order mark",
    bytesOf(`\uFEFF${Buffer.from(smallManifest()).toString()}`),
    imageManifest,
    undefined,
    "starts with a byte order mark"
  ],
  [
    "no UTF-8",
    Buffer.concat([bytesOf("{\"a\":\""), Uint8Array.of(0xc3, 0x28), bytesOf("\"}")]),
    imageManifest,
    undefined,
    "is not valid UTF-8"
  ],
  ["null", bytesOf("null"), imageManifest, undefined, "is not a JSON object"],
  ["an array", bytesOf("[]"), imageIndex, undefined, "is not a JSON object"],
  ["a number", bytesOf("7"), imageIndex, undefined, "is not a JSON object"],
  ["arrays in arrays", bytesOf("[".repeat(100_000)), imageManifest, undefined, "is nested more than 64 deep"],
  [
    "objects in objects",
    bytesOf(`{"a":${"{\"a\":".repeat(70)}1${"}".repeat(71)}`),
    imageIndex,
    undefined,
    "is nested more than 64 deep"
  ],
  ["schema version 1", smallManifest({ schemaVersion: 1 }), imageManifest, "schemaVersion", /Docker schema 1/u],
  ["schema version 2 as text", smallManifest({ schemaVersion: "2" }), imageManifest, "schemaVersion", "is not 2"],
  ["no schema version", bytesOf({ mediaType: imageIndex, manifests: [] }), imageIndex, "schemaVersion", "is not 2"],
  ["the other's media type", smallManifest({ mediaType: imageIndex }), imageManifest, "mediaType", /declared as/u],
  ["a media type that is no text", smallManifest({ mediaType: 5 }), imageManifest, "mediaType", /not a string/u],
  [
    "an index said to be a manifest",
    bytesOf({ schemaVersion: 2, manifests: [] }),
    imageManifest,
    undefined,
    /the fields of an index/u
  ],
  [
    "a manifest said to be an index",
    bytesOf({ schemaVersion: 2, config: emptyConfig, layers: [] }),
    imageIndex,
    undefined,
    /the fields of a manifest/u
  ],
  [
    "both at once",
    smallManifest({ manifests: [] }),
    imageManifest,
    undefined,
    "has the fields of a manifest and of an index"
  ],
  ["no config", bytesOf({ schemaVersion: 2, layers: [] }), imageManifest, "config", "is required"],
  ["a config that is null", smallManifest({ config: null }), imageManifest, "config", "is not a descriptor object"],
  ["no layers", bytesOf({ schemaVersion: 2, config: emptyConfig }), imageManifest, "layers", "is required"],
  ["layers in an object", smallManifest({ layers: { 0: absent("a") } }), imageManifest, "layers", /not an array/u],
  [
    "a layer that is text",
    smallManifest({ layers: ["sha256:"] }),
    imageManifest,
    "layers[0]",
    "is not a descriptor object"
  ],
  [
    "a layer without media type",
    smallManifest({ layers: [{ digest: emptyConfig.digest, size: 2 }] }),
    imageManifest,
    "layers[0].mediaType",
    "is required"
  ],
  [
    "a layer with parameters",
    smallManifest({ layers: [{ ...emptyConfig, mediaType: "text/plain; a=b" }] }),
    imageManifest,
    "layers[0].mediaType",
    /RFC 6838/u
  ],
  [
    "a layer out of the layout",
    smallManifest({ layers: [{ ...emptyConfig, digest: "sha256:../../x" }] }),
    imageManifest,
    "layers[0].digest",
    /not a digest/u
  ],
  ...[-1, 1.5, "5", 2 ** 53, null].map((size) =>
    [
      `a layer of size ${String(size)}`,
      smallManifest({ layers: [emptyConfig, { ...emptyConfig, size }] }),
      imageManifest,
      "layers[1].size",
      /size in bytes/u
    ] as const
  ),
  [
    "a size beyond any number",
    bytesOf(
      `{"schemaVersion":2,"config":${
        JSON.stringify(emptyConfig)
      },"layers":[{"mediaType":"a/b","digest":"${emptyConfig.digest}","size":1e400}]}`
    ),
    imageManifest,
    "layers[0].size",
    /size in bytes/u
  ],
  [
    "embedded data that is not the content's length",
    smallManifest({ config: { ...emptyConfig, data: "e30" } }),
    imageManifest,
    "config.data",
    /base64/u
  ],
  [
    "urls that are none",
    smallManifest({ layers: [{ ...emptyConfig, urls: ["not a uri"] }] }),
    imageManifest,
    "layers[0].urls[0]",
    /URI/u
  ],
  [
    "a platform without os",
    anIndex({ manifests: [{ ...emptyConfig, platform: { architecture: "arm" } }] }),
    imageIndex,
    "manifests[0].platform.os",
    "is not a string"
  ],
  ["manifests in an object", anIndex({ manifests: {} }), imageIndex, "manifests", /not an array/u],
  ["manifests that are null", anIndex({ manifests: null }), imageIndex, "manifests", /not an array/u],
  [
    "a number in an annotation",
    smallManifest({ annotations: { "a.b": 1 } }),
    imageManifest,
    "annotations[\"a.b\"]",
    "is not a string"
  ],
  ["annotations that are null", anIndex({ annotations: null }), imageIndex, "annotations", /object of strings/u],
  ["an artifact type that is none", smallManifest({ artifactType: "x" }), imageManifest, "artifactType", /RFC 6838/u],
  [
    "a subject that is none",
    smallManifest({ subject: { ...emptyConfig, digest: "x" } }),
    imageManifest,
    "subject.digest",
    /not a digest/u
  ],
  [
    "a key twice",
    bytesOf("{\"schemaVersion\":2,\"schemaVersion\":2,\"manifests\":[]}"),
    imageIndex,
    undefined,
    "has the key schemaVersion twice"
  ],
  [
    "a key twice, once in disguise",
    bytesOf("{\"schemaVersion\":2,\"manifests\":[],\"m\\u0061nifests\":[]}"),
    imageIndex,
    undefined,
    "has the key manifests twice"
  ],
  [
    "a key twice further down",
    bytesOf(`{"schemaVersion":2,"manifests":[],"annotations":{"__proto__":"a","__proto__":"b"}}`),
    imageIndex,
    undefined,
    "has the key annotations.__proto__ twice"
  ],
  ["Docker schema 1", smallManifest(), dockerManifestV1, undefined, /Docker schema 1/u],
  ["Docker schema 1, signed", smallManifest(), dockerManifestV1Signed, undefined, /Docker schema 1/u]
]

describe("a manifest that is none", () => {
  it.live.each(invalid)("%s", ([, bytes, mediaType, path, reason]) =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      const error = { _tag: "ManifestInvalid", code: "MANIFEST_INVALID", path, reason } as const
      yield* assertRefused(directory, registry.pushManifest("app", bytes, mediaType, { tags: ["v1"] }), error)
      const change = { _tag: "PushManifest", repository: "app", bytes, mediaType } as const
      yield* assertRefused(directory, registry.batch([change]), error)
    }))

  it.live.each(["", "text/plain", `${imageManifest}; charset=utf-8`, layerTar, "application/json", "__proto__"])(
    "media type %j",
    (mediaType) =>
      Effect.gen(function*() {
        const { directory, registry } = yield* ownLayout()
        yield* assertRefused(directory, registry.pushManifest("app", smallManifest(), mediaType), {
          _tag: "MediaTypeUnsupported",
          code: "UNSUPPORTED",
          mediaType
        })
      })
  )

  it.live("one byte too many", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      const limit = 4 * 1024 * 1024
      const padded = (size: number): Uint8Array => Buffer.concat([smallManifest(), Buffer.alloc(size, " ")], size)
      yield* assertRefused(directory, registry.pushManifest("app", padded(limit + 1), imageManifest), {
        _tag: "ManifestTooLarge",
        code: "MANIFEST_INVALID",
        size: limit + 1,
        limit
      })
      const { descriptor } = yield* registry.pushManifest("app", padded(limit), imageManifest, { tags: ["large"] })
      assert.strictEqual((yield* registry.getTag("app", "large")).bytes.length, limit)
      assert.strictEqual(descriptor.size, limit)
    }))

  it.live("not of the digest it is said to have", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      const digest = digestOf(bytesOf("another"))
      const push = registry.pushManifest("app", smallManifest(), imageManifest, { digest, tags: ["v2"] })
      yield* assertRefused(directory, push, { _tag: "DigestInvalid", digest, actual: digestOf(smallManifest()) })
    }))
})

describe("a manifest whose parts are not there", () => {
  const cases: ReadonlyArray<readonly [string, Uint8Array, string, Fields]> = [
    [
      "each is named",
      smallManifest({
        config: { ...absent("a"), mediaType: imageConfig },
        layers: [emptyConfig, absent("b"), absent("c")]
      }),
      imageManifest,
      {
        _tag: "ManifestBlobUnknown",
        code: "MANIFEST_BLOB_UNKNOWN",
        missing: [
          { path: "config", digest: absent("a").digest },
          { path: "layers[1]", digest: absent("b").digest },
          { path: "layers[2]", digest: absent("c").digest }
        ]
      }
    ],
    [
      "of an index too",
      anIndex({ manifests: [emptyConfig, absent("a")] }),
      imageIndex,
      { _tag: "ManifestBlobUnknown", missing: [{ path: "manifests[1]", digest: absent("a").digest }] }
    ],
    [
      "what no hash can tell is missing",
      smallManifest({ layers: [{ ...emptyConfig, digest: `blake3:${"a".repeat(64)}` }] }),
      imageManifest,
      { _tag: "ManifestBlobUnknown", missing: [{ path: "layers[0]", digest: `blake3:${"a".repeat(64)}` }] }
    ],
    [
      "embedded data of other bytes does not count",
      smallManifest({ layers: [{ ...absent("a"), data: "YQ==" }] }),
      imageManifest,
      { _tag: "ManifestBlobUnknown", missing: [{ path: "layers[0]", digest: absent("a").digest }] }
    ],
    [
      "or are of another size",
      smallManifest({ layers: [{ ...emptyConfig, size: 3 }] }),
      imageManifest,
      { _tag: "ManifestInvalid", path: "layers[0].size", reason: "says 3, the blob has 2 bytes" }
    ]
  ]

  it.live.each(cases)("%s", ([, bytes, mediaType, error]) =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      const push = registry.pushManifest("app", bytes, mediaType, { tags: ["v1", "v2"] })
      yield* assertRefused(directory, push, error as typeof error & { readonly _tag: "ManifestInvalid" })
    }))

  it.live("may lack its subject, a foreign layer, one with urls, and what is embedded", () =>
    Effect.gen(function*() {
      const { registry } = yield* ownLayout()
      const nondistributable = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
      const content = bytesOf("embedded")
      const manifest = smallManifest({
        subject: { ...absent("a"), mediaType: imageManifest },
        layers: [
          { ...absent("b"), mediaType: nondistributable },
          { ...absent("c"), urls: ["https://example.org/layer"] },
          {
            mediaType: layerTar,
            digest: digestOf(content),
            size: content.length,
            data: Buffer.from(content).toString("base64")
          }
        ]
      })
      const { subject } = yield* registry.pushManifest("app", manifest, imageManifest, { tags: ["v2"] })
      assert.strictEqual(subject, absent("a").digest)
      assert.strictEqual((yield* registry.resolveBlob("app", digestOf(content))).size, content.length)
    }))
})

describe("a condition that does not hold", () => {
  it.live("is told, with what is there instead", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      const bytes = smallManifest()
      const wrong = digestOf(bytesOf("another"))
      const push = (tag: object) =>
        registry.pushManifest("app", bytes, imageManifest, { tags: ["fine", { tag: "v1", ...tag }] })
      const conflict = { _tag: "Conflict", code: "CONFLICT", repository: "app" } as const
      yield* assertRefused(directory, push({ ifDigest: wrong }), {
        ...conflict,
        tag: "v1",
        expected: wrong,
        actual: image.digest
      })
      yield* assertRefused(directory, push({ ifAbsent: true }), {
        _tag: "TagExists",
        code: "TAG_EXISTS",
        repository: "app",
        tag: "v1",
        digest: image.digest
      })
      yield* assertRefused(directory, registry.tagManifest("app", image.digest, [{ tag: "new", ifDigest: wrong }]), {
        ...conflict,
        tag: "new",
        expected: wrong,
        actual: undefined
      })
      yield* assertRefused(directory, registry.deleteTag("app", "v1", { ifDigest: wrong }), {
        ...conflict,
        tag: "v1",
        actual: image.digest
      })
      assert.deepStrictEqual(yield* Stream.runCollect(registry.tags("app")), ["v1"])
    }))

  it.live("undoes all of a batch", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      const index = fs.readFileSync(join(directory, "index.json"))
      const batch = registry.batch([
        { _tag: "Tag", repository: "app", digest: image.digest, tags: ["a", "b"] },
        { _tag: "DeleteTag", repository: "app", tag: "v1" },
        { _tag: "Tag", repository: "other", digest: image.digest, tags: ["a"] }
      ])
      yield* assertRefused(directory, batch, {
        _tag: "ManifestUnknown",
        repository: "other",
        reference: image.digest
      })
      assert.deepStrictEqual(fs.readFileSync(join(directory, "index.json")), index)
      assert.isTrue(Option.isNone((yield* registry.batch([])).revision))
    }))

  it.live("a batch across layouts is refused whole", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryFolder
      const registry = yield* makeDiskTree({ directory, durability: "none" })
      for (const repository of ["a", "b"]) {
        yield* registry.pushBlob(repository, Stream.succeed(bytesOf("{}")))
        yield* registry.pushManifest(repository, smallManifest(), imageManifest, { tags: ["v1"] })
      }
      const before = outside(directory)
      const batch = registry.batch([
        { _tag: "DeleteTag", repository: "a", tag: "v1" },
        { _tag: "DeleteTag", repository: "b", tag: "v1" }
      ])
      const refusal = { _tag: "Unsupported", code: "UNSUPPORTED", reason: /layouts of their own/u } as const
      yield* assertRefused(directory, batch, refusal)
      assert.deepStrictEqual(outside(directory), before)
    }))
})

describe("a deletion of what is needed", () => {
  it.live("is refused with who needs it", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      const child = { mediaType: imageManifest, digest: image.digest, size: image.size }
      const index = yield* registry.pushManifest("app", anIndex({ manifests: [child] }), imageIndex, { tags: ["all"] })
      const needed = (by: ReadonlyArray<string>) => ({ _tag: "Referenced", code: "DENIED", by }) as const
      const [layer] = image.layers
      yield* assertRefused(directory, registry.deleteBlob("app", layer?.digest ?? ""), needed([image.digest]))
      yield* assertRefused(directory, registry.deleteBlob("any", image.config.digest), needed([image.digest]))
      yield* assertRefused(
        directory,
        registry.deleteBlob("app", image.digest),
        needed([image.digest, index.descriptor.digest])
      )
      yield* assertRefused(directory, registry.deleteManifest("app", image.digest), needed([index.descriptor.digest]))
      const { tags } = yield* registry.deleteManifest("app", image.digest, { force: true })
      assert.deepStrictEqual<ReadonlyArray<string>>(tags, ["v1"])
      // What is only a child is no entry that could be deleted, and stays.
      yield* assertRefused(directory, registry.deleteManifest("app", image.digest, { force: true }), {
        _tag: "ManifestUnknown",
        reference: image.digest
      })
      assert.strictEqual((yield* registry.getManifest("app", image.digest)).bytes.length, image.size)
    }))
})
