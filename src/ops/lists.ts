/** Listings, in lexical byte order and by the page. */
import { Effect, Option, Stream } from "effect"
import { names, pageOf, tags, unnamed, untagged } from "../layout/query.ts"
import type { State } from "../layout/State.ts"
import type { Descriptor } from "../oci/Descriptor.ts"
import { type Digest, parseDigest } from "../oci/Digest.ts"
import { NameUnknown } from "../oci/OciError.ts"
import type { Repository } from "../oci/Reference.ts"
import type { Catalog } from "./catalog.ts"
import type { Trash } from "./Garbage.ts"
import type { Facts, Walk } from "./manifests.ts"
import type { UnnamedEntry } from "./Names.ts"
import { bare, toldRepository, walkRepository } from "./reads.ts"
import type { RegistryShape } from "./Registry.ts"

/** The manifests of a walk by their subject, in order of their digests. */
const bySubject = new WeakMap<Walk, ReadonlyMap<string, ReadonlyArray<Descriptor>>>()

const referrersIn = (walk: Walk, subject: string): ReadonlyArray<Descriptor> => {
  const known = bySubject.get(walk)
  if (known !== undefined) return known.get(subject) ?? []
  const lists = new Map<string, Array<Descriptor>>()
  for (const [digest, facts] of walk.facts) {
    const descriptor = walk.reached.get(digest)
    if (facts.subject === undefined || descriptor === undefined) continue
    const list = lists.get(facts.subject.digest)
    if (list === undefined) lists.set(facts.subject.digest, [asReferrer(descriptor, facts)])
    else list.push(asReferrer(descriptor, facts))
  }
  for (const list of lists.values()) list.sort((a, b) => (a.digest < b.digest ? -1 : 1))
  bySubject.set(walk, lists)
  return lists.get(subject) ?? []
}

/** The manifest's own annotations and artifact type; not the platform, data or name of an entry. */
const asReferrer = ({ digest, mediaType, size }: Descriptor, { annotations, artifactType }: Facts): Descriptor => ({
  mediaType,
  digest,
  size,
  ...(artifactType === undefined ? {} : { artifactType }),
  ...(annotations.size === 0 ? {} : { annotations: Object.fromEntries(annotations) })
})

/** The digests of a walk, sorted once. */
const sorted = new WeakMap<Walk, Readonly<Record<"manifest" | "blob", ReadonlyArray<Digest>>>>()

const digestsIn = (walk: Walk): Readonly<Record<"manifest" | "blob", ReadonlyArray<Digest>>> => {
  const known = sorted.get(walk)
  if (known !== undefined) return known
  const blobs = Array.from(walk.facts.values()).flatMap(({ config, layers }) =>
    config === undefined ? layers : [config, ...layers]
  )
  const made = {
    manifest: Array.from(walk.reached.keys()).toSorted(),
    blob: Array.from(new Set(blobs.map(({ digest }) => digest))).toSorted()
  }
  sorted.set(walk, made)
  return made
}

const unnamedIn = (state: State, layout: Repository | undefined): ReadonlyArray<UnnamedEntry> =>
  unnamed(state, layout).map(({ digest, name, refName }) => ({
    ...(layout === undefined ? {} : { repository: layout }),
    ...(refName === undefined ? {} : { refName }),
    digest,
    reason: name._tag === "Raw" ? name.reason : `names another repository, ${name.repository}`
  }))

export const makeLists = (
  catalog: Catalog
): Pick<
  RegistryShape,
  | "repositories"
  | "tags"
  | "untagged"
  | "defaultRepository"
  | "referrers"
  | "digests"
  | "unnamed"
  | "check"
  | "usage"
  | "held"
> => ({
  repositories: (page = {}) => Stream.withSpan(catalog.repositories(page), "Registry.repositories"),

  tags: (repository, page = {}) =>
    Stream.fromIterableEffect(
      Effect.gen(function*() {
        const opened = yield* catalog.open(repository)
        const own = names(yield* opened.layout.snapshot, opened.repository)
        if (Option.isNone(own)) return yield* new NameUnknown({ repository: opened.repository })
        return tags(own.value, page)
      }).pipe(Effect.withSpan("Registry.tags"))
    ),

  defaultRepository: catalog.shared
    ? Effect.flatMap(
      catalog.whole,
      ({ layout }) => Effect.map(layout.snapshot, (state) => Option.fromUndefinedOr(state.defaultRepository))
    )
    : Effect.succeedNone,

  untagged: (repository, page = {}) =>
    Stream.fromIterableEffect(
      Effect.gen(function*() {
        const opened = yield* catalog.open(repository)
        const state = yield* opened.layout.snapshot
        const found = new Map<string, Descriptor>()
        for (const { descriptor } of untagged(state, opened.repository)) {
          if (descriptor !== undefined) found.set(descriptor.digest, bare(descriptor))
        }
        if (found.size === 0 && Option.isNone(names(state, opened.repository))) {
          return yield* new NameUnknown({ repository: opened.repository })
        }
        return pageOf(Array.from(found.keys()).toSorted(), page).flatMap((digest) => found.get(digest) ?? [])
      }).pipe(Effect.withSpan("Registry.untagged"))
    ),

  referrers: (repository, input, options = {}) =>
    Stream.fromIterableEffect(
      Effect.gen(function*() {
        const opened = yield* catalog.open(repository)
        const subject = yield* Effect.fromResult(parseDigest(input))
        const { artifactType, limit, startAfter, verified = false } = options
        const state = yield* opened.layout.snapshot
        const walk = verified
          ? yield* walkRepository(opened, state, opened.repository, true)
          : yield* toldRepository(opened, state, opened.repository)
        const found = referrersIn(walk, subject).filter((referrer) =>
          (artifactType === undefined || referrer.artifactType === artifactType) &&
          (startAfter === undefined || referrer.digest > startAfter)
        )
        return limit === undefined || limit <= 0 ? found : found.slice(0, limit)
      }).pipe(Effect.withSpan("Registry.referrers"))
    ),

  digests: (repository, kind, page = {}) =>
    Stream.fromIterableEffect(
      Effect.gen(function*() {
        const opened = yield* catalog.open(repository)
        const walk = yield* toldRepository(opened, yield* opened.layout.snapshot, opened.repository)
        return pageOf(digestsIn(walk)[kind], page)
      }).pipe(Effect.withSpan("Registry.digests"))
    ),

  unnamed: (repository) =>
    Stream.fromIterableEffect(
      Effect.gen(function*() {
        const asked = repository === undefined ? undefined : yield* catalog.open(repository)
        const layouts = yield* catalog.layouts
        const shown = asked === undefined
          ? layouts
          : layouts.filter((layout) => layout.repository === undefined || layout.repository === asked.repository)
        const each = yield* Effect.forEach(
          shown,
          ({ layout, repository }) => Effect.map(layout.snapshot, (state) => unnamedIn(state, repository))
        )
        return each.flat()
      }).pipe(Effect.withSpan("Registry.unnamed"))
    ),

  check: Effect.gen(function*() {
    const layouts = yield* catalog.layouts
    yield* Effect.forEach(layouts, ({ layout }) => layout.snapshot, { discard: true })
  }).pipe(Effect.withSpan("Registry.check")),

  usage: Effect.gen(function*() {
    const layouts = yield* catalog.layouts
    const each = yield* Effect.forEach(
      layouts,
      ({ blobs }) => Stream.runFold(blobs.list, () => nothing, (sum, { size }) => total(sum, { blobs: 1, bytes: size }))
    )
    return each.reduce(total, nothing)
  }).pipe(Effect.withSpan("Registry.usage")),

  held: Effect.gen(function*() {
    const layouts = yield* catalog.layouts
    const each = yield* Effect.forEach(layouts, ({ upkeep }) => upkeep.held)
    return {
      kept: each.map(({ kept }) => kept).reduce(total, nothing),
      only: each.map(({ only }) => only).reduce(total, nothing),
      trash: each.map(({ trash }) => trash).reduce(total, nothing)
    }
  }).pipe(Effect.withSpan("Registry.held"))
})

const nothing: Trash = { blobs: 0, bytes: 0 }

const total = (one: Trash, other: Trash): Trash => ({ blobs: one.blobs + other.blobs, bytes: one.bytes + other.bytes })
