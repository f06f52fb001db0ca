/** What the index and the records say together. */
import type { Without } from "./Rules.ts"
import { indexOf, type Rec, recordAt, sorted, type State, type Tags } from "./State.ts"

/** The tags after a record, with what another tool wrote into an index since the record that it names. */
export const merge = (state: State, bytes: string, head: Rec, number: number, omitted: Without): Tags => {
  const index = indexOf(bytes)
  const base = recordAt(state, index.number)?.tags ?? {}
  if (!omitted.has("foreign bytes are taken in twice")) {
    for (let n = index.number + 1; n <= number; n++) if (recordAt(state, n)?.took === bytes) return head.tags
  }
  const tags: Record<string, string> = {}
  for (const tag of new Set([...Object.keys(base), ...Object.keys(head.tags), ...Object.keys(index.tags)])) {
    const digest = index.tags[tag] === base[tag] ? head.tags[tag] : index.tags[tag]
    if (digest !== undefined) tags[tag] = digest
  }
  return sorted(tags)
}
