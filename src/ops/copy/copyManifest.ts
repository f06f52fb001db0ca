/** Copies a manifest and everything below it, from one repository to another, of the same registry or of two. */
import { Effect, Result, Stream } from "effect"
import { refuseTag } from "../../layout/decide.ts"
import { type ContentDigest, type Digest, isContentDigest, parseContentDigest } from "../../oci/Digest.ts"
import { BlobUnknown, ContentMismatch } from "../../oci/OciError.ts"
import { parseTag } from "../../oci/Reference.ts"
import type { Copied, CopyItem, CopyOptions, CopySource, CopyTarget, CopyTurns } from "../api/Copy.ts"
import type { CopyError } from "../api/errors.ts"
import type { Change, TagRequest } from "../api/Registry.ts"
import { chooseImage } from "../refs/chooseImage.ts"
import { readSource, type SourceReader } from "../refs/copySource.ts"
import { type Found as Walked, type Part, type Placed, walkCopy } from "./copyWalk.ts"

/** Blobs under way at once. */
const usual = 4

/**
 * Copies a manifest, byte for byte, with everything below it: the children of an index, and all blobs. What the target
 * has already is not sent again, and within one registry blobs are mounted. Everything is verified before it is stored.
 * The manifest, its referrers and the tags become visible in one commit, when all they need is there: a copy that fails
 * or is interrupted leaves no tag, only content that a collection frees, and that the next attempt finds.
 *
 * A layer that is nondistributable, or says where else to get it, is copied where the source has it, and may be
 * missing. Anything else that is missing fails the copy: `NameUnknown` and `ManifestUnknown` for manifests,
 * `BlobUnknown` for blobs, `ContentMismatch` for what is damaged, `LimitExceeded` for what is too much; `TagExists` and
 * `Conflict` where a condition of a tag does not hold, found before anything is copied where that is so already.
 */
export const copyManifest = Effect.fn("copyManifest")(function*(
  source: CopySource,
  target: CopyTarget,
  options: CopyOptions = {}
): Effect.fn.Return<Copied, CopyError> {
  const { tags = [] } = target
  const [copied, ...others] = yield* copyManifests([{ source, tags }], target, options)
  return copied === undefined || others.length > 0 ? yield* Effect.die("one copy has one result") : copied
})

/**
 * As `copyManifest`, for several manifests and their tags in one commit: all of them become visible, or none does. A
 * result for each of them, in their order. Into several repositories of one layout where items name theirs.
 */
export const copyManifests = Effect.fn("copyManifests")(function*(
  items: ReadonlyArray<CopyItem>,
  target: Omit<CopyTarget, "tags">,
  options: CopyOptions = {}
): Effect.fn.Return<ReadonlyArray<Copied>, CopyError> {
  const found = yield* Effect.forEach(items, (item) => {
    const own = { ...target, repository: item.repository ?? target.repository }
    return prepare(item, own, options)
  })
  const total = found.reduce((sum, { walked }) => sum + sizeOf(walked.parts), 0)
  let bytes = 0
  const passed = (more: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      bytes += more
      return options.onProgress?.({ bytes, total }) ?? Effect.void
    })
  const sent = yield* Effect.forEach(
    found,
    ({ item, reader, target: own, walked }) => sendParts(reader, item.source, own, walked.parts, { ...options, passed })
  )
  const { revision } = yield* target.registry.batch(found.flatMap((one) => changesOf(one, options)))
  return found.flatMap(
    ({ item: { tags }, target: { repository }, walked: { entries, manifests } }, at): ReadonlyArray<Copied> => {
      const [root] = entries
      const parts = sent[at]
      if (root === undefined || parts === undefined) return []
      return [{
        repository,
        digest: root.descriptor.digest,
        tags: [...tags.map(nameOf), ...entries.flatMap((entry) => entry.tags)],
        manifests,
        ...parts,
        revision
      }]
    }
  )
})

interface Prepared {
  readonly item: CopyItem
  readonly target: Omit<CopyTarget, "tags">
  readonly reader: SourceReader
  readonly walked: Walked
}

const prepare = Effect.fnUntraced(function*(
  item: CopyItem,
  target: CopyTarget,
  { platform, referrers = false, sparse = false }: CopyOptions
): Effect.fn.Return<Prepared, CopyError> {
  const reader = readSource(item.source)
  const root = platform === undefined
    ? yield* reader.root
    : (yield* chooseImage(reader, yield* reader.candidates, platform)).manifest
  yield* Effect.forEach(item.tags, (tag) => checkTag(target, tag, root.descriptor.digest), { discard: true })
  if (!referrers && (yield* isWhole(target, root.descriptor.digest))) {
    return {
      item,
      target,
      reader,
      walked: { entries: [{ ...root, tags: [] }], parts: [], manifests: 1, documents: new Set() }
    }
  }
  const walked = yield* walkCopy(reader, root, { referrers, sparse })
  // A list that the target has of its own is kept up to date by the pushes of what it is to list.
  const entries = yield* Effect.filter(
    walked.entries,
    (entry) => entry.isList === true ? Effect.map(hasTag(target, entry.tags), (has) => !has) : Effect.succeed(true)
  )
  return { item, target, reader, walked: { ...walked, entries } }
})

/**
 * Where manifests are kept apart, one comes after all that it names: what is there is whole, and is not looked at again. A
 * layout may hold manifests without what they name.
 */
const isWhole = ({ registry, repository }: CopyTarget, digest: string): Effect.Effect<boolean, CopyError> =>
  registry.manifestsApart === true ? hasManifest(registry, repository, digest) : Effect.succeed(false)

const hasManifest = (
  registry: CopyTarget["registry"],
  repository: string,
  digest: string
): Effect.Effect<boolean, CopyError> =>
  registry.resolveManifest(repository, digest).pipe(
    Effect.as(true),
    Effect.catchTags({ ManifestUnknown: () => Effect.succeed(false), NameUnknown: () => Effect.succeed(false) })
  )

const hasTag = ({ registry, repository }: CopyTarget, tags: ReadonlyArray<string>) =>
  Effect.map(
    Effect.forEach(tags, (tag) =>
      registry.resolveTag(repository, tag).pipe(
        Effect.as(true),
        Effect.catchTags({ ManifestUnknown: () => Effect.succeed(false), NameUnknown: () => Effect.succeed(false) })
      )),
    (found) => found.includes(true)
  )

const sizeOf = (parts: ReadonlyArray<Part>): number => parts.reduce((sum, { descriptor }) => sum + descriptor.size, 0)

const changesOf = (
  { item: { tags }, target: { registry: { manifestsApart = false }, repository }, walked: { entries } }: Prepared,
  { sparse = false }: CopyOptions
): ReadonlyArray<Change> => {
  const changes = entries.map((entry, place): Change => ({
    _tag: "PushManifest",
    repository,
    bytes: entry.bytes,
    mediaType: entry.descriptor.mediaType,
    options: {
      digest: entry.descriptor.digest,
      tags: place === 0 ? tags : entry.tags,
      stored: true,
      sparse,
      ...(entry.annotations === undefined ? {} : { annotations: entry.annotations })
    }
  }))
  // What becomes visible one by one begins with what belongs to the manifest.
  return manifestsApart ? [...changes.slice(1), ...changes.slice(0, 1)] : changes
}

const nameOf = (tag: TagRequest): string => typeof tag === "string" ? tag : tag.tag

/** Whether a tag could be set as things are; whether it can is decided when it is. */
const checkTag = Effect.fnUntraced(function*(
  { registry, repository }: CopyTarget,
  request: TagRequest,
  digest: string
): Effect.fn.Return<void, CopyError> {
  const tag = yield* Effect.fromResult(parseTag(nameOf(request)))
  if (typeof request === "string") return
  const actual = yield* registry.resolveTag(repository, tag).pipe(
    Effect.map((found) => found.digest),
    Effect.catchTags({ ManifestUnknown: () => Effect.undefined, NameUnknown: () => Effect.undefined })
  )
  const refusal = refuseTag(actual, repository, { ...request, tag }, digest)
  if (refusal !== undefined) return yield* refusal
})

/** Where there is one copy, no other sends the same. */
const atOnce: CopyTurns = (_, work) => work

type Sent = Pick<Copied, "blobsCopied" | "blobsPresent" | "bytesCopied" | "missing">

const sendParts = Effect.fnUntraced(function*(
  reader: SourceReader,
  source: CopySource,
  target: CopyTarget,
  parts: ReadonlyArray<Placed>,
  { concurrency = usual, passed, turns = atOnce }: CopyOptions & {
    readonly passed: (bytes: number) => Effect.Effect<void>
  }
): Effect.fn.Return<Sent, CopyError> {
  const sent = { blobsCopied: 0, blobsPresent: 0, bytesCopied: 0, missing: new Array<Digest>() }

  const one = Effect.fnUntraced(function*(part: Part): Effect.fn.Return<void, CopyError> {
    const { descriptor: { digest, size }, optional } = part
    // Content under a digest of an unknown algorithm is left where it is, if it may be.
    if (!isContentDigest(digest) && optional) {
      sent.missing.push(digest)
      return yield* passed(size)
    }
    const known = yield* Effect.fromResult(parseContentDigest(digest))
    yield* turns(known, bring(part, known))
  })

  const bring = Effect.fnUntraced(function*(part: Part, known: ContentDigest): Effect.fn.Return<void, CopyError> {
    const { descriptor, isManifest, optional, parent } = part
    const { digest, size } = descriptor
    if (yield* isThere(source, reader.repository, target, part, known)) {
      if (!isManifest) sent.blobsPresent++
      return yield* passed(size)
    }
    const stored = yield* Effect.result(send(reader, target, part, known, (count) => {
      sent.bytesCopied += count
      return passed(count)
    }))
    if (Result.isSuccess(stored)) {
      if (!isManifest) sent.blobsCopied++
    } else if (optional && stored.failure._tag === "BlobUnknown") {
      sent.missing.push(digest)
      yield* passed(size)
    } else if (stored.failure._tag === "BlobUnknown") {
      return yield* new BlobUnknown({ digest, neededBy: parent })
    } else return yield* stored.failure
  })

  const steps = target.registry.manifestsApart === true ? byHeight(parts) : [parts]
  for (const step of steps) {
    yield* Effect.forEach(step, one, { concurrency: Math.max(1, concurrency), discard: true })
  }
  return sent
})

/** Content first, and then each manifest after those that it names. */
const byHeight = (parts: ReadonlyArray<Placed>): ReadonlyArray<ReadonlyArray<Placed>> => {
  const heights = Array.from(new Set(parts.map(({ height }) => height))).toSorted((a, b) => a - b)
  return heights.map((height) => parts.filter((part) => part.height === height))
}

/** Whether the target has the content, of this size, or can mount it; from then on it is held as if it were new. */
const isThere = Effect.fnUntraced(function*(
  source: CopySource,
  from: string,
  { registry, repository }: CopyTarget,
  { descriptor: { size }, isManifest }: Part,
  digest: ContentDigest
): Effect.fn.Return<boolean, CopyError> {
  if (isManifest && registry.manifestsApart === true) {
    return yield* hasManifest(registry, repository, digest)
  }
  const repositories = isSame(source.registry, registry) && from !== repository ? [repository, from] : [repository]
  for (const place of repositories) {
    const found = yield* registry.mountBlob(place, repository, digest).pipe(
      Effect.map((mounted) => mounted.size),
      Effect.catchTag("BlobUnknown", () => Effect.undefined)
    )
    if (found === size) return true
  }
  return false
})

const isSame = (one: object, other: object): boolean => one === other

/** Content on its way; told as damaged when it turns out not to be what its name and descriptor say. */
const send = (
  reader: SourceReader,
  { registry, repository }: CopyTarget,
  { descriptor, isManifest }: Part,
  digest: ContentDigest,
  passed: (count: number) => Effect.Effect<void>
): Effect.Effect<void, CopyError> =>
  Effect.scoped(Effect.gen(function*() {
    if (isManifest && registry.manifestsApart === true) {
      const { bytes } = yield* Effect.catchTags(reader.manifest(descriptor), {
        ManifestUnknown: () => Effect.fail(new BlobUnknown({ digest })),
        NameUnknown: () => Effect.fail(new BlobUnknown({ digest }))
      })
      yield* registry.pushManifest(repository, bytes, descriptor.mediaType, { digest, stored: true })
      return yield* passed(bytes.length)
    }
    const content = yield* reader.content(descriptor)
    const counted = Stream.tap(content, ({ length }) => passed(length))
    // The digest tells all of it; a size that its manifest says may be wrong, and is copied as it is.
    yield* registry.pushBlob(repository, counted, { digest })
  })).pipe(Effect.catchTags({
    DigestInvalid: (error) =>
      Effect.fail(
        error.actual === undefined ? error : new ContentMismatch({
          digest,
          actual: error.actual,
          reason: "the bytes on the disk are not those of its name"
        })
      )
  }))
