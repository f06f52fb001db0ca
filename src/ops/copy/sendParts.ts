/** Brings the content below a manifest from a source to a target. */
import { Effect, Result, Stream } from "effect"
import { type ContentDigest, type Digest, isContentDigest, parseContentDigest } from "../../oci/Digest.ts"
import { BlobUnknown, ContentMismatch } from "../../oci/OciError.ts"
import type { Copied, CopyOptions, CopySource, CopyTarget, CopyTurns } from "../api/Copy.ts"
import type { CopyError } from "../api/errors.ts"
import type { SourceReader } from "../refs/copySource.ts"
import type { Part, Placed } from "./copyWalk.ts"

/** Blobs under way at once. */
const usual = 4

export type Sent = Pick<Copied, "blobsCopied" | "blobsPresent" | "bytesCopied" | "missing">

/** Brings what is below a manifest: what the target has not, in the order in which it takes it. */
export const sendParts = Effect.fnUntraced(function*(
  reader: SourceReader,
  source: CopySource,
  target: CopyTarget,
  parts: ReadonlyArray<Placed>,
  { concurrency = usual, passed, turns }: CopyOptions & {
    readonly passed: (bytes: number) => Effect.Effect<void>
    readonly turns: CopyTurns
  }
): Effect.fn.Return<Sent, CopyError> {
  const sent = { blobsCopied: 0, blobsPresent: 0, bytesCopied: 0, missing: new Array<Digest>() }

  const present = ({ descriptor: { size }, isManifest }: Part): Effect.Effect<void> => {
    if (!isManifest) sent.blobsPresent++
    return passed(size)
  }

  const one = Effect.fnUntraced(function*(part: Placed): Effect.fn.Return<void, CopyError> {
    const { descriptor: { digest, size }, isManifest, optional } = part
    // Content under a digest of an unknown algorithm is left where it is, if it may be.
    if (!isContentDigest(digest) && optional) {
      sent.missing.push(digest)
      return yield* passed(size)
    }
    const known = yield* Effect.fromResult(parseContentDigest(digest))
    const kind = isManifest && target.registry.manifestsApart === true ? "manifest" : "blob"
    if (yield* turns(`${kind} ${known} of ${target.repository}`, bring(part, known))) yield* present(part)
  })

  /** Whether it is there now. */
  const bring = Effect.fnUntraced(function*(part: Placed, known: ContentDigest): Effect.fn.Return<boolean, CopyError> {
    const { descriptor: { digest, size }, isManifest, optional, parent } = part
    if (yield* isThere(source, reader.repository, target, part, known)) {
      yield* present(part)
      return true
    }
    const stored = yield* Effect.result(send(reader, target, part, known, (count) => {
      sent.bytesCopied += count
      return passed(count)
    }))
    if (Result.isSuccess(stored)) {
      if (!stored.success) yield* present(part)
      else if (!isManifest) sent.blobsCopied++
      return true
    }
    if (stored.failure._tag !== "BlobUnknown") return yield* stored.failure
    if (!optional) return yield* new BlobUnknown({ digest, neededBy: parent })
    sent.missing.push(digest)
    yield* passed(size)
    return false
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
  // Pushing it asks whether it is there.
  if (isManifest && registry.manifestsApart === true) return false
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

/** Content on its way, and whether it was sent, or there before; told as damaged when it turns out not to be what its name and descriptor say. */
const send = (
  reader: SourceReader,
  { registry, repository }: CopyTarget,
  { bytes: known, descriptor, isManifest }: Placed,
  digest: ContentDigest,
  passed: (count: number) => Effect.Effect<void>
): Effect.Effect<boolean, CopyError> =>
  Effect.scoped(Effect.gen(function*() {
    if (isManifest && registry.manifestsApart === true) {
      const bytes = known ?? (yield* Effect.catchTags(reader.manifest(descriptor), {
        ManifestUnknown: () => Effect.fail(new BlobUnknown({ digest })),
        NameUnknown: () => Effect.fail(new BlobUnknown({ digest }))
      })).bytes
      const { existed } = yield* registry.pushManifest(repository, bytes, descriptor.mediaType, {
        digest,
        stored: true
      })
      if (!existed) yield* passed(bytes.length)
      return !existed
    }
    const content = known === undefined ? yield* reader.content(descriptor) : Stream.succeed(known)
    const counted = Stream.tap(content, ({ length }) => passed(length))
    // The digest tells all of it; a size that its manifest says may be wrong, and is copied as it is.
    yield* registry.pushBlob(repository, counted, { digest })
    return true
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
