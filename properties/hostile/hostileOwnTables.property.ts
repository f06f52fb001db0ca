/** Tables of contents that layers have of themselves: an honest one says what the tar says, and any other is told or refused. */
import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import { layerLimits } from "../../src/image/limits.ts"
import { digestOf, type LayerTable } from "../../src/image/table/Entry.ts"
import { OwnTableInvalid, OwnTableTooLarge, parseOwnTable } from "../../src/image/table/ownTable.ts"
import { foldLayers, FoldRefused, FoldTooLong } from "../../src/image/tree/foldLayers.ts"
import { below } from "../../src/image/tree/walk.ts"
import { layerTar, tableOf } from "../../test/image/support/layers.ts"
import { kinds, withOwnTable } from "../../test/image/support/ownTables.ts"
import { figures } from "../support/figures.ts"
import { assertHolds } from "../support/fuzz.ts"
import { jsonMutator } from "../support/mutateJson.ts"
import { randomOf } from "../support/random.ts"
import { pureRuns, seed } from "../support/share.ts"
import { layers } from "../support/writtenLayers.ts"

const blobSize = 1_000_000
const emptySha = new Uint8Array(createHash("sha256").digest())

const parsed = (bytes: Uint8Array) => parseOwnTable(bytes, blobSize, layerLimits, emptySha)

/** The table that a layer of these files has of itself, byte for byte. */
const written = (source: Buffer, kind: (typeof kinds)[number]): Buffer => {
  let found: Buffer = Buffer.alloc(0)
  withOwnTable(kind, source, { chunk: 5, table: (bytes) => (found = bytes) })
  return found
}

const shown = (table: Pick<LayerTable, "entries" | "shas">) =>
  table.entries.map((entry) => ({ ...entry, offset: 0, sha: digestOf(table, entry) }))

/** Each file is alone between its checkpoints, which lead to places inside of the blob. */
const checkPlaces = ({ checkpoints, entries }: ReturnType<typeof parsed>): void => {
  let last = -1
  for (const { in: before, out } of checkpoints) {
    assert.isAbove(out, last)
    assert.isTrue(Number.isSafeInteger(out) && before >= 0 && before <= blobSize)
    last = out
  }
  for (const { offset, size, type } of entries) {
    if (type !== "file" || size === 0) continue
    const own = checkpoints.findLast(({ out }) => out <= offset)
    assert.isDefined(own)
    for (const other of entries) {
      if (other.type === "file" && other.size > 0 && other.offset > offset) {
        assert.isAtLeast(other.offset, offset + size)
      }
    }
  }
}

describe("the table that a layer has of itself", () => {
  it("says what the tar says", () => {
    let entries = 0
    for (let at = 0; at < 5 * pureRuns; at++) {
      for (const source of layers(randomOf(seed + at), at % 2 === 0).map(layerTar)) {
        for (const kind of kinds) {
          const own = parsed(written(source, kind))
          assert.deepStrictEqual(shown(own), shown(tableOf(source)), `PROPERTY_SEED=${seed}, input ${at}`)
          checkPlaces(own)
          entries += own.entries.length
        }
      }
    }
    figures("own tables, honest", { entries })
  })

  it("with any bytes is told or refused", () => {
    const seeds = Array.from({ length: 20 }, (_, at) => layers(randomOf(at), true).map(layerTar)).flat()
      .flatMap((source) => kinds.map((kind) => written(source, kind)))
    assertHolds({
      name: "own tables",
      perRun: 100,
      draw: jsonMutator(seeds),
      kinds: ["refused", "not put together", "told"],
      hold: (bytes) => {
        try {
          const own = parsed(bytes)
          checkPlaces(own)
          for (const { path } of below(foldLayers([own.entries, own.entries]), "/")) {
            assert.match(path, /^\/(?!.*(?:^|\/)(?:\.{1,2})?(?:\/|$)).+/su, "no part leads elsewhere")
          }
          return "told"
        } catch (error) {
          if (error instanceof OwnTableInvalid) return "refused"
          if (error instanceof OwnTableTooLarge) return "too large"
          if (error instanceof FoldRefused || error instanceof FoldTooLong) return "not put together"
          throw error
        }
      }
    })
  })
})
