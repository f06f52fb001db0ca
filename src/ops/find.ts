/** Finds what a reference names: `repository:tag`, `repository@digest`, a shortened digest, or an entry's raw name. */
import { Effect, Result } from "effect"
import type { Descriptor } from "../oci/Descriptor.ts"
import { isContentDigest } from "../oci/Digest.ts"
import { BlobUnknown, DigestAmbiguous, DigestInvalid, ManifestUnknown, type ReferenceInvalid } from "../oci/OciError.ts"
import { parseLayoutReference } from "../oci/Reference.ts"
import type { RegistryError } from "./ports.ts"
import type { RegistryShape } from "./Registry.ts"

/** How many of the digests that a shortened one may mean are told. */
const candidatesTold = 10

/** Where references are looked for. */
export interface Place {
  readonly registry: RegistryShape
  /** Whether every repository is a layout of its own; then entries have no raw names. */
  readonly perRepository: boolean
}

/** What a reference says. */
export interface Ref {
  readonly repository: string
  readonly by:
    | { readonly _tag: "Tag"; readonly tag: string }
    | { readonly _tag: "Digest"; readonly digest: string }
    | { readonly _tag: "Prefix"; readonly prefix: string }
}

const shortened = /^(?:sha256:|sha512:)?[0-9a-f]{12,127}$/u

/** A missing tag is `latest`; it is an error like any other when there is none. */
export const parseRef = (ref: string): Result.Result<Ref, ReferenceInvalid> => {
  const at = ref.indexOf("@")
  const suffix = at < 0 ? "" : ref.slice(at + 1)
  const isPrefix = shortened.test(suffix) && !isContentDigest(suffix)
  return Result.map(parseLayoutReference(isPrefix ? ref.slice(0, at) : ref), ({ digest, repository, tag }) => ({
    repository,
    by: isPrefix
      ? { _tag: "Prefix", prefix: suffix }
      : digest === undefined
      ? { _tag: "Tag", tag: tag ?? "latest" }
      : { _tag: "Digest", digest }
  }))
}

/** Where something was found: in a repository, or below an entry that only its raw name reaches. */
export interface Source {
  readonly layout: Place
  /** Absent for a raw name. */
  readonly repository?: string
  /** The raw name, exactly as the entry has it. */
  readonly name?: string
}

export interface Found extends Source {
  readonly kind: "manifest" | "blob"
  readonly descriptor: Descriptor
}

/** In a shared layout a blob is visible from every valid repository name (DESIGN 5), so any will do for a raw name. */
export const blobRepository = ({ repository }: Source): string => repository ?? "raw"

/** The manifest a reference names. */
export const findManifest = (layout: Place, ref: string): Effect.Effect<Found, RegistryError> =>
  Effect.suspend(() => {
    const parsed = parseRef(ref)
    if (Result.isFailure(parsed)) return rawName(layout, ref, parsed.failure)
    const found = manifestOf(layout, parsed.success)
    return parsed.success.by._tag !== "Tag" ? found : Effect.catchTags(found, {
      ManifestUnknown: (error) => rawName(layout, ref, error),
      NameUnknown: (error) => rawName(layout, ref, error)
    })
  })

/** The manifest or, where there is none, the blob a reference names. */
export const findContent = (
  layout: Place,
  ref: string,
  kind: "auto" | "manifest" | "blob"
): Effect.Effect<Found, RegistryError> =>
  Effect.suspend(() => {
    const parsed = parseRef(ref)
    if (Result.isFailure(parsed) || kind === "manifest") return findManifest(layout, ref)
    const { by, repository } = parsed.success
    if (by._tag === "Tag") return findManifest(layout, ref)
    const blob = blobOf(layout, repository, by)
    if (kind === "blob") return blob
    return Effect.catchTags(manifestOf(layout, parsed.success), {
      ManifestUnknown: () => blob,
      NameUnknown: () => blob
    })
  })

const manifestOf = Effect.fnUntraced(function*(
  layout: Place,
  { by, repository }: Ref
): Effect.fn.Return<Found, RegistryError> {
  const { registry } = layout
  const found = (descriptor: Descriptor): Found => ({ layout, repository, kind: "manifest", descriptor })
  if (by._tag === "Tag") return found(yield* registry.resolveTag(repository, by.tag))
  if (by._tag === "Digest") return found(yield* registry.resolveManifest(repository, by.digest))
  const digest = yield* expanded(layout, repository, by.prefix)
  if (digest === undefined) return yield* new ManifestUnknown({ repository, reference: by.prefix })
  return found(yield* registry.resolveManifest(repository, digest))
})

const blobOf = Effect.fnUntraced(function*(
  layout: Place,
  repository: string,
  by: Exclude<Ref["by"], { readonly _tag: "Tag" }>
): Effect.fn.Return<Found, RegistryError> {
  const digest = by._tag === "Digest" ? by.digest : yield* expanded(layout, repository, by.prefix)
  if (digest === undefined) return yield* new BlobUnknown({ digest: by._tag === "Digest" ? by.digest : by.prefix })
  return { layout, repository, kind: "blob", descriptor: yield* layout.registry.resolveBlob(repository, digest) }
})

/** The only digest a shortened one can mean. */
const expanded = Effect.fnUntraced(function*(
  { registry }: Place,
  repository: string,
  prefix: string
): Effect.fn.Return<string | undefined, RegistryError> {
  const candidates = yield* registry.expandDigest(repository, prefix)
  if (candidates.length > 1) {
    return yield* new DigestAmbiguous({ prefix, candidates: candidates.slice(0, candidatesTold) })
  }
  return candidates[0]
})

/** An entry by exactly the name it has, as skopeo and umoci address it; otherwise the failure that led here. */
const rawName = (layout: Place, ref: string, otherwise: RegistryError): Effect.Effect<Found, RegistryError> =>
  layout.perRepository
    ? Effect.fail(otherwise)
    : layout.registry.resolveName(ref).pipe(
      Effect.map((descriptor): Found => ({ layout, name: ref, kind: "manifest", descriptor })),
      Effect.catchTag("ManifestUnknown", () => Effect.fail(otherwise))
    )

/** A digest where nothing but a whole one will do: deletes and commits. */
export const requireDigest = ({ by }: Ref): Result.Result<string, DigestInvalid> =>
  by._tag === "Digest"
    ? Result.succeed(by.digest)
    : Result.fail(
      new DigestInvalid({
        digest: by._tag === "Prefix" ? by.prefix : by.tag,
        reason: "only repository@<full digest> will do here"
      })
    )
