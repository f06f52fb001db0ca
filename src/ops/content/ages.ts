/** How old the tags of a layout are, as far as anything tells. */
import { Effect, Option, Result, Stream } from "effect"
import { type Entry, readEntry } from "../../layout/Entry.ts"
import { displayName } from "../../layout/garbage.ts"
import type { Age } from "../../layout/retention.ts"
import type { State } from "../../layout/State.ts"
import { created } from "../../oci/Annotations.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { isContentDigest } from "../../oci/Digest.ts"
import { parseImageConfig } from "../../oci/ImageConfig.ts"
import type { RegistryError } from "../../oci/OciError.ts"
import * as limits from "../limits.ts"
import { damaged } from "../manifests/damage.ts"
import type { Opened } from "../repositories/catalog.ts"

/** Builds that can be repeated write a time from before there were any images, which says nothing about an age. */
const firstImages = Date.UTC(2013, 0, 1)

const timeOf = (text: string | undefined, now: number): number | undefined => {
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return time >= firstImages && time <= now ? time : undefined
}

const age = (time: number, source: Age["source"]): Age => ({ time, text: new Date(time).toISOString(), source })

/**
 * What is known of the age of each tag, the best first: when the tag was moved, when what it names was created, or when
 * it was written. What another tool had put into the layout before our first look has no time in the history.
 */
export const agesIn = Effect.fnUntraced(function*(
  opened: Opened,
  state: State,
  now: number
): Effect.fn.Return<(entry: Entry) => ReadonlyArray<Age>, RegistryError> {
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
): Effect.fn.Return<ReadonlyMap<string, number>, RegistryError> {
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
): Effect.fn.Return<ReadonlyArray<Age>, RegistryError> {
  if (descriptor === undefined) return []
  const written = isContentDigest(descriptor.digest) ? yield* opened.blobs.find(descriptor.digest) : Option.none()
  const file: ReadonlyArray<Age> = Option.isSome(written)
    ? [age(written.value.written ?? written.value.touched, "file")]
    : []
  const facts = yield* damaged(opened.manifests.facts(descriptor))
  const own = Result.isSuccess(facts) ? facts.success.annotations.get(created) : undefined
  const annotated = timeOf(descriptor.annotations?.[created] ?? own, now) ?? timeOf(own, now)
  if (annotated !== undefined) return [age(annotated, "annotation"), ...file]
  const built = yield* builtAt(opened, descriptor, now, 0)
  return built === undefined ? file : [age(built, "config"), ...file]
})

/** When an image was built; of an index, its newest. */
const builtAt: (
  opened: Opened,
  descriptor: Descriptor,
  now: number,
  depth: number
) => Effect.Effect<number | undefined, RegistryError> = Effect.fnUntraced(function*(
  opened: Opened,
  descriptor: Descriptor,
  now: number,
  depth: number
): Effect.fn.Return<number | undefined, RegistryError> {
  const facts = yield* damaged(opened.manifests.facts(descriptor))
  if (Result.isFailure(facts)) return undefined
  const { config, manifests } = facts.success
  if (config !== undefined && isContentDigest(config.digest)) {
    const stored = yield* damaged(opened.blobs.get(config.digest, limits.manifestBytes))
    const bytes = Result.isSuccess(stored) ? Option.getOrUndefined(stored.success) : undefined
    const read = bytes === undefined ? undefined : Result.getOrUndefined(parseImageConfig(bytes))
    return timeOf(read?.created, now)
  }
  if (depth >= limits.walkDepth) return undefined
  const times: Array<number> = []
  for (const child of manifests) {
    const time = yield* builtAt(opened, child, now, depth + 1)
    if (time !== undefined) times.push(time)
  }
  return times.length === 0 ? undefined : times.reduce((a, b) => Math.max(a, b))
})
