/** Removing tags, manifests and blobs, and saying beforehand what that would meet. */
import { Effect, Option } from "effect"
import type { Command } from "../../layout/Command.ts"
import { decide } from "../../layout/decide.ts"
import type { Entry } from "../../layout/Entry.ts"
import { reaching, withDigest } from "../../layout/query.ts"
import { entriesOfDigest, type State } from "../../layout/State.ts"
import { type ContentDigest, type Digest, isContentDigest, parseContentDigest, parseDigest } from "../../oci/Digest.ts"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import { BlobUnknown, type DigestInvalid, ManifestUnknown, type SizeInvalid } from "../../oci/OciError.ts"
import { parseTag, type Repository, type Tag } from "../../oci/Reference.ts"
import type { LayoutRegistry } from "../api/Layout.ts"
import { type Need, needsOf, type Walk } from "../manifests/manifests.ts"
import type { Hasher } from "../ports/Hasher.ts"
import { belongingsIn, keptUnlisted, readAhead } from "../reachability/belonging.ts"
import { linksOf, type Needs, needsOfAll } from "../reachability/reachable.ts"
import type { Catalog, Opened } from "../repositories/catalog.ts"
import { walkRepository } from "../repositories/walkRepository.ts"
import { type List, listsNaming, unlistReferrer } from "./fallbackTags.ts"

type Located = Opened & { readonly repository: Repository }

/** Who names a digest in what was walked. */
const needsIn = (walk: Walk, digest: Digest): ReadonlyArray<Need> =>
  (needsOf(walk).get(digest) ?? []).filter(({ by }) => by !== digest)

/**
 * The manifests of the repository that name this one, and those of the whole layout that belong to it, unless it stays
 * in another repository.
 *
 * @param lists those that only list it
 */
const manifestNeeds = Effect.fnUntraced(function*(
  opened: Located,
  state: State,
  digest: Digest,
  lists: ReadonlyArray<List>
): Effect.fn.Return<ReadonlyArray<Need>, ReadFault> {
  const own = needsIn(yield* walkRepository(opened, state, opened.repository, true), digest)
    .filter(({ by }) => !lists.some(({ descriptor }) => descriptor.digest === by))
  const stays = entriesOfDigest(state, digest).length > withDigest(state, opened.repository, digest).length
  const { bonds } = yield* belongingsIn(opened, state, true)
  const belonging = stays ? [] : bonds.filter(({ isList, subject }) => subject === digest && isList !== true)
  return [...own, ...belonging.map((bond): Need => ({ by: bond.digest, as: "subject" }))]
})

/**
 * Everything in the layout that names a blob, and itself where it is a manifest or pinned. A manifest that cannot be
 * read counts as well, since it may need the blob; so does one without an entry that belongs to what stays.
 */
const blobNeeds = Effect.fnUntraced(function*(
  opened: Opened,
  state: State,
  digest: ContentDigest
): Effect.fn.Return<ReadonlyArray<string>, ReadFault> {
  const { links, reached, unreadable } = yield* needsOfAll(opened, state)
  const named = Array.from(links).flatMap(([by, { children }]) =>
    by !== digest && children.includes(digest) ? [by] : []
  )
  const pins = yield* opened.pins.all
  const unlisted = keptUnlisted(yield* belongingsIn(opened, state, true), [...reached, ...pins.keys()])
  const belonging = Array.from(unlisted).flatMap(([by, { facts }]) =>
    by !== digest && (linksOf(facts).children.includes(digest) || facts.subject?.digest === digest) ? [by] : []
  )
  const isEntry = entriesOfDigest(state, digest).length > 0
  const isKept = isEntry || reached.has(digest) || pins.has(digest)
  const itself = isKept ? [digest] : []
  return Array.from(new Set<string>([...itself, ...named, ...belonging, ...unreadable]))
})

const tagsIn = (state: State, repository: Repository, digest: Digest): ReadonlyArray<Tag> =>
  withDigest(state, repository, digest).flatMap(({ name }) => name._tag === "Tagged" ? [name.tag] : []).toSorted()

/** Bytes of what the manifests of some entries need, and of themselves, that no other entry of the layout needs. */
const reclaimable = Effect.fnUntraced(function*(
  opened: Opened,
  { entries }: State,
  going: ReadonlyArray<Entry>
): Effect.fn.Return<number, ReadFault> {
  const gone = new Set(going)
  const kept = contentOf(yield* needsOfAll(opened, { entries: entries.filter((entry) => !gone.has(entry)) }))
  let bytes = 0
  for (const digest of contentOf(yield* needsOfAll(opened, { entries: going }))) {
    if (kept.has(digest) || !isContentDigest(digest)) continue
    // What a manifest says of sizes is worth nothing here: the content may not be there at all.
    const stored = yield* opened.blobs.find(digest)
    if (Option.isSome(stored)) bytes += stored.value.size
  }
  return bytes
})

const contentOf = ({ links, reached }: Needs): ReadonlySet<string> =>
  new Set([...reached, ...Array.from(links.values()).flatMap(({ children }) => children)])

const unique = (needs: ReadonlyArray<Need>, as?: Need["as"]): ReadonlyArray<string> =>
  Array.from(new Set(needs.flatMap((need) => as === undefined || need.as === as ? [need.by] : [])))

/** What a deletion of a manifest meets: what needs it, and what takes it out of the lists of referrers. */
interface Evidence {
  readonly neededBy: ReadonlyArray<string>
  readonly unlisting: ReadonlyArray<Command>
}

export const makeDeletes = (
  catalog: Catalog,
  hasher: Hasher
): Pick<LayoutRegistry, "deleteBlob" | "deleteManifest" | "deleteTag" | "forecast"> => ({
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
    const force = options.force ?? false
    yield* readAhead(opened)
    const { before, revision } = yield* opened.layout.transact({
      evidence: Effect.fnUntraced(
        function*(state: State): Effect.fn.Return<Evidence, WriteFault | DigestInvalid | SizeInvalid> {
          const lists = yield* listsNaming(opened, state, digest)
          const needs = yield* manifestNeeds(opened, state, digest, lists)
          const neededBy = unique(options.leaveReferrers === true ? needs.filter(({ as }) => as !== "subject") : needs)
          // A list anew is content: one that is not to be is not written.
          const isRefused = (neededBy.length > 0 && !force) || reaching(state, opened.repository, digest).length === 0
          return { neededBy, unlisting: isRefused ? [] : yield* unlistReferrer(opened, hasher, state, digest, lists) }
        }
      ),
      decide: (state, { neededBy, unlisting }: Evidence) =>
        decide(state, {
          _tag: "Batch",
          commands: [...unlisting, { _tag: "DeleteManifest", repository: opened.repository, digest, force, neededBy }]
        })
    })
    return { tags: tagsIn(before, opened.repository, digest), revision }
  }),

  deleteBlob: Effect.fn("Registry.deleteBlob")(function*(repository, input) {
    const opened = yield* catalog.open(repository)
    const digest = yield* Effect.fromResult(parseContentDigest(input))
    yield* readAhead(opened)
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
    const entries = reaching(state, opened.repository, digest)
    if (entries.length === 0) {
      return yield* new ManifestUnknown({ repository: opened.repository, reference: digest })
    }
    const needs = yield* manifestNeeds(opened, state, digest, yield* listsNaming(opened, state, digest))
    return {
      digest,
      tags: tagsIn(state, opened.repository, digest),
      neededBy: unique(needs),
      referrers: unique(needs, "subject"),
      reclaimable: yield* reclaimable(opened, state, entries)
    }
  })
})
