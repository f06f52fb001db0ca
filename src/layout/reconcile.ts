/** What to make of an index that somebody else has rewritten (DESIGN 4, "Reconciling a foreign change"). */
import { canonical } from "./canonical.ts"
import type { Entry } from "./Entry.ts"
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
      ...(refName === undefined ? {} : { refName }),
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

/**
 * Merges a foreign index with what we committed since the version its writer started from: where the writer left a name
 * as it was in `base`, ours holds; where it changed the name, its word holds. What a name points at is what counts:
 * that a tool dropped fields it does not know is not yet a change of the name.
 *
 * @param base the state its writer read, by the generation it kept
 * @param ours the state of the last commit
 * @param theirs the index as found
 */
export const merge = (base: State, ours: State, theirs: State): State => {
  const before = Map.groupBy(base.entries, nameOf)
  const mine = Map.groupBy(ours.entries, nameOf)
  const found = Map.groupBy(theirs.entries, nameOf)
  const restored = new Set<string>()
  for (const name of new Set([...before.keys(), ...mine.keys()])) {
    const untouched = sameDigests(before.get(name), found.get(name))
    if (untouched && !sameDigests(before.get(name), mine.get(name))) restored.add(name)
  }
  if (restored.size === 0) return theirs
  const values = [
    ...theirs.entries.filter((entry) => !restored.has(nameOf(entry))),
    ...ours.entries.filter((entry) => restored.has(nameOf(entry)))
  ].map(({ value }) => value)
  return fromIndex(values, { defaultRepository: ours.defaultRepository, bytes: ours.bytes + theirs.bytes })
}

/** An index that was replaced before somebody was done with it. */
export interface Late {
  readonly index: State
  /** The state its writer started from, and the one that took its place; nothing when nobody knows them. */
  readonly versions: { readonly base: State; readonly since: State } | undefined
  /** Whether it was to be found as the index until it was replaced, so that what it lacks had been removed. */
  readonly whole: boolean
}

/**
 * Takes what somebody changed in an index that had been replaced. A name that has been changed again since is left as
 * it is, since that is the later word; and where nobody knows what it was, only names that are not there are taken.
 */
export const takeIn = (ours: State, { index, versions, whole }: Late): State => {
  const mine = Map.groupBy(ours.entries, nameOf)
  const found = Map.groupBy(index.entries, nameOf)
  const before = Map.groupBy(versions?.base.entries ?? [], nameOf)
  const since = Map.groupBy(versions?.since.entries ?? [], nameOf)
  const changed = new Set<string>()
  for (const name of whole ? [...found.keys(), ...before.keys()] : found.keys()) {
    if (sameDigests(before.get(name), found.get(name)) || !sameDigests(since.get(name), mine.get(name))) continue
    if (!sameDigests(mine.get(name), found.get(name))) changed.add(name)
  }
  if (changed.size === 0) return ours
  const values = [
    ...ours.entries.filter((entry) => !changed.has(nameOf(entry))),
    ...index.entries.filter((entry) => changed.has(nameOf(entry)))
  ].map(({ value }) => value)
  return fromIndex(values, { defaultRepository: ours.defaultRepository, bytes: ours.bytes + index.bytes })
}

/** What an index and the journal say together. */
export interface Findings {
  /** The state after the last commit of the journal that happened. */
  readonly head: State
  /** The index as it is on disk. */
  readonly index: State
  /** How an index that is not the head came to be. */
  readonly origin:
    /** Its writer started from a version of ours, whose state is `base`. */
    | { readonly _tag: "Derived"; readonly base: State }
    /** A restored copy, another journal's, or a writer that keeps no annotations. */
    | { readonly _tag: "Accepted" }
}

/** The state that holds; `difference` tells the events of actor `foreign` that lead to it from the head. */
export const reconcile = ({ head, index, origin }: Findings): State =>
  origin._tag === "Derived" ? merge(origin.base, head, index) : index

/** A named entry is its name, whatever it points at; a nameless one is its digest. */
export const nameOf = ({ digest, refName }: Entry): string =>
  refName === undefined ? `digest ${digest}` : `name ${refName}`

/** Whether entries of one name point at the same, whatever else they carry. */
export const sameDigests = (a: ReadonlyArray<Entry> | undefined, b: ReadonlyArray<Entry> | undefined): boolean =>
  digests(a) === digests(b)

const digests = (entries: ReadonlyArray<Entry> = []): string => entries.map(({ digest }) => digest).toSorted().join(" ")

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
