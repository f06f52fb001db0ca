/** Gathers what a sweep of a layout has to know, and sweeps. */
import { Clock, Effect, Option, Stream } from "effect"
import { type Entry, readEntry } from "../layout/Entry.ts"
import { type Event, isNote } from "../layout/Event.ts"
import { displayName, type Evidence, type Remembered, type Sweep, sweep } from "../layout/garbage.ts"
import { outlivedBy } from "../layout/retention.ts"
import type { State } from "../layout/State.ts"
import type { Descriptor } from "../oci/Descriptor.ts"
import { belongingsIn, withUnlisted } from "./belonging.ts"
import type { Opened } from "./catalog.ts"
import type { GarbageItem } from "./Garbage.ts"
import type { Asked } from "./garbagePlan.ts"
import * as limits from "./limits.ts"
import { needsOfAll } from "./links.ts"
import type { RegistryError } from "./ports.ts"
import { isUnfinished } from "./Upkeep.ts"

/** What is gathered before the lock: it can only grow under it, and what is new by then has a lease. */
export interface Gathered extends Pick<Evidence, "blobs" | "busy" | "now" | "past"> {
  readonly pastManifests: ReadonlyArray<Descriptor>
  readonly movedAt: (entry: Entry) => number
}

const entriesIn = (event: Event): ReadonlyArray<Entry> => {
  if (isNote(event)) return []
  const values = event._tag === "EntryReplaced" ? [event.from, event.to] : [event.value]
  return values.map((value) => readEntry(value, undefined))
}

export const gather = Effect.fnUntraced(function*(
  { blobs, journal, layout, leftovers }: Opened,
  { now: atOnce, retention, undoWindowMillis }: Asked
): Effect.fn.Return<Gathered, RegistryError> {
  const now = yield* Clock.currentTimeMillis
  const { defaultRepository } = yield* layout.snapshot
  const past = new Map<string, Remembered>()
  const pastManifests: Array<Descriptor> = []
  if (undoWindowMillis > 0) {
    const window = Stream.takeWhile(journal.commits(), ({ time }) => time >= now - undoWindowMillis)
    const all = Stream.concat(window, journal.putAside(now - undoWindowMillis))
    yield* Stream.runForEach(all, ({ events, revision }) =>
      Effect.sync(() => {
        for (const { descriptor, digest } of events.flatMap(entriesIn)) {
          if (past.has(digest)) continue
          past.set(digest, { digest, revision })
          if (descriptor !== undefined) pastManifests.push(descriptor)
        }
      }))
  }
  const moved = new Map<string, number>()
  if (retention.length > 0) {
    yield* Stream.runForEach(journal.commits(), ({ events, time }) =>
      Effect.sync(() => {
        for (const event of events) {
          const value = event._tag === "EntryAdded"
            ? event.value
            : event._tag === "EntryReplaced"
            ? event.to
            : undefined
          if (value === undefined) continue
          const name = displayName(readEntry(value, defaultRepository))
          moved.set(name, moved.get(name) ?? time)
        }
      }))
  }
  const atWork = Stream.filter(leftovers.list, (found) => !atOnce && isUnfinished(found, now))
  const unfinished = yield* Stream.runHead(atWork)
  return {
    now,
    busy: Option.getOrUndefined(
      Option.map(
        unfinished,
        ({ changed, path, tool }) =>
          `${tool} may be at work, and count on what is there: ${path} was written ${new Date(changed).toISOString()}`
      )
    ),
    past: Array.from(past.values()),
    pastManifests,
    // Of what the history does not tell, it was before all that it tells.
    movedAt: (entry) => moved.get(displayName(entry)) ?? 0,
    blobs: Array.from(yield* Stream.runCollect(Stream.concat(blobs.list, blobs.heldOnly)))
  }
})

/** Looks at a state with what was gathered; who holds the lock sees all that may not go. */
export const look = Effect.fnUntraced(function*(
  opened: Opened,
  state: State,
  { blobs, busy, movedAt, now, past, pastManifests }: Gathered,
  { graceMillis, retention, undoWindowMillis, untagged }: Asked
): Effect.fn.Return<Sweep, RegistryError> {
  const { links, unreadable } = yield* needsOfAll(opened, state, pastManifests)
  const belongings = yield* belongingsIn(opened, state, true)
  const grace = Math.max(graceMillis, limits.leastGraceMillis)
  return sweep(
    state,
    {
      now,
      blobs,
      busy,
      past,
      links: withUnlisted(links, belongings),
      bonds: belongings.bonds,
      unreadable,
      held: yield* opened.blobs.held(now - grace),
      pins: new Set((yield* opened.pins.all).keys()),
      outlived: outlivedBy(state, retention, movedAt, now)
    },
    { untagged, graceMillis: grace, undoable: undoWindowMillis > 0 }
  )
})

export const itemsOf = ({ blobs, entries }: Sweep): ReadonlyArray<GarbageItem> => [
  ...entries.map(({ entry, goes, why }): GarbageItem => ({
    kind: "manifest",
    name: displayName(entry),
    digest: entry.digest,
    bytes: 0,
    goes,
    why
  })),
  ...blobs.map(({ digest, goes, size, why }): GarbageItem => ({
    kind: "blob",
    name: digest,
    digest,
    bytes: size,
    goes,
    why
  }))
]
