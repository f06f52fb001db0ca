/** Bringing back what was: a commit taken back, or names as they were at an earlier point. History only grows. */
import { Result } from "effect"
import { Conflict } from "../oci/OciError.ts"
import type { Repository } from "../oci/Reference.ts"
import { canonical } from "./canonical.ts"
import type { RevertCommit } from "./Command.ts"
import { type Entry, fullNameOf } from "./Entry.ts"
import { EntryAdded, EntryRemoved, type Event } from "./Event.ts"
import { evolve, keyOf, replay } from "./evolve.ts"
import { tagged } from "./query.ts"
import { difference, nameOf, sameDigests } from "./reconcile.ts"
import { fromEntries, type State } from "./State.ts"

/**
 * The events that give each name that a commit changed what it had before. A name that has become something else since
 * is a conflict, unless it is forced; one that points already at what it did needs nothing.
 */
export const revertCommit = (
  state: State,
  { after, before, force, later }: RevertCommit
): Result.Result<ReadonlyArray<Event>, Conflict> => {
  const then = Map.groupBy(before.entries, keyOfName)
  const done = Map.groupBy(after.entries, keyOfName)
  const now = Map.groupBy(state.entries, keyOfName)
  const changed = new Set<string>()
  const conflicts: Array<string> = []
  for (const name of new Set([...then.keys(), ...done.keys()])) {
    if (sameEntries(then.get(name), done.get(name)) || sameEntries(then.get(name), now.get(name))) continue
    if (sameDigests(done.get(name), now.get(name)) || force) changed.add(name)
    else if (!sameDigests(then.get(name), now.get(name))) conflicts.push(name)
  }
  if (conflicts.length > 0) {
    return Result.fail(
      new Conflict({
        reason: "it has been changed again since",
        names: conflicts.map((name) => {
          const [known = "", full = ""] = name.split(between)
          const revision = later.get(known)
          return `${full === "" ? displayed(known) : full}${revision === undefined ? "" : ` in revision ${revision}`}`
        })
      })
    )
  }
  return Result.succeed(bringBack(state, before, (entry) => changed.has(keyOfName(entry))))
}

const between = "\u0000"

/** Entries with one tag are told apart by their full image names. */
const keyOfName = (entry: Entry): string => `${nameOf(entry)}${between}${fullNameOf(entry) ?? ""}`

/** The events that make all entries that are meant what they were in another state. */
export const restoreNames = (
  state: State,
  target: State,
  repository: Repository | undefined
): ReadonlyArray<Event> =>
  bringBack(
    state,
    target,
    ({ name }) => repository === undefined || (name._tag !== "Raw" && name.repository === repository)
  )

const bringBack = (state: State, target: State, isMeant: (entry: Entry) => boolean): ReadonlyArray<Event> => {
  const values = [
    ...state.entries.filter((entry) => !isMeant(entry)),
    ...target.entries.filter(isMeant)
  ].map(({ value }) => value)
  const wanted = fromEntries(values, state.defaultRepository)
  const events = difference(state, wanted)
  return [...events, ...inOrder(replay(state, events), target, isMeant)]
}

/**
 * If a tag has several entries, the first one counts. If another entry would be first now, all are written again in
 * their old order.
 */
const inOrder = (state: State, target: State, isMeant: (entry: Entry) => boolean): ReadonlyArray<Event> => {
  const events: Array<Event> = []
  let now = state
  const seen = new Set<string>()
  for (const { name } of target.entries.filter(isMeant)) {
    if (name._tag !== "Tagged" || seen.has(`${name.repository}:${name.tag}`)) continue
    seen.add(`${name.repository}:${name.tag}`)
    const present = tagged(now, name.repository, name.tag)
    const wanted = tagged(target, name.repository, name.tag).map(({ value }) => canonical(value))
    const placeOf = ({ value }: Entry): number => {
      const place = wanted.indexOf(canonical(value))
      return place < 0 ? wanted.length : place
    }
    const ordered = present.toSorted((a, b) => placeOf(a) - placeOf(b))
    if (ordered[0]?.digest === present[0]?.digest) continue
    for (const entry of present) {
      const removed = new EntryRemoved({ ...keyOf(now, entry), value: entry.value })
      now = evolve(now, removed)
      events.push(removed)
    }
    for (const { value } of ordered) {
      const added = new EntryAdded({ value })
      now = evolve(now, added)
      events.push(added)
    }
  }
  return events
}

const sameEntries = (a: ReadonlyArray<Entry> = [], b: ReadonlyArray<Entry> = []): boolean =>
  a.length === b.length && texts(a) === texts(b)

const texts = (entries: ReadonlyArray<Entry>): string =>
  entries.map(({ value }) => canonical(value)).toSorted().join("\n")

const displayed = (name: string): string => name.replace(/^(?:name|digest) /u, "")
