/** Finds what a reference names: `repository:tag`, `repository@digest`, a shortened digest, or an entry's raw name. */
import { Effect, Option, Result, Stream } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { isContentDigest } from "../../oci/Digest.ts"
import {
  BlobUnknown,
  DigestAmbiguous,
  DigestInvalid,
  ManifestUnknown,
  type ReferenceInvalid,
  type RegistryError
} from "../../oci/OciError.ts"
import { parseLayoutReference } from "../../oci/Reference.ts"
import type { LayoutRegistry } from "../api/Layout.ts"

/** How many of the digests that a shortened one may mean are told. */
const candidatesTold = 10

/** How many manifests are told that a name without a tag may mean. */
const meantTold = 5

/** Where references are looked for. */
export interface Place {
  readonly registry: LayoutRegistry
  /** How the entry may be written that a reference means, where that is not the reference itself: `v1` of `DIR:v1`. */
  readonly written?: string
  /** Whether every repository is a layout of its own. */
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
  /** What else the same tag names, where several entries have it: images for other platforms. */
  readonly others?: ReadonlyArray<Descriptor>
  /** What a name without a tag was read as. */
  readonly readAs?: string
}

/** Everything that was found under a tag: what a platform chooses from. */
export const candidatesOf = (
  { descriptor, others = [] }: Pick<Found, "descriptor" | "others">
): readonly [Descriptor, ...ReadonlyArray<Descriptor>] => [descriptor, ...others]

/** In a shared layout a blob is visible from every valid repository name, so any will do for a raw name. */
export const anyRepository = "raw"

export const blobRepository = ({ repository }: Source): string => repository ?? anyRepository

/**
 * The manifest a reference names. A repository alone is its `latest`; one without tags, and with a single manifest, is
 * that manifest.
 */
export const findManifest = (layout: Place, ref: string): Effect.Effect<Found, RegistryError> =>
  Effect.suspend(() => {
    const parsed = parseRef(ref)
    if (Result.isFailure(parsed)) return rawName(layout, ref, parsed.failure)
    const { by, repository } = parsed.success
    const found = manifestOf(layout, parsed.success)
    if (by._tag !== "Tag") return found
    if (isTagged(ref)) {
      return Effect.catchTags(found, {
        ManifestUnknown: (error) => rawName(layout, ref, error),
        NameUnknown: (error) => rawName(layout, ref, error)
      })
    }
    const readAs = `${repository}:${by.tag}`
    return Effect.catchTags(Effect.map(found, (latest): Found => ({ ...latest, readAs })), {
      ManifestUnknown: (error) => onlyManifest(layout, ref, error),
      NameUnknown: (error) => onlyManifest(layout, ref, error)
    })
  })

/** Whether a reference by a tag says the tag. */
const isTagged = (ref: string): boolean => ref.includes(":")

/** Of a repository without `latest`: its only manifest where it has no tags, and what could be meant where it has. */
const onlyManifest = Effect.fnUntraced(function*(
  layout: Place,
  repository: string,
  otherwise: RegistryError
): Effect.fn.Return<Found, RegistryError> {
  const meant = yield* meantBy(layout, repository)
  const [only, other] = meant
  if (only !== undefined && other === undefined && only.digest !== undefined) {
    const descriptor = yield* layout.registry.resolveManifest(repository, only.digest)
    return { layout, repository, kind: "manifest", descriptor, readAs: only.name }
  }
  const candidates = meant.map(({ name }) => name)
  return yield* rawName(
    layout,
    repository,
    candidates.length === 0 ? otherwise : new ManifestUnknown({ repository, reference: "latest", candidates })
  )
})

/** What a layout alone can mean, in all of its repositories and beside them; the first few. */
export const meantByAll = Effect.fnUntraced(
  function*(place: Place): Effect.fn.Return<ReadonlyArray<Meant>, RegistryError> {
    const { registry } = place
    const few = meantTold
    const repositories = yield* Stream.runCollect(registry.repositories({ limit: few }))
    const meant = (yield* Effect.forEach(repositories, (repository) => meantBy(place, repository))).flat()
    const unnamed = place.perRepository ? [] : yield* Stream.runCollect(Stream.take(registry.unnamed(), few))
    return [...meant, ...unnamed.map(({ digest, refName }) => ({ name: refName ?? digest, digest }))].slice(0, few)
  }
)

/** A manifest of a repository, as it is called; with its digest where it has no tag. */
export interface Meant {
  readonly name: string
  readonly digest?: string
}

/** What a repository alone can mean: its tags, or its manifests where it has none; the first few of them. */
export const meantBy = Effect.fnUntraced(function*(
  { registry }: Place,
  repository: string
): Effect.fn.Return<ReadonlyArray<Meant>, RegistryError> {
  const none = { NameUnknown: () => Effect.succeed([]) }
  const few = { limit: meantTold }
  const tags = yield* Effect.catchTags(Stream.runCollect(registry.tags(repository, few)), none)
  if (tags.length > 0) return tags.map((tag) => ({ name: `${repository}:${tag}` }))
  const manifests = yield* Effect.catchTags(Stream.runCollect(registry.untagged(repository, few)), none)
  return manifests.map(({ digest }) => ({ name: `${repository}@${digest}`, digest }))
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
  if (by._tag === "Tag") {
    const choices = yield* registry.choices(repository, by.tag)
    return yield* chosenFrom({ layout, repository }, choices, new ManifestUnknown({ repository, reference: by.tag }))
  }
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
    ? rawNameInTree(layout, ref, otherwise)
    : Effect.flatMap(
      layout.registry.nameChoices(layout.written ?? ref),
      (choices) => chosenFrom({ layout, name: layout.written ?? ref }, choices, otherwise)
    ).pipe(
      // What it could mean is told.
      Effect.catchTag("ManifestUnknown", (error) => Effect.fail(error.candidates === undefined ? otherwise : error))
    )

/** In a tree the name stands behind its repository, or alone where only one layout has it. */
const rawNameInTree = Effect.fnUntraced(function*(
  layout: Place,
  ref: string,
  otherwise: RegistryError
): Effect.fn.Return<Found, RegistryError> {
  const all = (yield* Stream.runCollect(layout.registry.unnamed())).flatMap(({ digest, refName, repository }) =>
    refName === undefined || repository === undefined ? [] : [{ digest, refName, repository }]
  )
  const full = all.filter(({ refName, repository }) =>
    [`${repository}:${refName}`, `${repository}/${refName}`].includes(ref)
  )
  const meant = full.length > 0 ? full : all.filter(({ refName }) => refName === ref)
  const [only] = meant
  if (only === undefined) return yield* otherwise
  const candidates = Array.from(new Set(meant.map(({ refName, repository }) => `${repository}:${refName}`)))
  if (candidates.length > 1) return yield* new ManifestUnknown({ repository: "", reference: ref, candidates })
  const { refName, repository } = only
  const choices = yield* layout.registry.nameChoices(`${repository}:${refName}`)
  return yield* chosenFrom({ layout, repository }, choices, otherwise)
})

/** The first of what a name leads to, with the others. */
const chosenFrom = (
  source: Source,
  [descriptor, ...others]: ReadonlyArray<Descriptor>,
  otherwise: RegistryError
): Effect.Effect<Found, RegistryError> =>
  descriptor === undefined
    ? Effect.fail(otherwise)
    : Effect.succeed({ ...source, kind: "manifest", descriptor, ...(others.length === 0 ? {} : { others }) })

/** What an entry of exactly this name points at, where there is one. */
export const entryNamed = (
  { registry }: Place,
  name: string
): Effect.Effect<Option.Option<Descriptor>, RegistryError> =>
  Effect.catchTag(Effect.map(registry.resolveName(name), Option.some), "ManifestUnknown", () => Effect.succeedNone)

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
