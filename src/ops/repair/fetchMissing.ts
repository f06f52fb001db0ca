/** Gets missing content back: from its second name or the trash, or from another layout. */
import { Effect, Option, Result, Stream } from "effect"
import { algorithmOf, type ContentDigest } from "../../oci/Digest.ts"
import type { RegistryError } from "../../oci/OciError.ts"
import type { RepairError } from "../api/errors.ts"
import type { RepairTask } from "./repairTask.ts"

/** How it came back, or would; it is verified while it is stored. */
export const fetchMissing = Effect.fnUntraced(function*(
  { dryRun, finding, opened, source }: RepairTask,
  digest: ContentDigest
): Effect.fn.Return<Option.Option<string>, RepairError> {
  const manifest = finding.code.startsWith("MANIFEST_")
  const held = dryRun ? opened.blobs.stat(digest) : opened.blobs.protect(digest, { manifest })
  if (Option.isSome(yield* held)) return Option.some("put back what .ocilayout still held of it")
  if (source === undefined) return Option.none()
  // Where it is needed is where it is likely to be; in a shared layout any name will do.
  const likely = finding.affected.flatMap((name) => /^([^@]+?)[:@]/u.exec(name)?.[1] ?? [])
  const others = yield* Stream.runCollect(source.repositories())
  for (const repository of new Set([...likely, ...others])) {
    const taken = yield* Effect.result(Effect.scoped(Effect.gen(function*() {
      const { descriptor: { size }, stream } = yield* source.getBlob(repository, digest, { passing: true })
      if (!dryRun) yield* opened.blobs.write(stream, { algorithm: algorithmOf(digest), digest, size, manifest })
    })))
    if (Result.isSuccess(taken)) return Option.some("fetched it from the source")
    // A name that the source does not know, or content that is damaged there as well: it may be elsewhere.
    if (!elsewhere.has(taken.failure._tag)) return yield* taken.failure
  }
  return Option.none()
})

const elsewhere: ReadonlySet<RegistryError["_tag"]> = new Set([
  "BlobUnknown",
  "ContentMismatch",
  "DigestInvalid",
  "NameInvalid",
  "NameUnknown"
])
