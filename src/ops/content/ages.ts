/** How old the tags of a layout are, as far as anything tells. */
import { Effect, Option, Result, Stream } from "effect"
import { type Entry, readEntry } from "../../layout/Entry.ts"
import { displayName } from "../../layout/garbage.ts"
import type { Age } from "../../layout/retention.ts"
import type { State } from "../../layout/State.ts"
import { isContentDigest } from "../../oci/Digest.ts"
import type { ReadFault } from "../../oci/faults.ts"
import * as limits from "../limits.ts"
import { damaged } from "../manifests/damage.ts"
import type { Opened } from "../repositories/catalog.ts"
import { createdBy, type Reading } from "./createdOf.ts"

const age = (time: number, source: Age["source"]): Age => ({ time, text: new Date(time).toISOString(), source })

/**
 * What is known of the age of each tag, the best first: when the tag was moved, when what it names was created, or when
 * it was written. What another tool had put into the layout before our first look has no time in the history.
 */
export const agesIn = Effect.fnUntraced(function*(
  opened: Opened,
  state: State,
  now: number
): Effect.fn.Return<(entry: Entry) => ReadonlyArray<Age>, ReadFault> {
  const moved = yield* movesIn(opened, state)
  const shared = Map.groupBy(moved.values(), (time) => time)
  const ages = new Map<string, ReadonlyArray<Age>>()
  for (const entry of state.entries) {
    if (entry.name._tag !== "Tagged" || ages.has(keyOf(entry))) continue
    const time = moved.get(displayName(entry))
    const history: ReadonlyArray<Age> = time === undefined ? [] : [age(time, "history")]
    // Tags that were moved in one commit are told apart by what they name.
    const isAlone = time !== undefined && shared.get(time)?.length === 1
    ages.set(keyOf(entry), isAlone ? history : [...history, ...(yield* agesOf(opened, entry, now))])
  }
  return (entry) => ages.get(keyOf(entry)) ?? []
})

const keyOf = (entry: Entry): string => `${displayName(entry)} ${entry.digest}`

/** When each tag was moved for the last time. */
const movesIn = Effect.fnUntraced(function*(
  { journal }: Opened,
  { defaultRepository }: State
): Effect.fn.Return<ReadonlyMap<string, number>, ReadFault> {
  const moved = new Map<string, number>()
  yield* Stream.runForEach(journal.commits(), ({ actor, events, revision, time }) =>
    Effect.sync(() => {
      if (revision <= 1 && actor === "foreign") return
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
  return moved
})

const agesOf = Effect.fnUntraced(function*(
  opened: Opened,
  { descriptor }: Entry,
  now: number
): Effect.fn.Return<ReadonlyArray<Age>, ReadFault> {
  if (descriptor === undefined) return []
  const written = isContentDigest(descriptor.digest) ? yield* opened.blobs.find(descriptor.digest) : Option.none()
  const file: ReadonlyArray<Age> = Option.isSome(written)
    ? [age(written.value.written ?? written.value.touched, "file")]
    : []
  const built = yield* createdBy(readingOf(opened), descriptor, now)
  return Option.isNone(built) ? file : [age(built.value.time, built.value.source), ...file]
})

const readingOf = ({ blobs, manifests }: Opened): Reading<ReadFault> => ({
  facts: (descriptor) => Effect.map(damaged(manifests.facts(descriptor)), Result.getSuccess),
  config: ({ digest }) =>
    isContentDigest(digest)
      ? Effect.map(
        damaged(blobs.get(digest, limits.manifestBytes)),
        (stored) => Option.flatten(Result.getSuccess(stored))
      )
      : Effect.succeedNone,
  most: Number.POSITIVE_INFINITY
})
