/** The two ways to hash give one digest, whatever the content and however it arrives. */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { hasher as portable } from "../../src/memory/hasher.ts"
import { hasher as native, runningHash } from "../../src/node/files/hasher.ts"

const algorithm = fc.constantFrom<Array<"sha256" | "sha512">>("sha256", "sha512")

/** Lengths around the blocks of both hashes, 64 and 128 bytes, are where padding goes wrong. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.tuple(fc.constantFrom(55, 56, 63, 64, 111, 112, 127, 128, 4096), fc.nat({ max: 255 })).map(([length, byte]) =>
    new Uint8Array(length).fill(byte)
  )
)

describe("a digest", () => {
  it("is the same by node:crypto and by @noble/hashes", () => {
    fc.assert(fc.property(algorithm, bytes, (algorithm, bytes) => {
      assert.strictEqual(portable.digest(algorithm, bytes), native.digest(algorithm, bytes))
    }))
  })

  it("is the same of content that arrives in pieces, and may be asked for in between", () => {
    fc.assert(fc.property(algorithm, fc.array(bytes, { maxLength: 4 }), (algorithm, pieces) => {
      const hash = runningHash(algorithm)
      for (const [at, piece] of pieces.entries()) {
        hash.update(piece)
        assert.strictEqual(hash.digest(), portable.digest(algorithm, Buffer.concat(pieces.slice(0, at + 1))))
      }
    }))
  })
})
