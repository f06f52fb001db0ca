/** Layouts in buckets, as a command line names them: `s3://BUCKET/PREFIX`. */
import { Effect, Layer, Result, type Scope } from "effect"
import type { HttpClient } from "effect/http/HttpClient"
import process from "node:process"
import type { BucketPlace } from "../bucket/index.ts"
import { LayoutNotFound } from "../oci/OciError.ts"
import { parseLayoutReference } from "../oci/Reference.ts"
import type { Bookmarks } from "../ops/api/Bookmarks.ts"
import type { LayoutRegistry } from "../ops/api/Layout.ts"
import { formatPlace, parsePlace } from "../places/Place.ts"
import { cuts } from "./cuts.ts"
import type { Failure } from "./Failure.ts"
import { tellOpened } from "./opened.ts"

/** How a bucket is opened. */
export interface BucketFlags {
  readonly endpoint: string | undefined
  /** How it encrypts what is written, as `--sse` has it. */
  readonly sse: string | undefined
  readonly defaultRepository: string | undefined
  /** For how long the index may stay behind: seconds. */
  readonly publishEvery?: number | undefined
}

/** As it is opened as a tree of layouts, one per repository, or as one layout. */
export type OpeningFlags = BucketFlags & { readonly perRepository: boolean }

/** A layout in a bucket, and what stands behind it on the line. */
interface InBucket {
  /** As it is written: `s3://BUCKET/PREFIX`. */
  readonly directory: string
  readonly name?: string
  /** `:tag` or `@digest` of the default repository. */
  readonly suffix?: string
}

/** Loaded when it is needed: most commands open no bucket. */
const load = Effect.promise(() => import("../bucket/index.ts"))

/** `AWS_CA_BUNDLE` is a file of certificates, as the AWS tools take it. */
const withClient = Effect.fnUntraced(
  function*<A, E, R>(
    work: Effect.Effect<A, E, R | HttpClient>
  ): Effect.fn.Return<A, E | Failure, Exclude<R, HttpClient> | Scope.Scope> {
    const file = process.env["AWS_CA_BUNDLE"]
    const { clientLayer } = yield* Effect.promise(() => import("./remote/client.ts"))
    const layer = clientLayer({ insecure: [], ca: file === "" ? undefined : file })
    return yield* Effect.provide(work, yield* Layer.build(layer))
  }
)

const placeOf = Effect.fnUntraced(function*(
  text: string,
  { defaultRepository, endpoint, publishEvery = 0, sse }: BucketFlags
): Effect.fn.Return<BucketPlace & { readonly directory: string }, Failure> {
  const place = yield* Effect.fromResult(parsePlace(text))
  if (place._tag !== "Bucket") return yield* new LayoutNotFound({ path: text, reason: "names no bucket" })
  const publishMillis = publishEvery * 1000
  const { parseEncryption } = yield* load
  const encryption = sse === undefined ? undefined : yield* Effect.fromResult(parseEncryption(sse))
  const { bucket, path: prefix } = place
  return { bucket, prefix, endpoint, encryption, defaultRepository, publishMillis, directory: formatPlace(place) }
})

/** A place of a bucket as a layout, or as a tree of them. */
export const openBucket = Effect.fnUntraced(function*(
  text: string,
  flags: OpeningFlags,
  mustExist: boolean
): Effect.fn.Return<{ readonly directory: string; readonly registry: LayoutRegistry }, Failure, Scope.Scope> {
  const { directory, ...place } = yield* placeOf(text, flags)
  yield* tellOpened(directory)
  const { makeBucket, makeBucketTree } = yield* load
  const make = flags.perRepository ? makeBucketTree : makeBucket
  return { directory, registry: yield* withClient(make({ ...place, mustExist })) }
})

/** Where it is kept how far receivers have been told the history of a layout in a bucket. */
export const bookmarksInBucket = Effect.fnUntraced(function*(
  text: string,
  flags: BucketFlags
): Effect.fn.Return<Bookmarks, Failure, Scope.Scope> {
  const place = yield* placeOf(text, flags)
  const { bucketBookmarks } = yield* load
  return yield* withClient(bucketBookmarks(place))
})

/** Makes an empty layout in a place of a bucket; whether there was none. */
export const createInBucket = Effect.fnUntraced(function*(
  text: string,
  flags: BucketFlags
): Effect.fn.Return<{ readonly directory: string; readonly created: boolean }, Failure, Scope.Scope> {
  const { directory, ...place } = yield* placeOf(text, flags)
  const { createBucketLayout } = yield* load
  return { directory, created: yield* withClient(createBucketLayout(place)) }
})

/** Cuts a text at the layout that has to be there, by the same rules as a path: the deepest one whose rest is a reference. */
export const splitBucket = Effect.fnUntraced(function*(
  text: string,
  flags: BucketFlags
): Effect.fn.Return<InBucket, Failure, Scope.Scope> {
  const { bucket, prefix = "", ...rest } = yield* placeOf(text, flags)
  const { hasBucketLayout } = yield* load
  const asked = new Map<string, boolean>()
  const has = Effect.fnUntraced(function*(path: string): Effect.fn.Return<boolean, Failure, HttpClient> {
    // A prefix has none of the characters that begin a tag or a digest.
    if (/[:@]/u.test(path)) return false
    const known = asked.get(path)
    if (known !== undefined) return known
    const there = yield* hasBucketLayout({ ...rest, bucket, prefix: path.split("/").slice(1).join("/") })
    asked.set(path, there)
    return there
  })
  const path = prefix === "" ? bucket : `${bucket}/${prefix}`
  const [, whole = path, digest = ""] = /^(.*?)(@[^/@]*)?$/su.exec(path) ?? []
  const found = Effect.gen(function*() {
    if (yield* has(whole)) return digest === "" ? { directory: whole } : { directory: whole, suffix: digest }
    for (const { before, rest: name } of cuts(whole, "/")) {
      if (Result.isFailure(parseLayoutReference(name))) continue
      if (yield* has(before)) return { directory: before, name: `${name}${digest}` }
    }
    for (const { before, rest: tag } of cuts(path, ":")) {
      if (yield* has(before)) return { directory: before, suffix: `:${tag}` }
    }
    for (const { before, rest: name } of cuts(path, "/")) {
      if (yield* has(before)) return { directory: before, name }
    }
    return yield* new LayoutNotFound({
      path: text,
      reason: "has no oci-layout in any part of its path",
      advice: "check the bucket and the prefix; ocilayout init s3://BUCKET/PREFIX makes a new layout"
    })
  })
  const { directory, ...named } = yield* withClient(found)
  return { directory: `s3://${directory}`, ...named }
})
