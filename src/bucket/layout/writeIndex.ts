/** Publishes what was committed: `index.json` is what other tools read. */
import { Effect } from "effect"
import { emptyIndex, putTogether, takeApart } from "../../node/index/indexText.ts"
import { generationText } from "../../node/journal/journalRecord.ts"
import type { WriteFault } from "../../oci/faults.ts"
import { absent, type ObjectStore, unchanged } from "../store/ObjectStore.ts"
import { isLost } from "./createRecord.ts"
import { generationOf, type Head, type IndexFound, indexKey } from "./head.ts"

/** Writes the index of a head, and tells of it; nothing where it was replaced meanwhile. */
export const writeIndex = Effect.fnUntraced(function*(
  store: ObjectStore,
  { date, head, index, last }: Head
): Effect.fn.Return<IndexFound | undefined, WriteFault> {
  if (last === undefined) return undefined
  const generation = generationOf(last)
  const text = index?.text ?? takeApart(
    index === undefined ? emptyIndex : Buffer.from(index.bytes).toString(),
    index?.state.entries.map(({ value }) => value) ?? []
  )
  const entries = head.entries.map(({ value }) => value)
  const bytes = Buffer.from(putTogether(text, entries, generationText(generation)))
  const etag = yield* store.put(indexKey, bytes, {
    condition: index === undefined ? absent : unchanged(index.etag),
    relies: date
  }).pipe(
    Effect.map(({ value }) => value._tag === "Done" ? value.etag : ""),
    // Reading it tells whether it was written.
    Effect.catchIf(isLost, () => Effect.succeed(""))
  )
  return etag === "" ? undefined : { etag, bytes, text, state: head, generation }
})
