/** What a layout is after something happened to it. */
import { field } from "../oci/field.ts"
import { type Entry, readEntry } from "./Entry.ts"
import { EntryAdded, EntryRemoved, EntryReplaced, Event } from "./Event.ts"
import { append, entriesOfDigest, insert, remove, replace, type State } from "./State.ts"

/**
 * The next state. An event about an entry that is not there changes nothing: it belongs to another layout. The
 * caller that joins events and a state has to notice that (the journal does, by the hash of the index).
 */
export const evolve = (state: State, event: Event): State =>
  Event.match(event, {
    BlobCollected: () => state,
    BlobDeleted: () => state,
    EntryAdded: ({ value }) => insert(state, readEntry(value, state.defaultRepository)),
    EntryRemoved: (removed) => withEntry(state, removed, (entry) => remove(state, entry)),
    EntryReplaced: (replaced) =>
      withEntry(state, replaced, (entry) => replace(state, entry, readEntry(replaced.to, state.defaultRepository)))
  })

/** The state a history leads to. */
export const replay = (from: State, events: Iterable<Event>): State => {
  let state = from
  /** Entries that were added in a row: of a layout that another tool has filled there are many. */
  let added: Array<Entry> = []
  const appendAdded = (): void => {
    if (added.length > 0) state = append(state, added)
    added = []
  }
  for (const event of events) {
    if (event._tag === "EntryAdded") {
      added.push(readEntry(event.value, state.defaultRepository))
      continue
    }
    appendAdded()
    state = evolve(state, event)
  }
  appendAdded()
  return state
}

/** Names `entry` so that an event can speak of it. */
export const keyOf = (state: State, entry: Entry): { refName?: string; digest: string; occurrence: number } => ({
  ...field("refName", entry.refName),
  digest: entry.digest,
  occurrence: alike(state, entry).indexOf(entry)
})

/** The event that brings back the state before `event`, up to the order of entries; a note has none. */
export const invert = (after: State, event: Event): ReadonlyArray<Event> =>
  Event.match(event, {
    BlobCollected: () => [],
    BlobDeleted: () => [],
    EntryAdded: ({ value }) => {
      const entry = lastOf(after, value)
      return entry === undefined ? [] : [new EntryRemoved({ ...keyOf(after, entry), value })]
    },
    EntryRemoved: ({ value }) => [new EntryAdded({ value })],
    EntryReplaced: ({ from, to }) => {
      const entry = lastOf(after, to)
      return entry === undefined ? [] : [new EntryReplaced({ ...keyOf(after, entry), from: to, to: from })]
    }
  })

/** The state before `events`, up to the order of entries. */
export const rewind = (after: State, events: ReadonlyArray<Event>): State =>
  events.toReversed().reduce((state, event) => replay(state, invert(state, event)), after)

const withEntry = (
  state: State,
  { digest, occurrence, refName }: { readonly refName?: string; readonly digest: string; readonly occurrence: number },
  change: (entry: Entry) => State
): State => {
  const entry = alike(state, { refName, digest })[occurrence]
  return entry === undefined ? state : change(entry)
}

/** The entries with this name and digest, in index order. */
const alike = (
  state: State,
  { digest, refName }: { readonly refName: string | undefined; readonly digest: string }
): ReadonlyArray<Entry> => entriesOfDigest(state, digest).filter((entry) => entry.refName === refName)

const lastOf = (state: State, value: EntryAdded["value"]): Entry | undefined => {
  const text = JSON.stringify(value)
  const { digest, refName } = readEntry(value, undefined)
  return alike(state, { digest, refName }).findLast((entry) => JSON.stringify(entry.value) === text)
}
