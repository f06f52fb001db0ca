/** Brings what new content is made of into the repository that it is made in. */
import { Effect, Result } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { parseContentDigest } from "../../oci/Digest.ts"
import { isNondistributable } from "../../oci/MediaType.ts"
import { BlobUnknown } from "../../oci/OciError.ts"
import type { CopyError } from "../../ops/api/errors.ts"
import { walkCopy } from "../../ops/copy/copyWalk.ts"
import type { ReadManifest, SourceReader } from "../../ops/refs/copySource.ts"
import type { MakeTarget } from "./Made.ts"

/** Blobs under way at once. */
const usual = 4

/** Content by digest, where the target can have it: mounted where its layout has it already, or else copied. */
const bringBlob = Effect.fnUntraced(function*(
  reader: SourceReader,
  { registry, repository }: MakeTarget,
  descriptor: Descriptor,
  isOptional: boolean
): Effect.fn.Return<void, CopyError> {
  const digest = yield* Effect.fromResult(parseContentDigest(descriptor.digest))
  for (const from of new Set([repository, reader.repository])) {
    const mounted = yield* Effect.result(registry.mountBlob(from, repository, digest))
    if (Result.isSuccess(mounted)) return
    if (mounted.failure._tag !== "BlobUnknown") return yield* mounted.failure
  }
  yield* Effect.scoped(Effect.flatMap(
    reader.content(descriptor),
    (content) => registry.pushBlob(repository, content, { digest })
  )).pipe(
    Effect.catchTag("BlobUnknown", (unknown) => isOptional ? Effect.void : Effect.fail(new BlobUnknown(unknown)))
  )
})

/** Configs and layers, one after the other; those that may be elsewhere may be missing. */
export const bringLayers = (
  reader: SourceReader,
  target: MakeTarget,
  descriptors: ReadonlyArray<Descriptor>
): Effect.Effect<void, CopyError> =>
  Effect.forEach(
    descriptors,
    (one) => bringBlob(reader, target, one, isNondistributable(one.mediaType) || (one.urls ?? []).length > 0),
    { discard: true }
  )

/** A manifest and all below it, as content; nothing of it gets an entry. */
export const bring = Effect.fnUntraced(function*(
  reader: SourceReader,
  root: ReadManifest,
  target: MakeTarget
): Effect.fn.Return<void, CopyError> {
  const { parts } = yield* walkCopy(reader, root, { referrers: false, sparse: false })
  yield* Effect.forEach(
    parts,
    ({ descriptor, optional }) => bringBlob(reader, target, descriptor, optional),
    { concurrency: usual, discard: true }
  )
  yield* bringBlob(reader, target, root.descriptor, false)
})
