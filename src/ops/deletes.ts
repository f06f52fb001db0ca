/** Removing tags, manifests and blobs, and saying beforehand what that would meet. */
import { Effect, Option } from "effect"
import { decide } from "../layout/decide.ts"
import type { Entry } from "../layout/Entry.ts"
import { withDigest } from "../layout/query.ts"
import type { State } from "../layout/State.ts"
import { type ContentDigest, type Digest, parseContentDigest, parseDigest } from "../oci/Digest.ts"
import { children } from "../oci/Manifest.ts"
import { BlobUnknown, ManifestUnknown } from "../oci/OciError.ts"
import { parseTag, type Repository, type Tag } from "../oci/Reference.ts"
import type { Catalog, Opened } from "./catalog.ts"
import { descriptorsOf, type Need, needsOf, type Walk } from "./manifests.ts"
import type { RegistryError } from "./ports.ts"
import { walkRepository } from "./reads.ts"
import type { RegistryShape } from "./Registry.ts"

type Located = Opened & { readonly repository: Repository }

const needs = new WeakMap<Walk, ReadonlyMap<string, ReadonlyArray<Need>>>()

/** Who names a digest in what was walked. */
const needsIn = (walk: Walk, digest: Digest): ReadonlyArray<Need> => {
  const known = needs.get(walk) ?? needsOf(walk)
  needs.set(walk, known)
  return (known.get(digest) ?? []).filter(({ by }) => by !== digest)
}

/** The manifests of the repository that name this one. */
const manifestNeeds = (opened: Located, state: State, digest: Digest) =>
  Effect.map(walkRepository(opened, state, opened.repository, true), (walk) => needsIn(walk, digest))

/**
 * The manifests of the whole layout that name a blob or are it. One that is there and cannot be read counts as well,
 * since nobody can tell that it does not need the blob.
 */
const blobNeeds = Effect.fnUntraced(function*(
  { manifests }: Opened,
  state: State,
  digest: ContentDigest
): Effect.fn.Return<ReadonlyArray<string>, RegistryError> {
  const walk = yield* manifests.walk(descriptorsOf(state.entries), true)
  const named = needsIn(walk, digest).flatMap(({ as, by }) => as === "child" ? [by] : [])
  const itself = walk.reached.has(digest) ? [digest] : []
  return Array.from(new Set<string>([...itself, ...named, ...walk.unreadable.keys()]))
})

const tagsIn = (state: State, repository: Repository, digest: Digest): ReadonlyArray<Tag> =>
  withDigest(state, repository, digest).flatMap(({ name }) => name._tag === "Tagged" ? [name.tag] : []).toSorted()

/** Bytes of what the manifests of some entries need, and of themselves, that no other entry of the layout needs. */
const reclaimable = Effect.fnUntraced(function*(
  { manifests }: Opened,
  { entries }: State,
  going: ReadonlyArray<Entry>
): Effect.fn.Return<number, RegistryError> {
  const kept = sizesIn(yield* manifests.walk(descriptorsOf(entries.filter((entry) => !going.includes(entry))), true))
  let bytes = 0
  for (const [digest, size] of sizesIn(yield* manifests.walk(descriptorsOf(going), true))) {
    if (!kept.has(digest)) bytes += size
  }
  return bytes
})

const sizesIn = ({ facts, reached }: Walk): ReadonlyMap<string, number> => {
  const sizes = new Map<string, number>(Array.from(reached.values(), ({ digest, size }) => [digest, size]))
  for (const { descriptor } of Array.from(facts.values()).flatMap(children)) {
    sizes.set(descriptor.digest, descriptor.size)
  }
  return sizes
}

const unique = (needs: ReadonlyArray<Need>, as?: Need["as"]): ReadonlyArray<string> =>
  Array.from(new Set(needs.flatMap((need) => as === undefined || need.as === as ? [need.by] : [])))

export const makeDeletes = (
  catalog: Catalog
): Pick<RegistryShape, "deleteBlob" | "deleteManifest" | "deleteTag" | "forecast"> => ({
  deleteTag: Effect.fn("Registry.deleteTag")(function*(repository, input, options = {}) {
    const opened = yield* catalog.open(repository)
    const tag = yield* Effect.fromResult(parseTag(input))
    const ifDigest = options.ifDigest === undefined
      ? {}
      : { ifDigest: yield* Effect.fromResult(parseDigest(options.ifDigest)) }
    const { before, revision } = yield* opened.layout.transact({
      evidence: () => Effect.void,
      decide: (state) => decide(state, { _tag: "DeleteTag", repository: opened.repository, tag, ...ifDigest })
    })
    const digest = before.entries.find(({ name }) =>
      name._tag === "Tagged" && name.tag === tag && name.repository === opened.repository
    )?.descriptor?.digest
    if (digest === undefined) return yield* new ManifestUnknown({ repository, reference: tag })
    return { digest, revision }
  }),

  deleteManifest: Effect.fn("Registry.deleteManifest")(function*(repository, input, options = {}) {
    const opened = yield* catalog.open(repository)
    const digest = yield* Effect.fromResult(parseDigest(input))
    const { before, revision } = yield* opened.layout.transact({
      evidence: (state) => manifestNeeds(opened, state, digest),
      decide: (state, needs) =>
        decide(state, {
          _tag: "DeleteManifest",
          repository: opened.repository,
          digest,
          force: options.force ?? false,
          neededBy: unique(needs)
        })
    })
    return { tags: tagsIn(before, opened.repository, digest), revision }
  }),

  deleteBlob: Effect.fn("Registry.deleteBlob")(function*(repository, input) {
    const opened = yield* catalog.open(repository)
    const digest = yield* Effect.fromResult(parseContentDigest(input))
    yield* opened.layout.transact({
      evidence: (state) =>
        Effect.all({
          present: Effect.map(opened.blobs.stat(digest), Option.isSome),
          neededBy: blobNeeds(opened, state, digest)
        }),
      decide: (state, evidence) => decide(state, { _tag: "DeleteBlob", digest, ...evidence })
    })
  }),

  forecast: Effect.fn("Registry.forecast")(function*(repository, kind, input) {
    const opened = yield* catalog.open(repository)
    const state = yield* opened.layout.snapshot
    if (kind === "blob") {
      const digest = yield* Effect.fromResult(parseContentDigest(input))
      const stored = yield* opened.blobs.stat(digest)
      if (Option.isNone(stored)) return yield* new BlobUnknown({ digest })
      const neededBy = yield* blobNeeds(opened, state, digest)
      return { digest, tags: [], neededBy, referrers: [], reclaimable: neededBy.length === 0 ? stored.value : 0 }
    }
    const digest = yield* Effect.fromResult(parseDigest(input))
    const entries = withDigest(state, opened.repository, digest)
    if (entries.length === 0) {
      return yield* new ManifestUnknown({ repository: opened.repository, reference: digest })
    }
    const needs = yield* manifestNeeds(opened, state, digest)
    return {
      digest,
      tags: tagsIn(state, opened.repository, digest),
      neededBy: unique(needs),
      referrers: unique(needs, "subject"),
      reclaimable: yield* reclaimable(opened, state, entries)
    }
  })
})
