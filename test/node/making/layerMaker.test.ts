import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { execFileSync } from "node:child_process"
import { gunzipSync } from "node:zlib"
import type { Compressing } from "../../../src/make/ports/LayerMaker.ts"
import { layerMaker } from "../../../src/node/making/layerMaker.ts"
import { InputUnsuitable } from "../../../src/oci/OciError.ts"
import { missingOf } from "../../support/commands.ts"

/** Text that repeats itself from far away, longer than a few blocks. */
const content = Buffer.alloc(
  9_000_001,
  Array.from({ length: 20_000 }, (_, at) => `line ${at % 5000} of ${at}\n`).join("")
)

const compressed = (how: Compressing, pieceBytes = 333_333) => {
  const pieces = Array.from(
    { length: Math.ceil(content.length / pieceBytes) },
    (_, at) => content.subarray(at * pieceBytes, (at + 1) * pieceBytes)
  )
  return Effect.map(
    Stream.runCollect(layerMaker.compress(Stream.fromIterable(pieces), how)),
    (all) => Buffer.concat(all)
  )
}

/** What our reader of layers makes of it. */
const decoded = (kind: "gzip" | "zstd", bytes: Uint8Array): Buffer => {
  const pieces: Array<Buffer> = []
  const decoder = layerMaker.codec.decode(kind, (piece) => void pieces.push(Buffer.from(piece)))
  decoder.write(bytes)
  decoder.finish()
  decoder.close()
  return Buffer.concat(pieces)
}

describe("layers are compressed", () => {
  it.effect("to one member of gzip, whatever the pieces are", () =>
    Effect.gen(function*() {
      const bytes = yield* compressed({ kind: "gzip" })
      assert.isTrue(gunzipSync(bytes).equals(content))
      assert.isTrue(decoded("gzip", bytes).equals(content))
      assert.isTrue((yield* compressed({ kind: "gzip" }, 1_000_000)).equals(bytes))
      assert.isAbove((yield* compressed({ kind: "gzip", level: 1 })).length, bytes.length)
    }))

  it.effect("to frames of zstd", () =>
    Effect.gen(function*() {
      const bytes = yield* compressed({ kind: "zstd" })
      assert.isTrue(decoded("zstd", bytes).equals(content))
      assert.isTrue((yield* compressed({ kind: "zstd" }, 77_777)).equals(bytes))
      assert.isFalse((yield* compressed({ kind: "zstd", level: 1 })).equals(bytes))
    }))

  it.effect.skipIf(missingOf("layerMaker", ["gzip", "zstd"]).size > 0)(
    "so that the tools of the system read them",
    () =>
      Effect.gen(function*() {
        for (const kind of ["gzip", "zstd"] as const) {
          const input = yield* compressed({ kind })
          assert.isTrue(execFileSync(kind, ["-dc"], { input, maxBuffer: 2 * content.length }).equals(content))
        }
      })
  )

  it.effect("at levels that there are", () =>
    Effect.gen(function*() {
      const wrong: ReadonlyArray<Compressing> = [
        { kind: "gzip", level: 10 },
        { kind: "gzip", level: 0 },
        { kind: "zstd", level: 20 },
        { kind: "zstd", level: 1.5 }
      ]
      for (const how of wrong) assert.instanceOf(yield* Effect.flip(compressed(how)), InputUnsuitable)
    }))
})
