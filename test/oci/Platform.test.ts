import { assert, describe, it } from "@effect/vitest"
import type { Descriptor } from "../../src/oci/Descriptor.ts"
import { contentDigest } from "../../src/oci/Digest.ts"
import { imageIndex, imageManifest } from "../../src/oci/MediaType.ts"
import { childrenFor, images, platformsOf } from "../../src/oci/Platform.ts"

const child = (digit: string, platform?: Descriptor["platform"], mediaType: string = imageManifest): Descriptor => ({
  mediaType,
  digest: contentDigest("sha256", digit.repeat(64)),
  size: 2,
  ...(platform === undefined ? {} : { platform })
})

const amd64 = child("a", { os: "linux", architecture: "amd64" })
const arm64 = child("b", { os: "linux", architecture: "arm64" })
const armV6 = child("c", { os: "linux", architecture: "arm", variant: "v6" })
const armV7 = child("d", { os: "linux", architecture: "arm", variant: "v7" })
const attestation = child("e", { os: "unknown", architecture: "unknown" })
const inner = child("f", undefined, imageIndex)

describe("the image for a platform", () => {
  const index = { manifests: [attestation, amd64, arm64, armV6, armV7] }

  it("is the one that says exactly so, then all of any variant, and arm64 is its first variant", () => {
    assert.deepStrictEqual(childrenFor(index, "linux/arm/v7"), [armV7])
    assert.deepStrictEqual(childrenFor(index, "linux/arm"), [armV6, armV7])
    assert.deepStrictEqual(childrenFor(index, "linux/arm64/v8"), [arm64])
    assert.deepStrictEqual(childrenFor(index, "linux/arm/v5"), [])
    assert.deepStrictEqual(childrenFor(index, "linux/am"), [])
  })

  it("may be inside an index that does not say what it holds, and is never an attestation", () => {
    assert.deepStrictEqual(childrenFor({ manifests: [amd64, inner] }, "linux/arm64"), [inner])
    assert.deepStrictEqual(childrenFor({ manifests: [attestation] }, "unknown/unknown"), [])
    assert.deepStrictEqual(images(index), [amd64, arm64, armV6, armV7])
  })

  it("is told from the text, whatever it is", () => {
    const odd = child("a", { os: 1, architecture: "amd64", variant: ["v1"] })
    assert.deepStrictEqual(platformsOf({ manifests: [odd, amd64, inner] }), ["linux/amd64"])
  })
})
