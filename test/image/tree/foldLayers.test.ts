import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { foldLayers, FoldRefused, FoldTooLong } from "../../../src/image/tree/foldLayers.ts"
import { layerTar, tableOf, type Written } from "../support/layers.ts"
import { listing } from "../support/listing.ts"

/** Layers, and what `umoci unpack` (0.4.7) makes of them; `refused` where it ends with an error. */
const cases = JSON.parse(
  readFileSync(fileURLToPath(new URL("../../fixtures/images/layers.json", import.meta.url)), "utf8")
) as Readonly<
  Record<string, {
    readonly layers: ReadonlyArray<ReadonlyArray<Written>>
    readonly umoci: ReadonlyArray<string> | "refused"
  }>
>

const folded = (layers: ReadonlyArray<ReadonlyArray<Written>>): ReadonlyArray<string> | "refused" => {
  const tables = layers.map((entries) => tableOf(layerTar(entries)))
  try {
    return listing(foldLayers(tables.map(({ entries }) => entries)), tables)
  } catch (error) {
    if (error instanceof FoldRefused) return "refused"
    throw error
  }
}

describe("layers put together", () => {
  it.each(Object.entries(cases))("are read as umoci does: %s", (_, { layers, umoci }) => {
    assert.deepStrictEqual(folded(layers), umoci === "refused" ? umoci : umoci.toSorted())
  })

  it("refuses folders that lie too deep, whatever links lead to them", () => {
    const link = (
      at: number
    ): ReadonlyArray<Written> => [[`l${at}`, "s", `${at === 0 ? "" : `l${at - 1}/`}${"d/".repeat(400)}`]]
    const layers = Array.from({ length: 12 }, (_, at) => [...link(at), [`l${at}/f`, "f", ""] as const])
    assert.strictEqual(folded(layers), "refused")
  })

  it("refuses links in a circle", () => {
    assert.strictEqual(folded([[["a", "s", "b"], ["b", "s", "a"], ["a/x", "f", ""]]]), "refused")
  })

  it("ends in time where every name costs many", () => {
    const deep = "d/".repeat(1500)
    const links: ReadonlyArray<Written> = Array.from(
      { length: 38 },
      (_, at) => [`l${at}`, "s", at === 0 ? "." : `l${at - 1}/${"./".repeat(10)}${"x/../".repeat(300)}`] as const
    )
    const many: ReadonlyArray<Written> = Array.from(
      { length: 9000 },
      (_, at) => [`l37${"/".repeat(1 + at % 2)}f${at}`, "f", ""] as const
    )
    assert.throws(
      () => foldLayers([tableOf(layerTar([[deep, "d", 0o755], ["x", "d", 0o755], ...links, ...many])).entries]),
      FoldTooLong
    )
  })

  it("does not take a folder for the one before where what leads to it was replaced or removed", () => {
    assert.strictEqual(folded([[["l", "s", "."], ["l/one", "f", ""], ["l/l", "f", ""], ["l/two", "f", ""]]]), "refused")
    assert.deepStrictEqual(
      folded([[["d", "d", 0o700], ["d/low", "f", ""]], [[".wh.d", "f", ""], ["d/new", "f", ""]]]),
      ["d d 755 0", "d/new f 644 0 e3b0c442"]
    )
    assert.deepStrictEqual(
      folded([[["d/e/", "d", 0o755], ["d/x", "f", ""], ["d/e/../y", "f", ""], ["d/e/z", "f", ""]]]),
      ["d d 755 0", "d/e d 755 0", "d/e/z f 644 0 e3b0c442", "d/x f 644 0 e3b0c442", "d/y f 644 0 e3b0c442"]
    )
  })

  it("clears a folder once for each layer, however often it is said", () => {
    const files: ReadonlyArray<Written> = Array.from({ length: 20_000 }, (_, at) => [`d/f${at}`, "f", ""] as const)
    const again: ReadonlyArray<Written> = Array.from({ length: 20_000 }, () => ["d/.wh..wh..opq", "f", ""] as const)
    const tables = [files, [...files.slice(0, 10_000), ...again]].map((entries) => tableOf(layerTar(entries)))
    assert.strictEqual(listing(foldLayers(tables.map(({ entries }) => entries)), tables).length, 10_001)
  })
})
