import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import {
  algorithmOf,
  ContentDigest,
  contentDigest,
  Digest,
  encodedOf,
  isContentDigest,
  isDigest,
  parseContentDigest,
  parseDigest,
  shortDigest
} from "../../src/oci/Digest.ts"
import { AlgorithmUnsupported, DigestInvalid } from "../../src/oci/OciError.ts"
import { vectors } from "./vectors.ts"

const sha256 = contentDigest("sha256", "a1".repeat(32))
const sha512 = contentDigest("sha512", "b2".repeat(64))

describe("the digest vectors", () => {
  for (const { dockerOci, in: input, valid } of vectors.digest) {
    it(`${JSON.stringify(input.slice(0, 70))} is ${valid === false ? "no digest" : "a digest"}`, () => {
      const expected = valid !== false
      assert.strictEqual(isDigest(input), expected)
      assert.strictEqual(Result.isSuccess(parseDigest(input)), expected)
      assert.strictEqual(Schema.is(Digest)(input), expected)
      // docker/oci knows sha256 and sha512, which are the digests that may become a path.
      assert.strictEqual(isContentDigest(input), dockerOci)
      assert.strictEqual(Result.isSuccess(parseContentDigest(input)), dockerOci)
      assert.strictEqual(Schema.is(ContentDigest)(input), dockerOci)
    })
  }
})

describe("isDigest", () => {
  it("allows 255 characters and no more", () => {
    assert.isTrue(isDigest(`x:${"a".repeat(253)}`))
    assert.isFalse(isDigest(`x:${"a".repeat(254)}`))
    assert.isFalse(Schema.is(Digest)(`x:${"a".repeat(254)}`))
  })

  it("is false for what is no string", () => {
    for (const input of [undefined, null, 1, {}, [sha256], new String(sha256)]) {
      assert.isFalse(isDigest(input))
      assert.isFalse(isContentDigest(input))
    }
  })

  it("is quick to refuse a hundred thousand hostile characters", () => {
    for (const piece of ["a", "a+", "-", "a:", "sha256:", "\n"]) {
      const started = performance.now()
      assert.isFalse(isDigest(piece.repeat(100_000)))
      assert.isBelow(performance.now() - started, 1000)
    }
  })
})

describe("parseDigest", () => {
  const reasonOf = (input: string) => {
    const error = Result.getOrThrow(Result.flip(parseDigest(input)))
    assert.instanceOf(error, DigestInvalid)
    assert.strictEqual(error.digest, input)
    assert.isUndefined(error.actual)
    return error.reason
  }

  it("says why", () => {
    assert.strictEqual(reasonOf("sha256"), "it does not fit algorithm:encoded")
    assert.strictEqual(reasonOf("sha256:AA"), "sha256 takes 64 lower-case hexadecimal digits")
    assert.strictEqual(reasonOf("sha512:aa"), "sha512 takes 128 lower-case hexadecimal digits")
    assert.strictEqual(reasonOf("blake3:aa"), "blake3 takes 64 lower-case hexadecimal digits")
    assert.strictEqual(reasonOf(`x:${"a".repeat(300)}`), "it is longer than 255 characters")
  })
})

describe("parseContentDigest", () => {
  it("tells an algorithm we do not have from a malformed digest", () => {
    const blake3 = `blake3:${"a".repeat(64)}`
    assert.deepStrictEqual(
      parseContentDigest(blake3),
      Result.fail(new AlgorithmUnsupported({ digest: blake3, algorithm: "blake3" }))
    )
    assert.deepStrictEqual(
      parseContentDigest("multihash+base58:Qm"),
      Result.fail(new AlgorithmUnsupported({ digest: "multihash+base58:Qm", algorithm: "multihash+base58" }))
    )
    assert.instanceOf(Result.getOrThrow(Result.flip(parseContentDigest("sha256:../../etc"))), DigestInvalid)
  })

  it("gives the digest back", () => {
    assert.deepStrictEqual(parseContentDigest(sha512), Result.succeed(sha512))
  })
})

describe("the parts of a digest", () => {
  it("are the algorithm and the rest", () => {
    assert.strictEqual(algorithmOf(sha256), "sha256")
    assert.strictEqual(algorithmOf(sha512), "sha512")
    assert.strictEqual(encodedOf(sha256), "a1".repeat(32))
    assert.strictEqual(encodedOf(Digest.make("a.b_c-d+e:abc=")), "abc=")
  })

  it("shorten to twelve characters after the colon", () => {
    assert.strictEqual(shortDigest(sha256), "sha256:a1a1a1a1a1a1")
    assert.strictEqual(shortDigest(sha512), "sha512:b2b2b2b2b2b2")
    assert.strictEqual(shortDigest(Digest.make("x:abc")), "x:abc")
  })

  it("make a digest, and the wrong ones are a bug", () => {
    assert.strictEqual<string>(contentDigest("sha256", "0".repeat(64)), `sha256:${"0".repeat(64)}`)
    assert.throws(() => contentDigest("sha256", "0".repeat(128)), TypeError)
    assert.throws(() => contentDigest("sha512", "A".repeat(128)), TypeError)
    assert.throws(() => contentDigest("sha256", "../etc"), TypeError)
  })
})
