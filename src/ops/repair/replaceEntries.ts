/** Entries of the index that say something else from now on. */
import { EntryReplaced } from "../../layout/Event.ts"
import { keyOf, replay } from "../../layout/evolve.ts"
import { entriesOfDigest, type State } from "../../layout/State.ts"
import { isJsonObject, type JsonObject } from "../../oci/Descriptor.ts"

/**
 * The events that change all entries of a digest. Each is on the state that the one before it leaves: entries are named by
 * their place among those alike.
 *
 * @param written the digest as the entries have it
 * @param change what an entry is to be; nothing where it stays, and for what it has become
 */
export const replaceEntries = (
  state: State,
  written: string,
  change: (value: JsonObject, isDescriptor: boolean) => JsonObject | undefined
): ReadonlyArray<EntryReplaced> => {
  const events: Array<EntryReplaced> = []
  let next = state
  for (;;) {
    const [found] = entriesOfDigest(next, written).flatMap((entry) => {
      const { descriptor, value: from } = entry
      const to = isJsonObject(from) ? change(from, descriptor !== undefined) : undefined
      return to === undefined ? [] : [{ entry, from, to }]
    })
    if (found === undefined) return events
    const event = new EntryReplaced({ ...keyOf(next, found.entry), from: found.from, to: found.to })
    events.push(event)
    next = replay(next, [event])
  }
}
