/** Tars, and blobs that should be compressed ones, of any kind: a table, or a typed failure; no defect, and no hang. */
import { assert, describe, it } from "@effect/vitest"
import { gzipSync, zstdCompressSync } from "node:zlib"
import { LayerPass, LimitReached } from "../../src/image/layers/LayerPass.ts"
import { layerLimits } from "../../src/image/limits.ts"
import { CodecFailed } from "../../src/image/ports/LayerCodec.ts"
import type { LayerTable } from "../../src/image/table/Entry.ts"
import { readTable } from "../../src/image/table/readTable.ts"
import { TarInvalid } from "../../src/image/tar/numbers.ts"
import { foldLayers, FoldRefused, FoldTooLong } from "../../src/image/tree/foldLayers.ts"
import { below } from "../../src/image/tree/walk.ts"
import { layerCodec } from "../../src/node/layers/layerCodec.ts"
import { goCommand, readByGo, readByUs } from "../../test/image/support/goTar.ts"
import { oddTars } from "../../test/image/support/oddTars.ts"
import { figures } from "../support/figures.ts"
import { assertHolds } from "../support/fuzz.ts"
import { mutatedBytes } from "../support/mutate.ts"
import { randomOf } from "../support/random.ts"
import { runs, seed } from "../support/share.ts"
import { mutatedTar } from "../support/tarSeeds.ts"

/** Small, so that what only claims to be large is refused at once. */
const limits = { ...layerLimits, size: 64 * 1024 * 1024, entries: 10_000 }

/** The table that pieces of a length make; nothing where the layer is refused. */
const looked = (blob: Uint8Array, piece: number): LayerTable | undefined => {
  const pass = new LayerPass(layerCodec, limits, "sha256:x")
  try {
    for (let at = 0; at < blob.length; at += piece) pass.write(blob.subarray(at, at + piece))
    const table = readTable(pass.finish())
    assert.isDefined(table, "what was written can be read")
    return table
  } catch (error) {
    if (error instanceof TarInvalid || error instanceof CodecFailed || error instanceof LimitReached) return undefined
    throw error
  } finally {
    pass.close()
  }
}

const held = (blob: Uint8Array): string => {
  const table = looked(blob, blob.length + 1)
  assert.deepStrictEqual(looked(blob, 700), table)
  if (table === undefined) return "refused"
  try {
    for (const { path } of below(foldLayers([table.entries, table.entries]), "/")) {
      assert.match(path, /^\/(?!.*(?:^|\/)(?:\.{1,2})?(?:\/|$)).+/su, "no part leads elsewhere")
    }
    return "told"
  } catch (error) {
    if (error instanceof FoldRefused || error instanceof FoldTooLong) return "not put together"
    throw error
  }
}

describe("a layer", () => {
  it("of any tar is told or refused", () => {
    assertHolds({
      name: "tars",
      perRun: 30,
      draw: mutatedTar,
      kinds: ["refused", "not put together", "told"],
      hold: held
    })
  })

  it("of any compressed bytes is told or refused", () => {
    const seeds = oddTars.map(([, tar]) => tar).filter(({ length }) => length < 40_000)
      .flatMap((tar) => [gzipSync(tar), zstdCompressSync(tar), Buffer.concat([gzipSync(tar), gzipSync("more")])])
    assertHolds({
      name: "compressed layers",
      perRun: 20,
      draw: (random) => mutatedBytes(random, seeds),
      kinds: ["refused", "told"],
      hold: held
    })
  })

  it.skipIf(goCommand === undefined)("is read as Go reads it, where both read it at all", () => {
    const drawn = function*(): Generator<Uint8Array> {
      for (let at = 0; at < 100 * runs; at++) yield mutatedTar(randomOf(seed + at))
    }
    const counts = { same: 0, refusedByGo: 0, refusedByUs: 0 }
    let at = 0
    for (const [tar, go] of readByGo(goCommand ?? "", drawn())) {
      const us = readByUs(tar)
      if (go.failed !== us.failed) counts[go.failed ? "refusedByGo" : "refusedByUs"]++
      else if (!go.failed) {
        assert.deepStrictEqual(us, go, `PROPERTY_SEED=${seed}, input ${at}`)
        counts.same++
      }
      at++
    }
    assert.strictEqual(at, 100 * runs)
    figures("tars, beside Go", counts)
  })
})
