/** Which manifests of a layout belong to which, in all repositories, with an entry or without one. */
import { Effect, Stream } from "effect"
import { type Bond, bondsOf } from "../../layout/belonging.ts"
import { readEntry } from "../../layout/Entry.ts"
import { isNote } from "../../layout/Event.ts"
import type { Links } from "../../layout/garbage.ts"
import { entriesOfDigest, type State } from "../../layout/State.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { ContentDigest } from "../../oci/Digest.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { field } from "../../oci/field.ts"
import type { Facts } from "../../oci/Manifest.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { Attached } from "../api/Attached.ts"
import { descriptorsOf, type Walk } from "../manifests/manifests.ts"
import type { Opened } from "../repositories/catalog.ts"
import { linksOf, needsOfAll } from "./reachable.ts"
import { type Unlisted, unlistedManifests } from "./unlisted.ts"

export interface Belongings {
  readonly bonds: ReadonlyArray<Bond>
  /** What belongs to each digest, in order of their digests. */
  readonly attached: ReadonlyMap<string, ReadonlyArray<Attached>>
  /** Manifests that no entry leads to, and that have never been an entry or a part of one, as far as is known. */
  readonly unlisted: ReadonlyMap<string, Unlisted>
}

type Reading = Pick<Opened, "blobs" | "facts" | "journal" | "manifests">

interface Remembered {
  /** The blobs that there were. */
  readonly digests: ReadonlyArray<ContentDigest>
}

const remembered = {
  verified: new WeakMap<State, Belongings & Remembered>(),
  cached: new WeakMap<State, Belongings & Remembered>()
}

/**
 * Which manifests are attached to which in a layout.
 *
 * @param verified true: all manifests are read, which is needed before anything is removed; false: the metadata cache
 *   of earlier processes may be used
 */
export const belongingsIn = Effect.fnUntraced(function*(
  opened: Reading,
  state: State,
  verified: boolean
): Effect.fn.Return<Belongings, ReadFault> {
  const digests = yield* opened.blobs.digests
  const known = verified ? undefined : remembered.verified.get(state) ?? remembered.cached.get(state)
  // Blobs come and go while the index stays.
  if (known?.digests === digests) return known
  const cached = verified ? undefined : yield* opened.facts.load
  const walk = yield* opened.manifests.walk(descriptorsOf(state.entries), true, cached)
  const unlisted = yield* strangers(opened, yield* unlistedManifests(opened.blobs, digests, partsOf(walk)))
  const facts = new Map<string, Facts>(walk.facts)
  const bonds = Array.from(bondsOf(state.entries, facts))
  for (const [digest, { facts: { subject } }] of unlisted) {
    if (subject !== undefined && subject.digest !== digest) {
      bonds.push({ digest, subject: subject.digest, by: "subject" })
    }
  }
  const attached = new Map<string, Array<Attached>>()
  for (const bond of bonds) {
    const stranger = unlisted.get(bond.digest)
    const descriptor = stranger?.descriptor ?? descriptorIn(walk, bond.digest)
    if (descriptor === undefined) continue
    const one: Attached = {
      descriptor: asReferrer(descriptor, stranger?.facts ?? facts.get(bond.digest)),
      by: bond.by,
      ...field("tag", bond.tag),
      ...field("isList", bond.isList),
      ...field("annotations", bond.annotations),
      repositories: repositoriesOf(state, bond.digest),
      isListed: stranger === undefined
    }
    const list = attached.get(bond.subject)
    if (list === undefined) attached.set(bond.subject, [one])
    else list.push(one)
  }
  for (const list of attached.values()) list.sort((a, b) => (a.descriptor.digest < b.descriptor.digest ? -1 : 1))
  const belongings: Belongings & Remembered = { bonds, attached, unlisted, digests }
  // What could not be read now may be read later.
  if (walk.complete) remembered[verified ? "verified" : "cached"].set(state, belongings)
  return belongings
})

/**
 * Reads the manifests of a layout before its lock is taken: what is remembered of them need not be read while others
 * wait. What cannot be read is told by who looks under the lock.
 */
export const readAhead = (opened: Pick<Opened, "layout" | "pins"> & Reading): Effect.Effect<void> =>
  Effect.ignore(Effect.flatMap(
    opened.layout.snapshot,
    (state) => Effect.andThen(needsOfAll(opened, state), belongingsIn(opened, state, true))
  ))

/** What manifests name, those that no entry leads to included. */
export const withUnlisted = (
  links: ReadonlyMap<string, Links>,
  { unlisted }: Pick<Belongings, "unlisted">
): ReadonlyMap<string, Links> => {
  const all = new Map(links)
  for (const [digest, { facts }] of unlisted) {
    if (!all.has(digest)) all.set(digest, linksOf(facts))
  }
  return all
}

/**
 * Manifests that no entry leads to and that stay all the same, since they belong to what does, or are a part of such.
 *
 * @param reached what entries and pins lead to
 */
export const keptUnlisted = (
  { bonds, unlisted }: Belongings,
  reached: Iterable<string>
): ReadonlyMap<string, Unlisted> => {
  const belonging = Map.groupBy(bonds, ({ subject }) => subject)
  const kept = new Map<string, Unlisted>()
  const next = Array.from(reached)
  for (let one = next.pop(); one !== undefined; one = next.pop()) {
    const found = unlisted.get(one)
    if (found !== undefined) {
      if (kept.has(one)) continue
      kept.set(one, found)
      next.push(...linksOf(found.facts).children)
    }
    for (const { digest } of belonging.get(one) ?? []) if (unlisted.has(digest)) next.push(digest)
  }
  return kept
}

/** Everything that a walk has met. */
const partsOf = ({ facts, reached }: Walk): ReadonlySet<string> => {
  const met = new Set<string>(reached.keys())
  for (const { config, layers } of facts.values()) {
    if (config !== undefined) met.add(config.digest)
    for (const { digest } of layers) met.add(digest)
  }
  return met
}

const descriptorIn = ({ reached }: Walk, digest: string): Descriptor | undefined => {
  const all: ReadonlyMap<string, Descriptor> = reached
  return all.get(digest)
}

const repositoriesOf = (state: State, digest: string): ReadonlyArray<Repository> =>
  Array.from(
    new Set(entriesOfDigest(state, digest).flatMap(({ name }) => name._tag === "Raw" ? [] : [name.repository]))
  ).toSorted()

/** A manifest as a list of referrers names it (distribution-spec, "Listing Referrers"). */
export const asReferrer = (
  { digest, mediaType, size }: Descriptor,
  { annotations, artifactType }: Pick<Facts, "annotations" | "artifactType"> = { annotations: new Map() }
): Descriptor => ({
  mediaType,
  digest,
  size,
  ...field("artifactType", artifactType),
  ...(annotations.size === 0 ? {} : { annotations: Object.fromEntries(annotations) })
})

/** Leaves out manifests that were entries before, with all below them: they were removed from the index on purpose. */
const strangers = Effect.fnUntraced(function*(
  { journal }: Pick<Opened, "journal">,
  unlisted: ReadonlyMap<string, Unlisted>
): Effect.fn.Return<ReadonlyMap<string, Unlisted>, ReadFault> {
  if (unlisted.size === 0) return unlisted
  const [only, ...others] = unlisted.keys()
  const known = new Set<string>()
  const waiting = yield* Stream.runFold(
    journal.commits(others.length === 0 && only !== undefined ? { mentioning: only } : {}),
    (): Array<string> => [],
    (digests, { events }) => {
      for (const event of events) {
        if (isNote(event)) continue
        for (const value of event._tag === "EntryReplaced" ? [event.from, event.to] : [event.value]) {
          const { digest } = readEntry(value, undefined)
          if (unlisted.has(digest)) digests.push(digest)
        }
      }
      return digests
    }
    // What of the past can be read counts; what cannot is not known to have been taken out.
  ).pipe(Effect.catchTag("HistoryInvalid", () => Effect.succeed<Array<string>>([])))
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (known.has(next)) continue
    known.add(next)
    for (const { digest } of unlisted.get(next)?.facts.manifests ?? []) waiting.push(digest)
  }
  return new Map(Array.from(unlisted).filter(([digest]) => !known.has(digest)))
})

/**
 * The descriptor of a manifest that belongs to one of a repository: it can be read there, even if another repository
 * names it.
 *
 * @param own the manifests of the repository
 */
export const findAttached = Effect.fnUntraced(function*(
  opened: Opened,
  state: State,
  digest: string,
  own: { readonly has: (digest: string) => boolean }
): Effect.fn.Return<Descriptor | undefined, ReadFault> {
  const { attached, bonds } = yield* belongingsIn(opened, state, false)
  const subjects = Map.groupBy(bonds, (bond) => bond.digest)
  if (!subjects.has(digest)) return undefined
  const met = new Set<string>([digest])
  for (const one of met) {
    for (const { subject } of subjects.get(one) ?? []) met.add(subject)
  }
  if (!Array.from(met).some((one) => own.has(one))) return undefined
  const [first] = subjects.get(digest) ?? []
  return attached.get(first?.subject ?? "")?.find(({ descriptor }) => descriptor.digest === digest)?.descriptor
})
