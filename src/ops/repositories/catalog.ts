/** Where a repository is: all of them in one layout, or each in a layout of its own. */
import { Effect, Option, Stream } from "effect"
import { type Page, pageOf, repositories } from "../../layout/query.ts"
import type { ContentDigest } from "../../oci/Digest.ts"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import { BlobUnknown, type DigestInvalid, NameInvalid, type SizeInvalid, Unsupported } from "../../oci/OciError.ts"
import { parseRepository, type Repository } from "../../oci/Reference.ts"
import { makeManifests, type Manifests } from "../manifests/manifests.ts"
import type { Hasher } from "../ports/Hasher.ts"
import type { Layouts, Stores } from "../ports/Stores.ts"

/** A repository with the stores that hold it. */
export interface Opened extends Stores {
  readonly manifests: Manifests
}

export interface Catalog {
  /** Whether all repositories are in one layout. */
  readonly shared: boolean
  /** The stores of a repository whose name is valid, whether it exists or not. `NameInvalid`. */
  readonly open: (
    repository: string
  ) => Effect.Effect<Opened & { readonly repository: Repository }, NameInvalid | ReadFault>
  /** The one layout that holds all repositories. `Unsupported` for a tree. */
  readonly whole: Effect.Effect<Opened, Unsupported | ReadFault>
  /** All layouts there are: one, or those of the tree, each with the repository that it is. */
  readonly layouts: Effect.Effect<ReadonlyArray<Opened & { readonly repository?: Repository }>, ReadFault>
  readonly repositories: (page: Page) => Stream.Stream<Repository, ReadFault>
  /** Makes a blob of one repository, or of any that has it, readable in another. */
  readonly mount: (
    from: Repository | undefined,
    to: Repository,
    digest: ContentDigest
  ) => Effect.Effect<void, BlobUnknown | DigestInvalid | SizeInvalid | WriteFault>
  /** Whether changes of these two repositories can be one commit. */
  readonly together: (a: Repository, b: Repository) => boolean
}

/** One layout that holds every repository; its blobs belong to all of them. */
export const sharedCatalog = (stores: Stores, hasher: Hasher): Catalog => {
  const opened: Opened = { ...stores, manifests: makeManifests(stores.blobs, hasher, stores.facts.learn) }
  return {
    shared: true,
    open: (name) => Effect.map(Effect.fromResult(parseRepository(name)), (repository) => ({ ...opened, repository })),
    whole: Effect.succeed(opened),
    layouts: Effect.succeed([opened]),
    repositories: (page) =>
      Stream.fromArrayEffect(Effect.map(stores.layout.snapshot, (state) => repositories(state, page))),
    mount: (_from, _to, digest) => requireBlob(opened, digest),
    together: () => true
  }
}

/** A tree of layouts, each named by its path below the root. */
export const treeCatalog = (layouts: Layouts, hasher: Hasher): Catalog => {
  const memories = new WeakMap<Stores, Manifests>()
  const manifestsOf = (stores: Stores): Manifests => {
    const known = memories.get(stores)
    if (known !== undefined) return known
    const made = makeManifests(stores.blobs, hasher, stores.facts.learn)
    memories.set(stores, made)
    return made
  }
  const openKnown = (repository: Repository) =>
    Effect.map(layouts.open(repository), (stores) => ({ ...stores, manifests: manifestsOf(stores), repository }))

  /** A layout exists as a repository while it has an entry; one that cannot be read is listed, so that it is found. */
  const exists = (repository: Repository) =>
    layouts.open(repository).pipe(
      Effect.flatMap(({ layout }) => layout.snapshot),
      Effect.match({ onFailure: () => true, onSuccess: (state) => repositories(state).includes(repository) })
    )

  return {
    shared: false,
    open: Effect.fnUntraced(function*(name) {
      const repository = yield* Effect.fromResult(parseRepository(name))
      const reserved = repository.split("/").slice(1).find((component) => reservedComponents.has(component))
      if (reserved !== undefined) {
        return yield* new NameInvalid({
          repository: name,
          reason: `has the component "${reserved}", which is a part of every layout`
        })
      }
      return yield* openKnown(repository)
    }),
    whole: Effect.fail(
      new Unsupported({
        operation: "changing an entry by the name it is written with",
        reason: "each repository is a layout of its own here; open that layout alone"
      })
    ),
    layouts: Effect.flatMap(layouts.list, Effect.forEach(openKnown)),
    repositories: ({ limit, startAfter }) =>
      Stream.fromIterableEffect(Effect.map(layouts.list, (names) => pageOf(names, { startAfter }))).pipe(
        Stream.filterEffect(exists),
        (found) => limit === undefined || limit <= 0 ? found : Stream.take(found, limit)
      ),
    mount: Effect.fnUntraced(function*(from, to, digest) {
      const target = yield* openKnown(to)
      if (from === to) return yield* requireBlob(target, digest)
      const own = from === undefined ? yield* target.blobs.protect(digest) : Option.none<number>()
      if (Option.isSome(own)) return
      for (const name of from === undefined ? yield* layouts.list : [from]) {
        const source = yield* openKnown(name)
        if (name !== to && (yield* target.blobs.adopt(source.blobs, digest))) return
      }
      return yield* new BlobUnknown({ digest })
    }),
    together: (a, b) => a === b
  }
}

/** Names that a layout uses itself. */
const reservedComponents = new Set(["blobs", "index.json", "oci-layout"])

const requireBlob = ({ blobs }: Stores, digest: ContentDigest) =>
  Effect.flatMap(
    blobs.protect(digest),
    Option.match({ onNone: () => Effect.fail(new BlobUnknown({ digest })), onSome: () => Effect.void })
  )
