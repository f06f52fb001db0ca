/** Listings, in lexical byte order and by the page. */
import { Effect, Option, Stream } from "effect"
import { rawNameOf } from "../../layout/Entry.ts"
import { names, pageOf, tags, unnamed, untagged } from "../../layout/query.ts"
import type { State } from "../../layout/State.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { type Digest, parseDigest } from "../../oci/Digest.ts"
import { field } from "../../oci/field.ts"
import { blobsOf } from "../../oci/Manifest.ts"
import { NameUnknown } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { Attached, ReferrersOptions } from "../api/Attached.ts"
import type { ByDigestError } from "../api/errors.ts"
import type { Trash } from "../api/Garbage.ts"
import type { LayoutRegistry } from "../api/Layout.ts"
import type { UnnamedEntry } from "../api/Names.ts"
import type { Walk } from "../manifests/manifests.ts"
import { belongingsIn } from "../reachability/belonging.ts"
import type { Catalog } from "../repositories/catalog.ts"
import { walkRepositoryCached } from "../repositories/walkRepository.ts"
import { bare } from "./findTag.ts"

/** The digests of a walk, sorted once. */
const sorted = new WeakMap<Walk, Readonly<Record<"manifest" | "blob", ReadonlyArray<Digest>>>>()

const digestsIn = (walk: Walk): Readonly<Record<"manifest" | "blob", ReadonlyArray<Digest>>> => {
  const known = sorted.get(walk)
  if (known !== undefined) return known
  const blobs = Array.from(walk.facts.values()).flatMap(blobsOf)
  const made = {
    manifest: Array.from(walk.reached.keys()).toSorted(),
    blob: Array.from(new Set(blobs.map(({ digest }) => digest))).toSorted()
  }
  sorted.set(walk, made)
  return made
}

const unnamedIn = (state: State, layout: Repository | undefined): ReadonlyArray<UnnamedEntry> =>
  unnamed(state, layout).map((entry) => {
    const { digest, name } = entry
    const refName = rawNameOf(entry)
    return {
      ...field("repository", layout),
      ...field("refName", refName),
      digest,
      reason: name._tag === "Raw" ? name.reason : `names another repository, ${name.repository}`
    }
  })

/** What belongs to a manifest, in order of the digests. */
const attachedTo = (
  catalog: Catalog,
  repository: string,
  input: string,
  { artifactType, limit, startAfter, verified = false }: ReferrersOptions,
  isMeant: (one: Attached) => boolean = () => true
): Stream.Stream<Attached, ByDigestError> =>
  Stream.fromIterableEffect(
    Effect.gen(function*() {
      const opened = yield* catalog.open(repository)
      const subject = yield* Effect.fromResult(parseDigest(input))
      const { attached } = yield* belongingsIn(opened, yield* opened.layout.snapshot, verified)
      const found = (attached.get(subject) ?? []).filter(isMeant).filter(({ descriptor }) =>
        (artifactType === undefined || descriptor.artifactType === artifactType) &&
        (startAfter === undefined || descriptor.digest > startAfter)
      )
      return limit === undefined || limit <= 0 ? found : found.slice(0, limit)
    })
  )

export const makeListings = (
  catalog: Catalog
): Pick<
  LayoutRegistry,
  | "repositories"
  | "tags"
  | "untagged"
  | "defaultRepository"
  | "referrers"
  | "attached"
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
    ? catalog.whole.pipe(
      Effect.flatMap(({ layout }) => layout.snapshot),
      Effect.map((state) => Option.fromUndefinedOr(state.defaultRepository)),
      Effect.catchTag("Unsupported", () => Effect.succeedNone)
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
    attachedTo(catalog, repository, input, options, ({ isList }) => isList !== true).pipe(
      Stream.map(({ descriptor }) => descriptor),
      Stream.withSpan("Registry.referrers")
    ),

  attached: (repository, input, options = {}) =>
    Stream.withSpan(attachedTo(catalog, repository, input, options), "Registry.attached"),

  digests: (repository, kind, page = {}) =>
    Stream.fromIterableEffect(
      Effect.gen(function*() {
        const opened = yield* catalog.open(repository)
        const walk = yield* walkRepositoryCached(opened, yield* opened.layout.snapshot, opened.repository)
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
      ({ blobs }) => Stream.runFold(blobs.list, () => noTrash, (sum, { size }) => total(sum, { blobs: 1, bytes: size }))
    )
    return each.reduce(total, noTrash)
  }).pipe(Effect.withSpan("Registry.usage")),

  held: Effect.gen(function*() {
    const layouts = yield* catalog.layouts
    const each = yield* Effect.forEach(layouts, ({ upkeep }) => upkeep.held)
    return {
      kept: each.map(({ kept }) => kept).reduce(total, noTrash),
      only: each.map(({ only }) => only).reduce(total, noTrash),
      trash: each.map(({ trash }) => trash).reduce(total, noTrash)
    }
  }).pipe(Effect.withSpan("Registry.held"))
})

const noTrash: Trash = { blobs: 0, bytes: 0 }

const total = (one: Trash, other: Trash): Trash => ({ blobs: one.blobs + other.blobs, bytes: one.bytes + other.bytes })
