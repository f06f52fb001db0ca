import { assert, describe, it } from "@effect/vitest"
import { hasher as noble } from "../../src/memory/hasher.ts"
import { hasher as node } from "../../src/node/files/hasher.ts"

/** FIPS 180-4 examples, and the empty message. */
const vectors = [
  {
    text: "",
    sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    sha512: "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
      + "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
  },
  {
    text: "abc",
    sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    sha512: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
      + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
  },
  {
    text: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    sha256: "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    sha512: "204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c335"
      + "96fd15c13b1b07f9aa1d3bea57789ca031ad85c7a71dd70354ec631238ca3445"
  }
] as const

const implementations = [["@noble/hashes", noble], ["node:crypto", node]] as const

describe.each(implementations)("%s", (_, hasher) => {
  it.each(vectors)("hashes $text as the standard says", ({ sha256, sha512, text }) => {
    const bytes = new TextEncoder().encode(text)
    assert.strictEqual(hasher.digest("sha256", bytes), `sha256:${sha256}`)
    assert.strictEqual(hasher.digest("sha512", bytes), `sha512:${sha512}`)
  })

  it("hashes a part of a buffer, and no more", () => {
    const bytes = new TextEncoder().encode("xabcx").subarray(1, 4)
    assert.strictEqual(hasher.digest("sha256", bytes), `sha256:${vectors[1].sha256}`)
  })
})

describe("both", () => {
  it("agree around the sizes of blocks and padding", () => {
    for (const length of [1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 1000, 100_000]) {
      const bytes = Uint8Array.from({ length }, (_, place) => (place * 31 + length) % 256)
      for (const algorithm of ["sha256", "sha512"] as const) {
        assert.strictEqual(noble.digest(algorithm, bytes), node.digest(algorithm, bytes), `${algorithm} of ${length}`)
      }
    }
  })
})
