/** Gathers what a sweep of a layout has to know, and sweeps. */
import { Clock, Effect, Option, Stream } from "effect"
import { type Entry, readEntry } from "../../layout/Entry.ts"
import { type Event, isNote } from "../../layout/Event.ts"
import { displayName, type Evidence, type Remembered, type Sweep, sweep } from "../../layout/garbage.ts"
import { type Age, type Retained, retainedBy } from "../../layout/retention.ts"
import type { State } from "../../layout/State.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { ReadFault } from "../../oci/faults.ts"
import type { GarbageItem } from "../api/Garbage.ts"
import { agesIn } from "../content/ages.ts"
import * as limits from "../limits.ts"
import { isUnfinished } from "../ports/Leftovers.ts"
import { belongingsIn, withUnlisted } from "../reachability/belonging.ts"
import { indexDoubt } from "../reachability/indexDoubt.ts"
import { needsOfAll } from "../reachability/reachable.ts"
import type { Opened } from "../repositories/catalog.ts"
import type { Asked } from "./garbagePlan.ts"

/** What is gathered before the lock: what is added later, before the lock is taken, has a mark. */
export interface Gathered extends Pick<Evidence, "blobs" | "busy" | "now" | "past"> {
  readonly pastManifests: ReadonlyArray<Descriptor>
  readonly agesOf: (entry: Entry) => ReadonlyArray<Age>
}

const entriesIn = (event: Event): ReadonlyArray<Entry> => {
  if (isNote(event)) return []
  const values = event._tag === "EntryReplaced" ? [event.from, event.to] : [event.value]
  return values.map((value) => readEntry(value, undefined))
}

export const gather = Effect.fnUntraced(function*(
  opened: Opened,
  { now: atOnce, retention, undoWindowMillis }: Asked
): Effect.fn.Return<Gathered, ReadFault> {
  const { blobs, journal, layout, leftovers, upkeep } = opened
  const now = yield* Clock.currentTimeMillis
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
  const state = yield* layout.snapshot
  const agesOf = retention.length === 0 ? () => [] : yield* agesIn(opened, state, now)
  const atWork = Stream.filter(leftovers.list, (found) => !atOnce && isUnfinished(found, now))
  const unfinished = yield* Stream.runHead(atWork)
  const doubt = yield* indexDoubt(upkeep)
  return {
    now,
    busy: Option.getOrElse(
      Option.map(
        unfinished,
        ({ changed, path, tool }) =>
          `${tool} may be at work, and count on what is there: ${path} was written ${new Date(changed).toISOString()}`
      ),
      () => doubt
    ),
    past: Array.from(past.values()),
    pastManifests,
    agesOf,
    blobs: Array.from(yield* Stream.runCollect(Stream.concat(blobs.list, blobs.heldOnly)))
  }
})

/** With the entries that a rule keeps, and why. */
export interface Looked extends Sweep {
  readonly retained: Retained["stays"]
}

/** Decides for a state, with the gathered evidence, what goes. Under the lock the result is final. */
export const look = Effect.fnUntraced(function*(
  opened: Opened,
  state: State,
  { agesOf, blobs, busy, now, past, pastManifests }: Gathered,
  { graceMillis, retention, undoWindowMillis, untagged }: Asked
): Effect.fn.Return<Looked, ReadFault> {
  const retained = retainedBy(state, retention, agesOf, now)
  const { links, unreadable } = yield* needsOfAll(opened, state, pastManifests)
  const belongings = yield* belongingsIn(opened, state, true)
  const grace = Math.max(graceMillis, limits.leastGraceMillis)
  const swept = sweep(
    state,
    {
      now,
      blobs,
      busy,
      past,
      links: withUnlisted(links, belongings),
      bonds: belongings.bonds,
      unreadable,
      marked: yield* opened.blobs.markedSince(now - grace),
      pins: new Set((yield* opened.pins.all).keys()),
      outlived: retained.goes
    },
    { untagged, graceMillis: grace, undoable: undoWindowMillis > 0 }
  )
  return { ...swept, retained: retained.stays }
})

const entryItem = (entry: Entry, goes: boolean, why: string): GarbageItem => ({
  kind: entry.name._tag === "Tagged" ? "tag" : "manifest",
  name: displayName(entry),
  digest: entry.digest,
  bytes: 0,
  goes,
  why
})

export const itemsOf = ({ blobs, entries, retained }: Looked): ReadonlyArray<GarbageItem> => [
  ...entries.map(({ entry, goes, why }) => entryItem(entry, goes, why)),
  ...Array.from(retained, ([entry, why]) => entryItem(entry, false, why)),
  ...blobs.map(({ digest, goes, size, why }): GarbageItem => ({
    kind: "blob",
    name: digest,
    digest,
    bytes: size,
    goes,
    why
  }))
]
