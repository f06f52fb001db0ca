/** A registry in a bucket: the stores of its layout, put together. */
import { Effect, Layer, Option, Scope } from "effect"
import type { HttpClient } from "effect/http/HttpClient"
import { hasher } from "../node/files/hasher.ts"
import { emptyIndex } from "../node/index/indexText.ts"
import { derivedRepository } from "../node/sidecars/defaultRepository.ts"
import type { ReadFault, WriteFault } from "../oci/faults.ts"
import { LayoutNotFound, type NameInvalid, type RemoteError } from "../oci/OciError.ts"
import { parseRepository, type Repository } from "../oci/Reference.ts"
import type { Bookmarks } from "../ops/api/Bookmarks.ts"
import type { OpenError } from "../ops/api/errors.ts"
import type { LayerCache } from "../ops/api/LayerCache.ts"
import { contextOf, type Layout, type LayoutRegistry } from "../ops/api/Layout.ts"
import type { Registry } from "../ops/api/Registry.ts"
import { sharedRegistry, treeRegistry } from "../ops/makeRegistry.ts"
import type { FactsCache } from "../ops/ports/FactsCache.ts"
import type { Layouts, Stores } from "../ops/ports/Stores.ts"
import { layoutsBelow } from "../ops/repositories/layoutsBelow.ts"
import { openedOnce } from "../ops/repositories/openedOnce.ts"
import { makeBlobs } from "./layout/blobs.ts"
import { makeBookmarks } from "./layout/bookmarks.ts"
import { checkStore, makeStoreChecker } from "./layout/checkStore.ts"
import { type BucketLayoutOptions, makeBucketLayout, marker, markerKey } from "./layout/commit.ts"
import { indexKey } from "./layout/head.ts"
import { makeJournal } from "./layout/journal.ts"
import { makePins, makePlans } from "./layout/kept.ts"
import { makeUpkeep, noLeftovers } from "./layout/upkeep.ts"
import { makeUploads } from "./layout/uploads.ts"
import { below } from "./store/below.ts"
import { findAccess } from "./store/credentials.ts"
import type { Encryption } from "./store/encryption.ts"
import { urlOf } from "./store/keys/settings.ts"
import { absent, type ObjectStore, type StoreFault } from "./store/ObjectStore.ts"
import { makeS3Store } from "./store/s3Store.ts"

/** Which bucket, and how it is spoken to. What is not given is taken from the environment and the profile, as the AWS tools do. */
export interface BucketTreePlace {
  readonly bucket: string
  /** What all keys begin with, without slashes at its ends; by default it is the whole bucket. */
  readonly prefix?: string | undefined
  /** Another store than AWS. */
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
  /** Whether the bucket is named in the path: by default with an endpoint, or where its name has a dot. */
  readonly pathStyle?: boolean | undefined
  /** How what is written is encrypted at rest; by default as the bucket does. */
  readonly encryption?: Encryption | undefined
  /**
   * For how long what other tools write into the index may go unseen: milliseconds, 1000 by default. With 0 every read
   * looks at the index, and not only at the next record.
   */
  readonly foreignMillis?: number | undefined
  /**
   * How long `index.json` may stay behind what was answered: milliseconds, 0 by default. A tool that reads the bucket through
   * this library sees what was answered at once in any case; other tools read only the index.
   */
  readonly publishMillis?: number | undefined
  /** Whether opening fails with `LayoutNotFound` where there is nothing. By default the first write makes a layout. */
  readonly mustExist?: boolean | undefined
}

/** Where one layout is that has every repository. */
export interface BucketPlace extends BucketTreePlace {
  /**
   * The repository that bare tags and nameless entries belong to; by default the last part of the prefix, or the bucket,
   * as far as a repository can be called so.
   */
  readonly defaultRepository?: string | undefined
}

/** The stores of a layout in an object store; the first write creates it. */
export const bucketStores = Effect.fnUntraced(function*(
  store: ObjectStore,
  options: BucketLayoutOptions
): Effect.fn.Return<Stores, never, Scope.Scope> {
  const layout = yield* makeBucketLayout(store, options)
  const blobs = makeBlobs(store, layout)
  return {
    layout,
    journal: makeJournal(layout),
    blobs,
    uploads: makeUploads(store, blobs, yield* Effect.scope),
    pins: makePins(store),
    plans: makePlans(store),
    facts: noFacts,
    layers: noLayers,
    upkeep: makeUpkeep(store, layout, blobs),
    leftovers: noLeftovers
  }
})

/** The stores of a tree of layouts, each opened when it is first asked for. */
export const bucketTree = Effect.fnUntraced(function*(
  store: ObjectStore,
  options: Omit<BucketLayoutOptions, "checker" | "defaultRepository">
): Effect.fn.Return<Layouts, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const checker = makeStoreChecker()
  return {
    open: openedOnce((repository) =>
      bucketStores(below(store, repository), { ...options, checker, defaultRepository: repository }).pipe(
        Effect.provideService(Scope.Scope, scope)
      )
    ),
    list: layoutsBelow<StoreFault>({
      names: (folder) =>
        Effect.map(
          store.names(folder === "" ? "" : `${folder}/`),
          (names) => names.map((name) => name.replace(/\/$/u, ""))
        ),
      isFolder: () => Effect.succeed(true),
      atOnce: 8
    })
  }
})

const storeOf = Effect.fnUntraced(function*(
  { bucket, encryption, endpoint, pathStyle, prefix = "", region }: BucketTreePlace
): Effect.fn.Return<ObjectStore, RemoteError, HttpClient> {
  const access = yield* findAccess(`s3://${bucket}`)
  const other = endpoint ?? access.endpoint
  return yield* makeS3Store({
    ...access,
    bucket,
    prefix,
    pathStyle,
    encryption,
    endpoint: other === undefined ? undefined : (yield* Effect.fromResult(urlOf(other))).href,
    region: region ?? access.region
  })
})

const repositoryOf = (
  { bucket, defaultRepository, prefix = "" }: BucketPlace
): Effect.Effect<Repository, NameInvalid> =>
  defaultRepository === undefined
    ? Effect.succeed(derivedRepository(prefix === "" ? bucket : prefix))
    : Effect.fromResult(parseRepository(defaultRepository))

/** A layout in a bucket that holds every repository. `NameInvalid`; without `mustExist`, nothing is asked of the store yet. */
export const makeBucket = (
  place: BucketPlace
): Effect.Effect<LayoutRegistry, OpenError, HttpClient | Scope.Scope> =>
  Effect.gen(function*() {
    const repository = yield* repositoryOf(place)
    const store = yield* storeOf(place)
    if (place.mustExist === true && !(yield* isThere(store))) {
      return yield* new LayoutNotFound({
        path: store.name,
        reason: "has no oci-layout",
        advice: `check the bucket and the prefix; ocilayout init ${store.name} makes a new layout`
      })
    }
    const { foreignMillis = 1000, publishMillis } = place
    const options = { defaultRepository: repository, foreignMillis, publishMillis }
    return sharedRegistry(yield* bucketStores(store, options), hasher)
  })

/** A tree of layouts, one per repository, each below its name. As `makeBucket`; `LayoutNotFound` where a layout is in its place. */
export const makeBucketTree = (
  place: BucketTreePlace
): Effect.Effect<LayoutRegistry, OpenError, HttpClient | Scope.Scope> =>
  Effect.gen(function*() {
    const store = yield* storeOf(place)
    if (yield* isThere(store)) {
      return yield* new LayoutNotFound({
        path: store.name,
        reason: "is one layout, not a tree of layouts",
        advice: "leave --per-repository out, or use makeBucket"
      })
    }
    if (place.mustExist === true && (yield* store.list("", 1)).value.length === 0) {
      return yield* new LayoutNotFound({
        path: store.name,
        reason: "has no layouts",
        advice: "check the bucket and the prefix; the first write makes a tree"
      })
    }
    const { foreignMillis = 1000, publishMillis } = place
    return treeRegistry(yield* bucketTree(store, { foreignMillis, publishMillis }), hasher)
  })

/** How far receivers have been told the history of a layout, or of each layout of a tree; it is kept in the bucket. */
export const bucketBookmarks = (place: BucketTreePlace): Effect.Effect<Bookmarks, ReadFault, HttpClient> =>
  Effect.map(
    storeOf(place),
    (store) => makeBookmarks((repository) => repository === undefined ? store : below(store, repository))
  )

const isThere = (store: ObjectStore): Effect.Effect<boolean, ReadFault> =>
  Effect.map(store.get(markerKey), ({ value }) => value !== undefined)

/** Whether there is a layout in this very place of a bucket: an `oci-layout`. */
export const hasBucketLayout = (place: BucketPlace): Effect.Effect<boolean, ReadFault, HttpClient> =>
  Effect.flatMap(storeOf(place), isThere)

/**
 * Makes an empty layout where there is none; whether there was none. `NameInvalid`; `Unsupported` where the store does
 * not honour what layouts need.
 */
export const createBucketLayout = (
  place: BucketPlace
): Effect.Effect<boolean, NameInvalid | WriteFault, HttpClient> =>
  Effect.gen(function*() {
    yield* repositoryOf(place)
    const store = yield* storeOf(place)
    yield* checkStore(store)
    const { value } = yield* store.put(markerKey, marker, { condition: absent })
    yield* store.put(indexKey, new Uint8Array(Buffer.from(emptyIndex)), { condition: absent })
    return value._tag === "Done"
  })

/** What was found out is found out again by the next process. */
const noFacts: FactsCache = { load: Effect.succeed(() => undefined), learn: () => Effect.void, keep: Effect.void }
const noLayers: LayerCache = { load: () => Effect.succeed(Option.none()), save: () => Effect.void }

/** `makeBucket` as a layer; the `HttpClient` is that of the surroundings. */
export const layerBucket = (place: BucketPlace): Layer.Layer<Registry | Layout, OpenError, HttpClient> =>
  Layer.effectContext(Effect.map(makeBucket(place), contextOf))
