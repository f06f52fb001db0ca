/** JSON from outside is read as everybody reads it, or refused in words, in time linear in its length. */
import { assert, describe, it } from "@effect/vitest"
import { Option, Result, type Schema } from "effect"
import { TextDecoder } from "node:util"
import { canonical } from "../../src/layout/canonical.ts"
import { findDuplicateKey, parseJson } from "../../src/oci/Json.ts"
import { ManifestInvalid } from "../../src/oci/OciError.ts"
import { assertHolds } from "../support/fuzz.ts"
import { jsonText } from "../support/jsonText.ts"
import { assertLinear } from "../support/linear.ts"
import { jsonMutator } from "../support/mutateJson.ts"
import { randomOf } from "../support/random.ts"
import { documentSeeds, indexSeeds } from "../support/seeds.ts"
import { assertTold } from "../support/told.ts"

const seeds = [...documentSeeds, ...indexSeeds]
const options = { maxDepth: 64, duplicateKeys: "lastWins" } as const
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const parsed: (text: string) => Schema.Json = JSON.parse

/** What everybody else makes of it; nothing when they refuse it. */
const readByOthers = (bytes: Uint8Array): Schema.Json | undefined => {
  try {
    return parsed(utf8.decode(bytes))
  } catch {
    return undefined
  }
}

/** Infinity cannot be written, so that is where the two may differ. */
const written = (value: Schema.Json): string => JSON.stringify(value)

const depthOf = (value: Schema.Json): number =>
  typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0

describe("bytes", () => {
  it("are JSON for us when they are for other parsers, and not too deep", () => {
    assertHolds({
      name: "JSON bytes",
      perRun: 200,
      draw: jsonMutator(seeds),
      kinds: ["read", "refused", "too deep"],
      hold: (bytes) => {
        const read = parseJson(bytes, options)
        const others = readByOthers(bytes)
        if (Result.isFailure(read)) {
          assertTold(new ManifestInvalid({ reason: read.failure }))
          if (read.failure.includes("deep")) return "too deep"
          assert.isUndefined(others, read.failure)
          return "refused"
        }
        assert.isDefined(others)
        assert.strictEqual(written(read.success), written(others ?? null))
        assert.isAtMost(depthOf(read.success), options.maxDepth)
        assert.deepStrictEqual(parsed(canonical(read.success)), parsed(written(read.success)))
        return "read"
      }
    })
  })

  it("of any writer are found too deep, and to have a key twice, exactly when they are", () => {
    const draw = (seed: string) => jsonText(randomOf(Number(seed)), 7)
    assertHolds({
      name: "JSON texts",
      perRun: 200,
      draw: (random) => String(random.below(2 ** 31)),
      kinds: ["read", "twice", "deep", "deep and twice"],
      hold: (seed) => {
        const { depth, text, twice } = draw(seed)
        const found = findDuplicateKey(text)
        assert.strictEqual(Option.isSome(found), twice, text)
        for (const maxDepth of [3, 64]) {
          for (const duplicateKeys of ["refuse", "lastWins"] as const) {
            const read = parseJson(Buffer.from(text), { maxDepth, duplicateKeys })
            const refused = depth > maxDepth || (twice && duplicateKeys === "refuse")
            assert.strictEqual(Result.isFailure(read), refused, text)
            if (Result.isSuccess(read)) assert.strictEqual(written(read.success), written(parsed(text)))
          }
        }
        return [depth > 3 ? "deep" : "", twice ? "twice" : ""].filter((word) => word !== "").join(" and ") || "read"
      }
    })
  })

  it("cost no more each when there are many, of any kind", () => {
    const shapes: Readonly<Record<string, (size: number) => string>> = {
      "opening brackets": (size) => "[".repeat(size),
      "braces with keys": (size) => "{\"a\":".repeat(size / 5),
      "one long string": (size) => `"${"a".repeat(size - 2)}"`,
      "escapes": (size) => `["${"\\u0061".repeat((size - 4) / 6)}"]`,
      "backslashes": (size) => `"${"\\".repeat(size - 1)}`,
      "one long number": (size) => `[${"9".repeat(size - 2)}]`,
      "many numbers": (size) => `[${"1e400,".repeat(size / 6 - 1)}1]`,
      "many keys": (size) => `{${Array.from({ length: size / 16 }, (_, at) => `"k${at}":[{}]`).join(",")}}`,
      "spaces": (size) => `{"a"${" ".repeat(size - 6)}:1}`,
      "quotes": (size) => "\"".repeat(size)
    }
    for (const [name, inputOf] of Object.entries(shapes)) {
      const inputs = new Map<string, Buffer>()
      const bytesOf = (text: string): Buffer => {
        const known = inputs.get(text) ?? Buffer.from(text)
        inputs.set(text, known)
        return known
      }
      assertLinear(
        name,
        (text) => {
          parseJson(bytesOf(text), { maxDepth: 64, duplicateKeys: "refuse" })
          findDuplicateKey(text)
        },
        inputOf,
        1 << 17
      )
    }
  })
})
