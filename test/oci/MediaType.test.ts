import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as MediaType from "../../src/oci/MediaType.ts"

describe("isMediaType", () => {
  it("follows RFC 6838", () => {
    for (
      const type of [
        "text/plain",
        "a/b",
        "application/vnd.x+json",
        `${"a".repeat(127)}/${"b".repeat(127)}`,
        "9a/z!#$&^_.+-"
      ]
    ) {
      assert.isTrue(MediaType.isMediaType(type), type)
      assert.isTrue(Schema.is(MediaType.MediaType)(type), type)
    }
    for (
      const type of [
        "",
        "text",
        "/x",
        "x/",
        "a/b/c",
        `a/${"b".repeat(128)}`,
        `${"a".repeat(128)}/b`,
        "text/plain; charset=utf-8",
        ".a/b",
        "a/b\n",
        "a/é",
        "a b/c"
      ]
    ) {
      assert.isFalse(MediaType.isMediaType(type), type)
      assert.isFalse(Schema.is(MediaType.MediaType)(type), type)
    }
  })

  it("holds for every constant", () => {
    const constants = Object.values(MediaType).filter((value) => typeof value === "string")
    assert.isAtLeast(constants.length, 20)
    assert.strictEqual(new Set(constants).size, constants.length)
    for (const type of constants) assert.isTrue(MediaType.isMediaType(type), type)
  })
})

describe("kindOf", () => {
  it("knows OCI and Docker schema 2, and takes nothing else for a manifest", () => {
    assert.strictEqual(MediaType.kindOf("application/vnd.oci.image.manifest.v1+json"), "manifest")
    assert.strictEqual(MediaType.kindOf("application/vnd.docker.distribution.manifest.v2+json"), "manifest")
    assert.strictEqual(MediaType.kindOf("application/vnd.oci.image.index.v1+json"), "index")
    assert.strictEqual(MediaType.kindOf("application/vnd.docker.distribution.manifest.list.v2+json"), "index")
    for (
      const type of [
        MediaType.dockerManifestV1,
        MediaType.dockerManifestV1Signed,
        MediaType.imageConfig,
        "application/vnd.oci.image.manifest.v1+json; charset=utf-8",
        "toString",
        ""
      ]
    ) {
      assert.strictEqual(MediaType.kindOf(type), "other", type)
    }
  })
})

describe("isNondistributable", () => {
  it("knows the three of OCI and the foreign layers of Docker", () => {
    for (
      const type of [
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
      ]
    ) {
      assert.isTrue(MediaType.isNondistributable(type), type)
    }
    for (
      const type of [MediaType.layerTar, MediaType.layerTarGzip, MediaType.layerTarZstd, MediaType.dockerLayerTarGzip]
    ) {
      assert.isFalse(MediaType.isNondistributable(type), type)
    }
  })
})
