import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { parseRef } from "../../../src/ops/refs/find.ts"

const hex = "0123456789abcdef".repeat(4)

const byOf = (ref: string) => Result.getOrThrow(parseRef(ref)).by

describe("a reference", () => {
  it("is a tag, latest when none is named", () => {
    assert.deepStrictEqual(Result.getOrThrow(parseRef("app/web:1.0")), {
      repository: "app/web",
      by: { _tag: "Tag", tag: "1.0" }
    })
    assert.deepStrictEqual(byOf("app/web"), { _tag: "Tag", tag: "latest" })
  })

  it("is a digest, with any tag beside it", () => {
    assert.deepStrictEqual(byOf(`app@sha256:${hex}`), { _tag: "Digest", digest: `sha256:${hex}` })
    assert.deepStrictEqual(byOf(`app:1.0@sha256:${hex}`), { _tag: "Digest", digest: `sha256:${hex}` })
    assert.deepStrictEqual(byOf(`app@sha512:${hex}${hex}`), { _tag: "Digest", digest: `sha512:${hex}${hex}` })
  })

  it("is a shortened digest of twelve digits or more, with or without its algorithm", () => {
    for (const prefix of ["sha256:0123456789ab", "0123456789ab", `sha256:${hex.slice(1)}`, hex]) {
      assert.deepStrictEqual(byOf(`app@${prefix}`), { _tag: "Prefix", prefix })
    }
  })

  it("is nothing else", () => {
    const wrong = [
      "",
      "App",
      "app@",
      "app@sha256:0123",
      "app@0123456789a",
      "app@sha256:XYZ456789abc",
      `app@md5:${hex}`,
      "app:a b",
      "host:5000/app:1"
    ]
    for (const ref of wrong) assert.isTrue(Result.isFailure(parseRef(ref)), ref)
  })
})
