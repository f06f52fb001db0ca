/** What to make of an index that another tool has rewritten. */
import type { Schema } from "effect"
import { field } from "../oci/field.ts"
import { canonical } from "./canonical.ts"
import { type Entry, readEntry } from "./Entry.ts"
import { EntryAdded, EntryRemoved, EntryReplaced, type Event } from "./Event.ts"
import { fromIndex, type State } from "./State.ts"

/**
 * The events that lead from one state to the other, order aside: equal entries stay, an entry whose name stayed is
 * replaced, the rest is removed and added.
 */
export const difference = (from: State, to: State): ReadonlyArray<Event> => {
  const gone = new Set(minus(from.entries, to.entries))
  const come = minus(to.entries, from.entries)
  const events: Array<Event> = []
  const names = new Set(Array.from(gone, nameOf))
  const waiting = Map.groupBy(come.filter((entry) => names.has(nameOf(entry))).toReversed(), nameOf)
  const successors = new Set<Entry>()
  /** How many entries of a name and a digest come before, as the events so far leave them. */
  const before = new Map<string, number>()
  const pass = (name: string, { digest }: Entry): void => {
    const key = `${digest} ${name}`
    before.set(key, (before.get(key) ?? 0) + 1)
  }
  for (const entry of gone.size === 0 ? [] : from.entries) {
    const name = nameOf(entry)
    if (!names.has(name)) continue
    if (!gone.has(entry)) {
      pass(name, entry)
      continue
    }
    const { digest, refName, value } = entry
    const key = {
      ...field("refName", refName),
      digest,
      occurrence: before.get(`${digest} ${name}`) ?? 0
    }
    const successor = refName === undefined ? undefined : waiting.get(name)?.pop()
    if (successor === undefined) events.push(new EntryRemoved({ ...key, value }))
    else {
      events.push(new EntryReplaced({ ...key, from: value, to: successor.value }))
      successors.add(successor)
      pass(name, successor)
    }
  }
  for (const entry of come) if (!successors.has(entry)) events.push(new EntryAdded({ value: entry.value }))
  return events
}

/** Whether two states are equal as multisets of descriptors. */
export const equivalent = (a: State, b: State): boolean =>
  a === b || (a.entries.length === b.entries.length && minus(a.entries, b.entries).length === 0)

/** The digests that each name had, in every version from some point on; of names that changed since. */
export type Said = ReadonlyMap<string, ReadonlySet<string>>

/**
 * For each name that changed: all values (sets of digests) that it had, from the state `start` through every commit.
 */
export const saidSince = (start: State, commits: Iterable<ReadonlyArray<Event>>): Said => {
  const now = Map.groupBy(start.entries, nameOf)
  const current = new Map<string, Array<string>>()
  const said = new Map<string, Set<string>>()
  const digestsNow = (name: string): Array<string> => {
    let list = current.get(name)
    if (list === undefined) {
      list = (now.get(name) ?? []).map(({ digest }) => digest)
      current.set(name, list)
      said.set(name, new Set([keyOfDigests(list)]))
    }
    return list
  }
  for (const events of commits) {
    const touched = new Set<string>()
    const change = (value: Schema.Json, more: boolean): void => {
      const entry = readEntry(value, undefined)
      const name = nameOf(entry)
      const list = digestsNow(name)
      touched.add(name)
      const place = more ? -1 : list.indexOf(entry.digest)
      if (more) list.push(entry.digest)
      else if (place >= 0) list.splice(place, 1)
    }
    for (const event of events) {
      if (event._tag === "EntryRemoved") change(event.value, false)
      if (event._tag === "EntryReplaced") change(event.from, false)
      if (event._tag === "EntryAdded") change(event.value, true)
      if (event._tag === "EntryReplaced") change(event.to, true)
    }
    for (const name of touched) said.get(name)?.add(keyOfDigests(digestsNow(name)))
  }
  return said
}

/** What an index that another tool wrote may go back to. */
export interface Base {
  /** What names said since the version that its writer may have read. */
  readonly said: Said
  /**
   * The writer has a copy of the layout that was changed separately. The last common version is not known, so a name
   * that the index lacks is not treated as removed.
   */
  readonly diverged?: true
  /** The state we found when we took the layout on, where the index has no generation of ours. */
  readonly adopted?: State
}

/** A layout as it is once a rewrite by another tool and our own commits have been merged. */
export interface Merged {
  readonly state: State
  /**
   * What the index says in the other tool's own words, where it was overruled in names that it changed: that is put on
   * record first, so that it can be had again.
   */
  readonly toolState: State
}

/**
 * Merges an index that another tool has written (R9). If a name has a value that some version since the base had, the
 * tool has not changed it: our present value stays. Otherwise the tool has set it: its value is taken. Only digests are
 * compared: a tool that drops unknown fields of an entry has not changed the name.
 *
 * In an index without a generation of ours, a name that we have changed since we took the layout on stays ours (R9,
 * R10).
 */
export const merge = (ours: State, theirs: State, { adopted, diverged, said }: Base): Merged => {
  const mine = Map.groupBy(ours.entries, nameOf)
  const found = Map.groupBy(theirs.entries, nameOf)
  const taken = adopted === undefined ? undefined : Map.groupBy(adopted.entries, nameOf)
  const restored = new Set<string>()
  const overruled = new Set<string>()
  for (const name of new Set([...mine.keys(), ...found.keys()])) {
    const there = digests(found.get(name))
    const own = digests(mine.get(name))
    if (there === own) continue
    const isOld = said.get(name)?.has(there) === true || (diverged === true && there === "")
    if (isOld) restored.add(name)
    else if (taken !== undefined && own !== digests(taken.get(name))) overruled.add(name)
  }
  const toolState = withNames(theirs, ours, restored)
  return { toolState, state: overruled.size === 0 ? toolState : withNames(toolState, ours, overruled) }
}

/** A state with some of its names as another one has them. */
const withNames = (state: State, other: State, names: ReadonlySet<string>): State => {
  if (names.size === 0) return state
  const values = [
    ...state.entries.filter((entry) => !names.has(nameOf(entry))),
    ...other.entries.filter((entry) => names.has(nameOf(entry)))
  ].map(({ value }) => value)
  return fromIndex(values, { defaultRepository: state.defaultRepository, bytes: state.bytes + other.bytes })
}

/** A replaced index that another tool has changed after, or just before, the exchange. */
export interface Late {
  readonly index: State
  /** The state that took its place, and what it may go back to; nothing when the journal does not know it. */
  readonly versions: { readonly since: State; readonly base: Base } | undefined
}

/**
 * Takes what another tool changed in an index that had been replaced. A name that has been changed again since is left
 * as it is, since that is the later word; and where the journal does not know what it was, only names that are not
 * there are taken.
 */
export const takeIn = (ours: State, { index, versions }: Late): State => {
  const mine = Map.groupBy(ours.entries, nameOf)
  const since = versions === undefined ? undefined : Map.groupBy(versions.since.entries, nameOf)
  const late = versions === undefined ? index : merge(versions.since, index, versions.base).state
  const found = Map.groupBy(late.entries, nameOf)
  const changed = new Set<string>()
  for (const name of new Set([...found.keys(), ...(since?.keys() ?? [])])) {
    const there = digests(found.get(name))
    const own = digests(mine.get(name))
    const before = since === undefined ? "" : digests(since.get(name))
    if (there !== before && own === before) changed.add(name)
  }
  return withNames(ours, late, changed)
}

/** A named entry is known by its name, an entry without a name by its digest. */
export const nameOf = ({ digest, refName }: Entry): string =>
  refName === undefined ? `digest ${digest}` : `name ${refName}`

/** Whether entries of one name point at the same digests; their other fields may differ. */
export const sameDigests = (a: ReadonlyArray<Entry> | undefined, b: ReadonlyArray<Entry> | undefined): boolean =>
  digests(a) === digests(b)

/** What a name points at, as one text; empty where there is no such name. */
const digests = (entries: ReadonlyArray<Entry> = []): string => keyOfDigests(entries.map(({ digest }) => digest))

/** Mostly a name has one entry. */
const keyOfDigests = (list: ReadonlyArray<string>): string =>
  list.length === 1 ? (list[0] ?? "") : list.toSorted().join(" ")

/** The entries of `a` that `b` has no equal for, one for one. */
const minus = (a: ReadonlyArray<Entry>, b: ReadonlyArray<Entry>): ReadonlyArray<Entry> => {
  if (a.length === 0 || b.length === 0) return a
  // Where one was made from the other, nearly all of them are the same at both ends.
  const most = Math.min(a.length, b.length)
  let first = 0
  while (first < most && isSame(a[first], b[first])) first++
  let last = 0
  while (last < most - first && isSame(a.at(-1 - last), b.at(-1 - last))) last++
  const counts = new Map<string, number>()
  for (const { value } of b.slice(first, b.length - last)) {
    counts.set(canonical(value), (counts.get(canonical(value)) ?? 0) + 1)
  }
  return a.slice(first, a.length - last).filter(({ value }) => {
    const count = counts.get(canonical(value)) ?? 0
    counts.set(canonical(value), count - 1)
    return count <= 0
  })
}

/** Whether two entries are spelled the same, so that they are surely equal. */
const isSame = (a: Entry | undefined, b: Entry | undefined): boolean =>
  a?.value === b?.value || JSON.stringify(a?.value) === JSON.stringify(b?.value)
