/** A registry in a bucket: the stores of its layout, put together. */
import { Effect, Layer, Option, type Scope } from "effect"
import type { HttpClient } from "effect/http/HttpClient"
import { hasher } from "../node/files/hasher.ts"
import type { NameInvalid } from "../oci/OciError.ts"
import { parseRepository, type Repository } from "../oci/Reference.ts"
import type { LayerCache } from "../ops/api/LayerCache.ts"
import { contextOf, type Layout, type LayoutRegistry } from "../ops/api/Layout.ts"
import type { Registry } from "../ops/api/Registry.ts"
import { sharedRegistry } from "../ops/makeRegistry.ts"
import type { FactsCache, Stores } from "../ops/ports/ports.ts"
import { makeBlobs } from "./layout/blobs.ts"
import { makeBucketLayout } from "./layout/commit.ts"
import { makeJournal } from "./layout/journal.ts"
import { makePins, makePlans } from "./layout/kept.ts"
import { makeUpkeep, noLeftovers } from "./layout/upkeep.ts"
import { makeUploads } from "./layout/uploads.ts"
import { findAccess } from "./store/credentials.ts"
import type { ObjectStore } from "./store/ObjectStore.ts"
import { makeS3Store } from "./store/s3Store.ts"

/** Which bucket, and how it is spoken to. What is not given is taken from the environment and the profile, as the AWS tools do. */
export interface BucketPlace {
  readonly bucket: string
  /** What all keys of the layout begin with, without slashes at its ends; by default the whole bucket is the layout. */
  readonly prefix?: string | undefined
  /** Another store than AWS. */
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
  /** Whether the bucket is named in the path: by default with an endpoint, or where its name has a dot. */
  readonly pathStyle?: boolean | undefined
  /** `x-amz-server-side-encryption` of what is written; by default as the bucket does. */
  readonly encryption?: string | undefined
  /** The repository that bare tags and nameless entries belong to; by default the last part of the prefix. */
  readonly defaultRepository?: string | undefined
}

/** The stores of a layout in an object store; the first write creates it. */
export const bucketStores = Effect.fnUntraced(function*(
  store: ObjectStore,
  defaultRepository: Repository | undefined
): Effect.fn.Return<Stores, never, Scope.Scope> {
  const layout = yield* makeBucketLayout(store, defaultRepository)
  const blobs = makeBlobs(store)
  return {
    layout,
    journal: makeJournal(layout, defaultRepository),
    blobs,
    uploads: makeUploads(store, blobs),
    pins: makePins(store),
    plans: makePlans(store),
    facts: noFacts,
    layers: noLayers,
    upkeep: makeUpkeep(store, layout, blobs),
    leftovers: noLeftovers
  }
})

/** A layout in a bucket that holds every repository; nothing is asked of the store yet. `NameInvalid`. */
export const makeBucket = (
  place: BucketPlace
): Effect.Effect<LayoutRegistry, NameInvalid, HttpClient | Scope.Scope> =>
  Effect.gen(function*() {
    const { bucket, defaultRepository, encryption, endpoint, pathStyle, prefix = "", region } = place
    const access = yield* findAccess(`s3://${bucket}`)
    const store = yield* makeS3Store({
      ...access,
      bucket,
      prefix,
      pathStyle,
      encryption,
      endpoint: endpoint ?? access.endpoint,
      region: region ?? access.region
    })
    const repository = defaultRepository === undefined
      ? undefined
      : yield* Effect.fromResult(parseRepository(defaultRepository))
    return sharedRegistry(yield* bucketStores(store, repository), hasher)
  })

/** What was found out is found out again by the next process. */
const noFacts: FactsCache = { load: Effect.succeed(() => undefined), learn: () => Effect.void, keep: Effect.void }
const noLayers: LayerCache = { load: () => Effect.succeed(Option.none()), save: () => Effect.void }

/** `makeBucket` as a layer; the `HttpClient` is that of the surroundings. */
export const layerBucket = (place: BucketPlace): Layer.Layer<Registry | Layout, NameInvalid, HttpClient> =>
  Layer.effectContext(Effect.map(makeBucket(place), contextOf))
