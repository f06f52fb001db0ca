/** Pushes manifests, and keeps lists of referrers where the registry keeps none itself. */
import { Effect, Option, Result } from "effect"
import { hasher } from "../../node/files/hasher.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { algorithmOf, type ContentDigest, isContentDigest } from "../../oci/Digest.ts"
import { field } from "../../oci/field.ts"
import { jsonBytes } from "../../oci/Json.ts"
import { type Manifest, parseManifest } from "../../oci/Manifest.ts"
import { imageIndex } from "../../oci/MediaType.ts"
import { Conflict, DigestInvalid, ManifestTooLarge } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { ChangeDone } from "../../ops/api/Done.ts"
import type { BatchError } from "../../ops/api/errors.ts"
import type { RegistryWrites } from "../../ops/api/Registry.ts"
import { manifestBytes } from "../../ops/limits.ts"
import type { Deletes } from "./deletes.ts"
import type { Listings } from "./listings.ts"
import type { Manifests, PutError } from "./manifests.ts"
import { digested, named } from "./requests.ts"

export type Pushes = Pick<RegistryWrites, "batch" | "pushManifest">

/** How often a list is read and written anew that others change at the same time. */
const listAttempts = 8

export const makePushes = (
  manifests: Manifests,
  listings: Pick<Listings, "fallbackOf">,
  deletes: Pick<Deletes, "deleteTag">
): Pushes => {
  /** Puts a referrer into the list under its subject's tag, on what is there at that moment. */
  const list = Effect.fnUntraced(function*(
    repository: Repository,
    subject: ContentDigest,
    referrer: Descriptor
  ): Effect.fn.Return<void, PutError> {
    for (let attempt = 1;; attempt++) {
      const found = yield* listings.fallbackOf(repository, subject)
      const before = Option.getOrUndefined(found)
      if (before?.referrers.some(({ digest }) => digest === referrer.digest) === true) return
      const bytes = jsonBytes({
        schemaVersion: 2,
        mediaType: imageIndex,
        manifests: [...before?.referrers ?? [], referrer]
      })
      const descriptor = { mediaType: imageIndex, digest: hasher.digest("sha256", bytes), size: bytes.length }
      const tag = before?.tag ?? fallbackTag(subject)
      const condition = before === undefined ? { tag, ifAbsent: true } : { tag, ifDigest: before.descriptor.digest }
      const moved = yield* Effect.result(manifests.put(repository, bytes, descriptor, [condition], false))
      if (Result.isFailure(moved)) {
        const { failure } = moved
        const lost = failure._tag === "Conflict" || failure._tag === "TagExists"
        if (!lost || attempt >= listAttempts) return yield* failure
        continue
      }
      // A registry that knows no conditions lets another writer have the last word: it is asked what holds.
      const after = yield* listings.fallbackOf(repository, subject)
      if (Option.exists(after, ({ referrers }) => referrers.some(({ digest }) => digest === referrer.digest))) return
      if (attempt >= listAttempts) {
        return yield* new Conflict({ repository, tag, reason: "others write this list of referrers at the same time" })
      }
    }
  })

  const pushManifest: Pushes["pushManifest"] = Effect.fn("Registry.pushManifest")(
    function*(input, bytes, mediaType, { digest: stated, stored = false, tags = [] } = {}) {
      const repository = yield* named(input)
      if (bytes.length > manifestBytes) {
        return yield* new ManifestTooLarge({ size: bytes.length, limit: manifestBytes })
      }
      const wanted = stated === undefined ? undefined : yield* digested(stated)
      const digest = hasher.digest(wanted === undefined ? "sha256" : algorithmOf(wanted), bytes)
      if (wanted !== undefined && wanted !== digest) return yield* new DigestInvalid({ digest: wanted, actual: digest })
      const manifest = yield* Effect.fromResult(parseManifest(bytes, mediaType, stored ? "read" : "push"))
      const descriptor: Descriptor = { mediaType, digest, size: bytes.length }
      const subject = manifest.subject?.digest
      const { existed, moved, subjectKnown } = yield* manifests.put(
        repository,
        bytes,
        descriptor,
        tags,
        subject !== undefined
      )
      if (subject !== undefined && isContentDigest(subject) && !subjectKnown) {
        yield* list(repository, subject, referrerOf(descriptor, manifest))
      }
      return {
        descriptor,
        ...field("subject", subject),
        existed,
        moved,
        revision: Option.none()
      }
    }
  )

  return {
    pushManifest,
    // One after the other: a registry has no batches, so that what failed in the middle leaves what came before it.
    batch: Effect.fn("Registry.batch")(function*(changes) {
      const done = yield* Effect.forEach(
        changes,
        Effect.fnUntraced(function*(change): Effect.fn.Return<ChangeDone, BatchError> {
          switch (change._tag) {
            case "PushManifest":
              return yield* pushManifest(change.repository, change.bytes, change.mediaType, change.options)
            case "Tag":
              return yield* manifests.tagManifest(change.repository, change.digest, change.tags)
            case "DeleteTag":
              yield* deletes.deleteTag(
                change.repository,
                change.tag,
                change.ifDigest === undefined ? {} : { ifDigest: change.ifDigest }
              )
              return { existed: true, moved: [] }
          }
        })
      )
      return { changes: done, revision: Option.none() }
    })
  }
}

const fallbackTag = (subject: ContentDigest): string => subject.replace(":", "-").slice(0, 71)

/** As a list of referrers has it (distribution-spec, "Listing Referrers"). */
const referrerOf = (descriptor: Descriptor, { annotations, artifactType }: Manifest): Descriptor => ({
  ...descriptor,
  ...field("artifactType", artifactType),
  ...(annotations.size === 0 ? {} : { annotations: Object.fromEntries(annotations) })
})
