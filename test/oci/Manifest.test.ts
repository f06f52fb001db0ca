import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { emptyDescriptor, type JsonObject } from "../../src/oci/Descriptor.ts"
import { children, parseManifest } from "../../src/oci/Manifest.ts"
import * as MediaType from "../../src/oci/MediaType.ts"
import { ManifestInvalid, MediaTypeUnsupported } from "../../src/oci/OciError.ts"

const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`
const descriptor = (mediaType: string, letter: string, more: object = {}) => ({
  mediaType,
  digest: digestOf(letter),
  size: 7,
  ...more
})
const config = descriptor(MediaType.imageConfig, "c")
const layer = descriptor(MediaType.layerTarGzip, "1")
const child = descriptor(MediaType.imageManifest, "2")
const image = { schemaVersion: 2, mediaType: MediaType.imageManifest, config, layers: [layer] }
const index = { schemaVersion: 2, mediaType: MediaType.imageIndex, manifests: [child] }

const utf8 = (text: string) => new TextEncoder().encode(text)
const bytesOf = (document: unknown) => utf8(typeof document === "string" ? document : JSON.stringify(document))
/** The same with some fields changed; `undefined` takes one away. */
const changed = (document: object, changes: object) => ({ ...document, ...changes })

const parse = (document: unknown, mode: "push" | "read", mediaType: string = MediaType.imageManifest) =>
  parseManifest(bytesOf(document), mediaType, mode)
const fault = (document: unknown, mode: "push" | "read", mediaType?: string) => {
  const error = Result.getOrThrow(Result.flip(parse(document, mode, mediaType)))
  return error._tag === "ManifestInvalid" ? { path: error.path, reason: error.reason } : error._tag
}

const assertPushed = (document: unknown, mediaType?: string) => {
  const parsed = parse(document, "push", mediaType)
  assert.isTrue(Result.isSuccess(parsed), Result.isFailure(parsed) ? parsed.failure.message : "")
}
const assertRead = (document: unknown, mediaType?: string) => {
  const parsed = parse(document, "read", mediaType)
  assert.isTrue(Result.isSuccess(parsed), Result.isFailure(parsed) ? parsed.failure.message : "")
  return Result.getOrThrow(parsed)
}
/** Refused when pushed, at `path`. */
const assertRefused = (document: unknown, path: string | undefined, reason: RegExp, mediaType?: string) => {
  const found = fault(document, "push", mediaType)
  if (typeof found === "string") return assert.fail(`${found} instead of ManifestInvalid`)
  assert.strictEqual(found.path, path)
  assert.match(found.reason, reason)
}

describe("what a manifest names", () => {
  it("image: config, layers in order, annotations and the document", () => {
    const second = descriptor(MediaType.layerTar, "2")
    const document = { ...image, layers: [layer, second], annotations: { a: "", b: "c" }, extra: { x: 1 } }
    for (const mode of ["push", "read"] as const) {
      assert.deepStrictEqual<unknown>(
        parse(document, mode),
        Result.succeed({
          kind: "image",
          mediaType: MediaType.imageManifest,
          artifactType: MediaType.imageConfig,
          config,
          layers: [layer, second],
          manifests: [],
          annotations: new Map([["a", ""], ["b", "c"]]),
          document
        })
      )
    }
  })

  it("index: manifests, subject and no artifact type of its own", () => {
    const document = { ...index, subject: child }
    for (const mode of ["push", "read"] as const) {
      assert.deepStrictEqual<unknown>(
        parse(document, mode, MediaType.imageIndex),
        Result.succeed({
          kind: "index",
          mediaType: MediaType.imageIndex,
          layers: [],
          manifests: [child],
          subject: child,
          annotations: new Map(),
          document
        })
      )
    }
  })

  it("Docker schema 2 is read as its OCI equal", () => {
    const docker = {
      schemaVersion: 2,
      mediaType: MediaType.dockerManifest,
      config: descriptor(MediaType.dockerConfig, "c"),
      layers: [descriptor(MediaType.dockerLayerTarGzip, "1")]
    }
    const manifest = Result.getOrThrow(parse(docker, "push", MediaType.dockerManifest))
    assert.deepStrictEqual([manifest.kind, manifest.artifactType], ["image", MediaType.dockerConfig])
    const list = { schemaVersion: 2, mediaType: MediaType.dockerManifestList, manifests: [child] }
    assert.strictEqual(Result.getOrThrow(parse(list, "push", MediaType.dockerManifestList)).kind, "index")
  })

  it("the artifact type is the manifest's own, then the config's, then none", () => {
    const typeOf = (document: object, mediaType?: string) => {
      const { artifactType, kind } = assertRead(document, mediaType)
      return [kind, artifactType]
    }
    const artifact = { ...image, config: emptyDescriptor }
    assert.deepStrictEqual(typeOf({ ...artifact, artifactType: "a/b" }), ["artifact", "a/b"])
    assert.deepStrictEqual(typeOf(artifact), ["artifact", MediaType.emptyJson])
    assert.deepStrictEqual(typeOf({ ...artifact, artifactType: "" }), ["artifact", MediaType.emptyJson])
    assert.deepStrictEqual(typeOf({ ...artifact, artifactType: 1 }), ["artifact", MediaType.emptyJson])
    assert.deepStrictEqual(typeOf({ ...image, artifactType: "a/b" }), ["image", "a/b"])
    assert.deepStrictEqual(typeOf({ ...index, artifactType: "a/b" }, MediaType.imageIndex), ["index", "a/b"])
    assert.isFalse("artifactType" in assertRead(index, MediaType.imageIndex))
  })

  it("annotations may have any key", () => {
    const text = JSON.stringify(image).replace("{", "{\"annotations\":{\"__proto__\":\"p\",\"constructor\":\"c\"},")
    const { annotations } = assertRead(text)
    assertPushed(text)
    assert.deepStrictEqual([...annotations], [["__proto__", "p"], ["constructor", "c"]])
  })
})

describe("a pushed document", () => {
  it("may be of any artifact, config and layer type, with any further fields (M6, M9, X2)", () => {
    const unknown = descriptor("application/vnd.x", "d", { "x-more": { a: [1] } })
    assertPushed({ ...image, artifactType: "x/y", config: unknown, layers: [unknown], more: null })
    assertPushed({ ...index, artifactType: "x/y", manifests: [unknown], more: 1 }, MediaType.imageIndex)
    assertPushed({ ...image, config: emptyDescriptor, layers: [emptyDescriptor] })
  })

  it("may leave out its media type, and must not contradict the declared one (M3, M4, I2)", () => {
    assertPushed(changed(image, { mediaType: undefined }))
    assertPushed(changed(index, { mediaType: undefined }), MediaType.imageIndex)
    assertRefused(
      changed(image, { mediaType: MediaType.dockerManifest }),
      "mediaType",
      /^is ".*docker.*", and .* ".*oci.*"$/u
    )
    assertRefused(changed(image, { mediaType: null }), "mediaType", /^is not a string/u)
    assertRefused(changed(image, { mediaType: "" }), "mediaType", /^is ""/u)
    assertRefused(image, "mediaType", /declared as ".*docker/u, MediaType.dockerManifest)
  })

  it("has schema version 2 (M1, M25, I1)", () => {
    assertRefused(changed(image, { schemaVersion: 1 }), "schemaVersion", /schema 1/u)
    for (const schemaVersion of [undefined, 3, "2", null]) {
      assertRefused(changed(image, { schemaVersion }), "schemaVersion", /^is not 2$/u)
      assertRefused(changed(index, { schemaVersion }), "schemaVersion", /^is not 2$/u, MediaType.imageIndex)
    }
  })

  it("is I-JSON and an object (X3)", () => {
    assertRefused("", undefined, /^is empty$/u)
    assertRefused("[]", undefined, /^is not a JSON object$/u)
    assertRefused("null", undefined, /^is not a JSON object$/u)
    assertRefused("\"x\"", undefined, /^is not a JSON object$/u)
    assertRefused("{", undefined, /^is not valid JSON/u)
    assertRefused(`\ufeff${JSON.stringify(image)}`, undefined, /byte order mark/u)
    assertRefused(JSON.stringify(image).replace("{", "{\"layers\":[],"), undefined, /^has the key layers twice$/u)
    assertRefused(
      JSON.stringify({ ...image, annotations: { "a.b": "1", z: "2" } }).replace("\"z\"", "\"a.b\""),
      undefined,
      /^has the key annotations\["a\.b"\] twice$/u
    )
    const nested = (depth: number) =>
      JSON.stringify({ ...image, deep: 0 }).replace(/0\}$/u, `${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`)
    assertRefused(nested(65), undefined, /^is nested more than 64 deep$/u)
    assertPushed(nested(64))
    const error = Result.getOrThrow(
      Result.flip(parseManifest(Uint8Array.of(0x7b, 0xff, 0x7d), MediaType.imageManifest, "push"))
    )
    assert.deepStrictEqual(error, new ManifestInvalid({ reason: "is not valid UTF-8" }))
  })

  it("is a manifest or an index, not both and not the other (M23)", () => {
    assertRefused({ ...image, manifests: [child] }, undefined, /of a manifest and of an index$/u)
    assertRefused({ ...image, manifests: [] }, undefined, /of a manifest and of an index$/u)
    assertRefused({ ...index, layers: [] }, undefined, /of a manifest and of an index$/u, MediaType.imageIndex)
    assertRefused({ ...index, config }, undefined, /of a manifest and of an index$/u, MediaType.imageIndex)
    assertRefused(changed(image, { mediaType: undefined }), undefined, /^is declared an index/u, MediaType.imageIndex)
    assertRefused(changed(index, { mediaType: undefined }), undefined, /^is declared a manifest/u)
    assertRefused({ schemaVersion: 2, layers: [layer] }, undefined, /^is declared an index/u, MediaType.imageIndex)
  })

  it("has a config and a list of layers, which may be empty or null (M7, M11, M12)", () => {
    assertRefused(changed(image, { config: undefined }), "config", /^is required$/u)
    assertRefused(changed(image, { config: null }), "config", /^is not a descriptor object$/u)
    assertRefused(changed(image, { config: [] }), "config", /^is not a descriptor object$/u)
    assertRefused(changed(image, { layers: undefined }), "layers", /^is required$/u)
    for (const layers of [{}, "x", 1]) assertRefused(changed(image, { layers }), "layers", /^is not an array/u)
    assertPushed(changed(image, { layers: [] }))
    assertPushed(changed(image, { layers: null }))
    assertRefused(changed(image, { layers: [layer, null] }), "layers[1]", /^is not a descriptor object$/u)
    assertRefused(changed(image, { layers: [layer, "x"] }), "layers[1]", /^is not a descriptor object$/u)
  })

  it("has, as an index, a list of manifests, which may be empty (I4)", () => {
    assertPushed(changed(index, { manifests: [] }), MediaType.imageIndex)
    for (const manifests of [undefined, null, {}, "x"]) {
      assertRefused(
        changed(index, { manifests }),
        "manifests",
        /^is not an array of descriptors$/u,
        MediaType.imageIndex
      )
    }
  })

  it("has annotations from string to string, or none (M17, A1, A2, A6)", () => {
    assertPushed({ ...image, annotations: {} })
    assertPushed({ ...image, annotations: { a: "" } })
    assertRefused({ ...image, annotations: null }, "annotations", /^is not an object of strings$/u)
    assertRefused({ ...image, annotations: ["a"] }, "annotations", /^is not an object of strings$/u)
    assertRefused({ ...image, annotations: { a: "b", c: 1 } }, "annotations.c", /^is not a string$/u)
    assertRefused(
      { ...index, annotations: { "a.b": null } },
      "annotations[\"a.b\"]",
      /^is not a/u,
      MediaType.imageIndex
    )
  })

  it("has an artifact type that is a media type (I3, D15)", () => {
    for (const artifactType of ["x", "", null, 1]) {
      assertRefused({ ...image, artifactType }, "artifactType", /RFC 6838/u)
      assertRefused({ ...index, artifactType }, "artifactType", /RFC 6838/u, MediaType.imageIndex)
    }
  })

  it("may have a subject, which is a descriptor (M16, I12)", () => {
    assertPushed({ ...image, subject: child })
    assertRefused({ ...image, subject: null }, "subject", /^is not a descriptor object$/u)
    assertRefused({ ...image, subject: { ...child, digest: "x" } }, "subject.digest", /^is not a digest: "x"$/u)
    assertRefused({ ...index, subject: {} }, "subject.mediaType", /^is required$/u, MediaType.imageIndex)
  })
})

describe("a pushed descriptor", () => {
  const faults: ReadonlyArray<readonly [string, object, RegExp]> = [
    ["mediaType", { mediaType: undefined }, /^is required$/u],
    ["mediaType", { mediaType: "text" }, /RFC 6838/u],
    ["mediaType", { mediaType: "text/plain; charset=utf-8" }, /RFC 6838/u],
    ["mediaType", { mediaType: 1 }, /RFC 6838/u],
    ["digest", { digest: undefined }, /^is required$/u],
    ["digest", { digest: null }, /^is not a digest$/u],
    ["digest", { digest: "sha256:../../secret" }, /^is not a digest: "sha256:\.\.\/\.\.\/secret"$/u],
    ["digest", { digest: digestOf("A") }, /^is not a digest/u],
    ["size", { size: undefined }, /^is not a size/u],
    ["size", { size: -1 }, /^is not a size/u],
    ["size", { size: 1.5 }, /^is not a size/u],
    ["size", { size: "7" }, /^is not a size/u],
    ["size", { size: 2 ** 53 }, /^is not a size/u],
    ["annotations", { annotations: null }, /^is not an object of strings$/u],
    ["annotations.a", { annotations: { a: 1 } }, /^is not a string$/u],
    ["artifactType", { artifactType: "x" }, /RFC 6838/u],
    ["data", { data: 1 }, /^is not a string$/u],
    ["data", { data: "AAAA" }, /base64 .* of 7 bytes$/u],
    ["data", { data: "AAAAAAAAA===" }, /base64 .* of 7 bytes$/u],
    ["urls", { urls: "https://a" }, /^is not an array$/u],
    ["urls[1]", { urls: ["https://a/%20?b#c", "not a uri"] }, /^is not an absolute URI$/u],
    ["urls[0]", { urls: ["/relative"] }, /^is not an absolute URI$/u],
    ["urls[0]", { urls: [1] }, /^is not an absolute URI$/u],
    ["platform", { platform: "linux/amd64" }, /^is not an object$/u],
    ["platform", { platform: null }, /^is not an object$/u],
    ["platform.architecture", { platform: { os: "linux" } }, /^is not a string$/u],
    ["platform.os", { platform: { architecture: "arm64", os: 1 } }, /^is not a string$/u]
  ]

  for (const [path, changes, reason] of faults) {
    it(`${JSON.stringify(changes)} is refused wherever it stands`, () => {
      const wrong = changed(layer, changes)
      assertRefused({ ...image, config: wrong }, `config.${path}`, reason)
      assertRefused({ ...image, layers: [layer, wrong] }, `layers[1].${path}`, reason)
      assertRefused({ ...image, subject: wrong }, `subject.${path}`, reason)
      assertRefused({ ...index, manifests: [wrong] }, `manifests[0].${path}`, reason, MediaType.imageIndex)
    })
  }

  it("with everything right is taken", () => {
    const full = descriptor("a/b", "d", {
      annotations: { a: "" },
      artifactType: "a/b",
      data: "AAAAAAAAAA==",
      urls: [],
      platform: { architecture: "unknown", os: "unknown", "os.version": "1", variant: "v8" },
      more: [null]
    })
    assertPushed({ ...image, config: full, layers: [full], subject: full })
    assertPushed({ ...index, manifests: [full] }, MediaType.imageIndex)
    assertPushed({ ...image, layers: [{ ...layer, size: 0 }] })
    assertPushed({ ...image, layers: [descriptor("a/b", "d", { digest: "multihash+base58:Qm" })] })
  })

  it("may hold a number that no double has room for, in an unknown field", () => {
    const text = JSON.stringify({ ...image, layers: [{ ...layer, more: 1 }] }).replace("\"more\":1", "\"more\":1e999")
    assertPushed(text)
  })
})

describe("a stored document", () => {
  it("is read with any version, media type and annotations", () => {
    for (const schemaVersion of [undefined, 1, 3, null]) assertRead(changed(image, { schemaVersion }))
    for (const mediaType of [undefined, null, "", MediaType.imageIndex]) {
      assert.strictEqual(assertRead(changed(image, { mediaType })).mediaType, MediaType.imageManifest)
    }
    assert.deepStrictEqual([...assertRead({ ...image, annotations: { a: "b", c: 1, d: null } }).annotations], [[
      "a",
      "b"
    ]])
    assert.strictEqual(assertRead({ ...image, annotations: null }).annotations.size, 0)
    assert.strictEqual(assertRead({ ...image, annotations: [] }).annotations.size, 0)
  })

  it("with a key twice is read with the last, as every tool does", () => {
    const text = JSON.stringify(image).replace("{", "{\"layers\":[],")
    assert.deepStrictEqual<unknown>(assertRead(text).layers, [layer])
  })

  it("has empty lists where they are null or absent", () => {
    for (const layers of [null, undefined, []]) {
      assert.deepStrictEqual(assertRead(changed(image, { layers })).layers, [])
    }
    for (const manifests of [null, undefined, []]) {
      assert.deepStrictEqual(assertRead(changed(index, { manifests }), MediaType.imageIndex).manifests, [])
    }
  })

  it("may have null where the other kind has fields, as Go writes them", () => {
    assertRead({ ...image, manifests: null })
    assertRead({ ...index, config: null, layers: null }, MediaType.imageIndex)
  })

  it("has descriptors that keep what can be used, and every unknown field", () => {
    const found = {
      ...layer,
      mediaType: "text/plain; charset=utf-8",
      annotations: { a: "b", c: 1 },
      artifactType: 1,
      data: 1,
      platform: { os: "linux" },
      urls: ["https://a", 1],
      more: [1]
    }
    const { annotations: _a, artifactType: _b, data: _c, ...kept } = found
    assert.deepStrictEqual<unknown>(assertRead({ ...image, layers: [found] }).layers, [{
      ...kept,
      annotations: { a: "b" },
      urls: ["https://a"]
    }])
    assert.deepStrictEqual<unknown>(
      assertRead({ ...image, config: changed(config, { mediaType: undefined }) }).config,
      {
        ...config,
        mediaType: MediaType.octetStream
      }
    )
    const whole = { ...layer, artifactType: "a", data: "b", size: 0 }
    assert.deepStrictEqual<unknown>(assertRead({ ...image, layers: [whole] }).layers, [whole])
    const odd = { ...layer, annotations: null, platform: "x", urls: "x" }
    assert.deepStrictEqual<unknown>(assertRead({ ...image, layers: [odd] }).layers, [layer])
  })

  it("keeps fields and annotations called __proto__", () => {
    const text = JSON.stringify({ ...image, layers: [{ ...layer, annotations: { z: "1" }, y: 2 }] })
      .replace("\"z\"", "\"__proto__\"")
      .replace("\"y\"", "\"__proto__\"")
    const found = assertRead(text).layers[0]
    assert.strictEqual(Object.getPrototypeOf(found), Object.prototype)
    assert.strictEqual(JSON.stringify(found?.annotations), "{\"__proto__\":\"1\"}")
    assert.include(JSON.stringify(found), "\"__proto__\":2")
  })

  it("is refused at the place where content has no digest or no size", () => {
    const bad = { path: "layers[1].digest", reason: "is not a digest: \"x\"" }
    assert.deepStrictEqual(fault({ ...image, layers: [layer, { ...layer, digest: "x" }] }, "read"), bad)
    for (
      const [document, path, mediaType] of [
        [changed(image, { config: undefined }), "config", MediaType.imageManifest],
        [{ ...image, config: null }, "config", MediaType.imageManifest],
        [{ ...image, config: {} }, "config.digest", MediaType.imageManifest],
        [{ ...image, config: { ...config, size: -1 } }, "config.size", MediaType.imageManifest],
        [{ ...image, layers: {} }, "layers", MediaType.imageManifest],
        [{ ...image, layers: [1] }, "layers[0]", MediaType.imageManifest],
        [{ ...index, manifests: "x" }, "manifests", MediaType.imageIndex],
        [{ ...index, manifests: [child, { ...child, digest: null }] }, "manifests[1].digest", MediaType.imageIndex]
      ] as const
    ) {
      const found = fault(document, "read", mediaType)
      assert.strictEqual(typeof found === "string" ? found : found.path, path)
    }
  })

  it("has no subject when that is unusable", () => {
    for (const subject of [null, "x", {}, { ...child, digest: "x" }]) {
      assert.isFalse("subject" in assertRead({ ...image, subject }), JSON.stringify(subject))
    }
    assert.deepStrictEqual<unknown>(assertRead({ ...image, subject: child }).subject, child)
  })

  it("is refused when it could be both kinds, or is the other, or is no object", () => {
    for (
      const [document, mediaType] of [
        [{ ...image, manifests: [] }, MediaType.imageManifest],
        [{ ...index, layers: [] }, MediaType.imageIndex],
        [image, MediaType.imageIndex],
        [index, MediaType.imageManifest],
        ["[]", MediaType.imageManifest],
        ["", MediaType.imageManifest]
      ] as const
    ) {
      assert.notStrictEqual(fault(document, "read", mediaType), "MediaTypeUnsupported")
    }
  })
})

describe("the declared media type", () => {
  it("decides what is a manifest at all", () => {
    for (const mode of ["push", "read"] as const) {
      for (const mediaType of ["", "text/plain", MediaType.imageConfig, `${MediaType.imageManifest}; charset=utf-8`]) {
        assert.deepStrictEqual(
          parse(image, mode, mediaType),
          Result.fail(new MediaTypeUnsupported({ mediaType }))
        )
      }
    }
  })

  it("is not Docker schema 1 (M25)", () => {
    for (const mode of ["push", "read"] as const) {
      for (const mediaType of [MediaType.dockerManifestV1, MediaType.dockerManifestV1Signed]) {
        assert.match(Result.getOrThrow(Result.flip(parse(image, mode, mediaType))).message, /schema 1/u)
      }
    }
  })
})

describe("children", () => {
  const named = (document: JsonObject, mediaType?: string) =>
    children(assertRead(document, mediaType)).map(({ descriptor, optional, path, role }) => [
      path,
      role,
      descriptor.digest,
      optional
    ])

  it("are the config and the layers, in order, and not the subject", () => {
    assert.deepStrictEqual<unknown>(named({ ...image, layers: [layer, child], subject: child }), [
      ["config", "config", config.digest, false],
      ["layers[0]", "layer", layer.digest, false],
      ["layers[1]", "layer", child.digest, false]
    ])
  })

  it("are the manifests of an index", () => {
    assert.deepStrictEqual<unknown>(
      named({ ...index, manifests: [child, layer], subject: config }, MediaType.imageIndex),
      [
        ["manifests[0]", "manifest", child.digest, false],
        ["manifests[1]", "manifest", layer.digest, false]
      ]
    )
  })

  it("may be absent when they are layers that are not distributed, or say where to get them", () => {
    const foreign = descriptor(MediaType.dockerForeignLayerTarGzip, "3")
    const elsewhere = { ...layer, urls: ["https://example.com/x"] }
    const layers = [foreign, elsewhere, { ...layer, urls: [] }]
    assert.deepStrictEqual(named({ ...image, layers }).map(([, , , optional]) => optional), [false, true, true, false])
    assert.deepStrictEqual(named({ ...image, config: { ...elsewhere, mediaType: foreign.mediaType } })[0]?.[3], false)
    assert.deepStrictEqual(named({ ...index, manifests: [elsewhere] }, MediaType.imageIndex)[0]?.[3], false)
  })
})

it("a list of a million wrong elements costs one error", () => {
  const started = performance.now()
  assert.deepStrictEqual(
    fault(`{"schemaVersion":2,"config":${JSON.stringify(config)},"layers":[${"1,".repeat(1e6)}1]}`, "push"),
    {
      path: "layers[0]",
      reason: "is not a descriptor object"
    }
  )
  assert.isBelow(performance.now() - started, 2000)
})
