/** Gathers what a sweep of a layout has to know, and sweeps. */
import { Clock, Effect, Option, Result, Stream } from "effect"
import { type Entry, readEntry } from "../layout/Entry.ts"
import { type Event, isNote } from "../layout/Event.ts"
import { displayName, type Evidence, type Links, type Remembered, type Sweep, sweep } from "../layout/garbage.ts"
import { outlivedBy } from "../layout/retention.ts"
import type { State } from "../layout/State.ts"
import type { Descriptor } from "../oci/Descriptor.ts"
import { isContentDigest } from "../oci/Digest.ts"
import { decodeText } from "../oci/Json.ts"
import { kindOf } from "../oci/MediaType.ts"
import type { Opened } from "./catalog.ts"
import type { GarbageItem } from "./Garbage.ts"
import type { Asked } from "./garbagePlan.ts"
import * as limits from "./limits.ts"
import { descriptorsOf, type Walk } from "./manifests.ts"
import type { RegistryError } from "./ports.ts"

/** What is gathered before the lock: it can only grow under it, and what is new by then has a lease. */
export interface Gathered extends Pick<Evidence, "blobs" | "now" | "past"> {
  readonly pastManifests: ReadonlyArray<Descriptor>
  readonly movedAt: (entry: Entry) => number
}

const entriesIn = (event: Event): ReadonlyArray<Entry> => {
  if (isNote(event)) return []
  const values = event._tag === "EntryReplaced" ? [event.from, event.to] : [event.value]
  return values.map((value) => readEntry(value, undefined))
}

export const gather = Effect.fnUntraced(function*(
  { blobs, journal, layout }: Opened,
  { retention, undoWindowMillis }: Asked
): Effect.fn.Return<Gathered, RegistryError> {
  const now = yield* Clock.currentTimeMillis
  const { defaultRepository } = yield* layout.snapshot
  const past = new Map<string, Remembered>()
  const pastManifests: Array<Descriptor> = []
  if (undoWindowMillis > 0) {
    const window = Stream.takeWhile(journal.commits(), ({ time }) => time >= now - undoWindowMillis)
    yield* Stream.runForEach(window, ({ events, revision }) =>
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
  return {
    now,
    past: Array.from(past.values()),
    pastManifests,
    // Of what the history does not tell, it was before all that it tells.
    movedAt: (entry) => moved.get(displayName(entry)) ?? 0,
    blobs: Array.from(yield* Stream.runCollect(blobs.list))
  }
})

/** Looks at a state with what was gathered; who holds the lock sees all that may not go. */
export const look = Effect.fnUntraced(function*(
  opened: Opened,
  state: State,
  { blobs, movedAt, now, past, pastManifests }: Gathered,
  { graceMillis, retention, undoWindowMillis, untagged }: Asked
): Effect.fn.Return<Sweep, RegistryError> {
  const pins = yield* opened.pins.all
  const pinned = Array.from(pins, ([digest, { mediaType, size }]): Descriptor => ({ digest, mediaType, size }))
  const roots = [...descriptorsOf(state.entries), ...pinned, ...pastManifests]
  const walk = yield* opened.manifests.walk(roots, true)
  return sweep(
    state,
    {
      now,
      blobs,
      past,
      links: yield* linksOf(opened, walk),
      unreadable: new Set(walk.unreadable.keys()),
      held: yield* opened.blobs.held(now - Math.max(graceMillis, limits.leastGraceMillis)),
      pins: new Set(pins.keys()),
      outlived: outlivedBy(state, retention, movedAt, now)
    },
    { untagged, graceMillis, undoable: undoWindowMillis > 0 }
  )
})

const anyDigest = /\b(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})\b/gu

/** What manifests name; of what is of an unknown type, every digest that stands in it. */
const linksOf = Effect.fnUntraced(function*(
  { blobs }: Opened,
  { facts, reached }: Walk
): Effect.fn.Return<ReadonlyMap<string, Links>, RegistryError> {
  const links = new Map<string, Links>()
  for (const [digest, { config, layers, manifests, subject }] of facts) {
    const children = config === undefined ? [...layers, ...manifests] : [config, ...layers, ...manifests]
    links.set(digest, { children: children.map((child) => child.digest), subject: subject?.digest })
  }
  for (const { digest, mediaType, size } of reached.values()) {
    if (kindOf(mediaType) !== "other" || !isContentDigest(digest) || size > limits.manifestBytes) continue
    const bytes = yield* Effect.catchTags(blobs.get(digest, limits.manifestBytes), {
      ContentMismatch: () => Effect.succeed(Option.none()),
      LimitExceeded: () => Effect.succeed(Option.none())
    })
    if (Option.isNone(bytes)) continue
    const text = Result.getOrElse(decodeText(bytes.value), () => "")
    links.set(digest, { children: text.match(anyDigest) ?? [], subject: undefined })
  }
  return links
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
