import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { basename } from "node:path"
import { blobsIn, casesBelow, collected, findings, given } from "./given.ts"

/** Kinds of layouts that were right from the beginning; each by what verification calls an error in it. */
const errors: Readonly<Record<string, ReadonlyArray<string>>> = {
  pack_sparse: ["BLOB_MISSING"],
  // Its links are plain files here, as a copy without links leaves them.
  symlinked_inside: ["SIZE_MISMATCH", "MANIFEST_CORRUPT"],
  zero_byte_index: ["INDEX_INVALID"],
  zero_size_config_missing: ["BLOB_MISSING"]
}

describe("what was right stays so", () => {
  it.live.each(casesBelow("passed").filter((path) => !path.endsWith("_tree")))("%s", (path) =>
    Effect.gen(function*() {
      const layout = yield* given(path)
      const found = (yield* findings(layout)).filter(({ severity }) => severity === "error").map(({ code }) => code)
      assert.deepStrictEqual(Array.from(new Set(found)), errors[basename(path)] ?? [])
      if (found.length > 0) return
      const before = blobsIn(layout.directory)
      const going = new Set(yield* collected(layout))
      // A verification and a collection never disagree.
      const unneeded = (yield* findings(layout)).some(({ code }) => code === "BLOB_UNREFERENCED")
      assert.strictEqual(before.some((digest) => going.has(digest)), unneeded)
    }).pipe(Effect.scoped))
})
