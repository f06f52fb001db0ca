/** Copies a manifest and everything below it, from one repository to another, of the same registry or of two. */
import { Effect, Result, Stream } from "effect"
import { type ContentDigest, type Digest, isContentDigest, parseContentDigest } from "../../oci/Digest.ts"
import { Conflict, ContentMismatch, type RegistryError, TagExists } from "../../oci/OciError.ts"
import { parseTag } from "../../oci/Reference.ts"
import type { Copied, CopyOptions, CopySource, CopyTarget } from "../api/Copy.ts"
import type { Change, TagRequest } from "../api/Registry.ts"
import { chooseImage } from "../refs/chooseImage.ts"
import { readSource, type SourceReader } from "../refs/copySource.ts"
import { type Part, walkCopy } from "./copyWalk.ts"

/** Blobs under way at once. */
const usual = 4

/**
 * Copies a manifest, byte for byte, with everything below it: the children of an index, and all blobs. What the target
 * has already is not sent again, and within one registry blobs are mounted. Everything is verified before it is stored.
 * The manifest, its referrers and the tags become visible in one commit, when all they need is there: a copy that fails
 * or is interrupted leaves no tag, only content that a collection frees, and that the next attempt finds.
 *
 * A layer that is nondistributable, or says where else to get it, is copied where the source has it, and may be missing.
 * Anything else that is missing fails the copy: `NameUnknown` and `ManifestUnknown` for manifests, `BlobUnknown` for
 * blobs, `ContentMismatch` for what is damaged, `LimitExceeded` for what is too much; `TagExists` and `Conflict` where a
 * condition of a tag does not hold, found before anything is copied where that is so already.
 */
export const copyManifest = Effect.fn("copyManifest")(function*(
  source: CopySource,
  target: CopyTarget,
  options: CopyOptions = {}
): Effect.fn.Return<Copied, RegistryError> {
  const reader = readSource(source)
  const asked = yield* reader.root
  const root = options.platform === undefined
    ? asked
    : (yield* chooseImage(reader, asked.descriptor, options.platform)).manifest
  const tags = target.tags ?? []
  yield* Effect.forEach(tags, (tag) => refuseTag(target, tag, root.descriptor.digest), { discard: true })

  const { entries, manifests, parts } = yield* walkCopy(reader, root, {
    referrers: options.referrers ?? false,
    sparse: options.sparse ?? false
  })
  const sent = yield* sendParts(reader, source, target, parts, options)

  const changes = entries.map((entry, place): Change => ({
    _tag: "PushManifest",
    repository: target.repository,
    bytes: entry.bytes,
    mediaType: entry.descriptor.mediaType,
    options: {
      digest: entry.descriptor.digest,
      tags: place === 0 ? tags : entry.tags,
      stored: true,
      sparse: options.sparse ?? false,
      ...(entry.annotations === undefined ? {} : { annotations: entry.annotations })
    }
  }))
  const revision = yield* target.registry.batch(changes)
  return {
    repository: target.repository,
    digest: root.descriptor.digest,
    tags: [...tags.map(nameOf), ...entries.flatMap((entry) => entry.tags)],
    manifests,
    ...sent,
    revision
  }
})

const nameOf = (tag: TagRequest): string => typeof tag === "string" ? tag : tag.tag

/** Whether a tag could be set as things are; whether it can is decided when it is. */
const refuseTag = Effect.fnUntraced(function*(
  { registry, repository }: CopyTarget,
  request: TagRequest,
  digest: string
): Effect.fn.Return<void, RegistryError> {
  const tag = yield* Effect.fromResult(parseTag(nameOf(request)))
  if (typeof request === "string") return
  const actual = yield* registry.resolveTag(repository, tag).pipe(
    Effect.map((found) => found.digest),
    Effect.catchTags({ ManifestUnknown: () => Effect.undefined, NameUnknown: () => Effect.undefined })
  )
  if (request.ifAbsent === true && actual !== undefined && actual !== digest) {
    return yield* new TagExists({ repository, tag, digest: actual })
  }
  if (request.ifDigest !== undefined && actual !== request.ifDigest) {
    const found = actual === undefined ? {} : { actual }
    const reason = actual === undefined ? "it is not there" : "it points elsewhere"
    return yield* new Conflict({ reason, repository, tag, expected: request.ifDigest, ...found })
  }
})

type Sent = Pick<Copied, "blobsCopied" | "blobsPresent" | "bytesCopied" | "missing">

const sendParts = Effect.fnUntraced(function*(
  reader: SourceReader,
  source: CopySource,
  target: CopyTarget,
  parts: ReadonlyArray<Part>,
  { concurrency = usual, onProgress = () => Effect.void }: CopyOptions
): Effect.fn.Return<Sent, RegistryError> {
  const total = parts.reduce((sum, { descriptor }) => sum + descriptor.size, 0)
  const sent = { blobsCopied: 0, blobsPresent: 0, bytesCopied: 0, missing: new Array<Digest>() }
  let bytes = 0
  const passed = (more: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      bytes += more
      return onProgress({ bytes, total })
    })

  const one = Effect.fnUntraced(function*(part: Part): Effect.fn.Return<void, RegistryError> {
    const { descriptor, isManifest, optional } = part
    const { digest, size } = descriptor
    // Content under a digest that nobody here can check is left where it is, if it may be.
    if (!isContentDigest(digest) && optional) {
      sent.missing.push(digest)
      return yield* passed(size)
    }
    const known = yield* Effect.fromResult(parseContentDigest(digest))
    if (yield* isThere(source, reader.repository, target, known, size)) {
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
    } else return yield* stored.failure
  })

  yield* Effect.forEach(parts, one, { concurrency: Math.max(1, concurrency), discard: true })
  return sent
})

/** Whether the target has the content, of this size, or can mount it; from then on it is held as if it were new. */
const isThere = Effect.fnUntraced(function*(
  source: CopySource,
  from: string,
  { registry, repository }: CopyTarget,
  digest: ContentDigest,
  size: number
): Effect.fn.Return<boolean, RegistryError> {
  const repositories = source.registry === registry && from !== repository ? [repository, from] : [repository]
  for (const place of repositories) {
    const found = yield* registry.mountBlob(place, repository, digest).pipe(
      Effect.map((mounted) => mounted.size),
      Effect.catchTag("BlobUnknown", () => Effect.undefined)
    )
    if (found === size) return true
  }
  return false
})

/** Content on its way; told as damaged when it turns out not to be what its name and descriptor say. */
const send = (
  reader: SourceReader,
  { registry, repository }: CopyTarget,
  { descriptor }: Part,
  digest: ContentDigest,
  passed: (count: number) => Effect.Effect<void>
): Effect.Effect<void, RegistryError> =>
  Effect.scoped(Effect.gen(function*() {
    const content = yield* reader.content(descriptor)
    const counted = Stream.tap(content, ({ length }) => passed(length))
    // The digest tells all of it; a size that its manifest says may be wrong, and is copied as it is.
    yield* registry.pushBlob(repository, { digest }, counted)
  })).pipe(Effect.catchTags({
    DigestInvalid: (error) =>
      Effect.fail(
        error.actual === undefined ? error : new ContentMismatch({
          digest,
          actual: error.actual,
          reason: "it was to be copied"
        })
      )
  }))
