/** Manifests by tag and by digest (distribution-spec, "Pulling manifests", "Pushing Manifests", "Deleting Manifests"). */
import { Effect, Result } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Descriptor } from "../oci/Descriptor.ts"
import { field } from "../oci/field.ts"
import { statedMediaType } from "../oci/Manifest.ts"
import { imageManifest } from "../oci/MediaType.ts"
import { ManifestUnknown, type RegistryError } from "../oci/OciError.ts"
import type { ManifestPushed, TagMoved } from "../ops/api/Done.ts"
import { manifestBytes } from "../ops/limits.ts"
import { bytesOf } from "./bodies.ts"
import { conditionOf, etagOf, isKnown } from "./etags.ts"
import { tagsPerPush } from "./limits.ts"
import type { Route } from "./names.ts"
import { Refused } from "./Refused.ts"
import type { Answer, Call, Surface } from "./Surface.ts"

type At = Extract<Route, { readonly _tag: "Manifest" }>

/** A tag has no colon, and a digest always has one. */
const isDigest = (reference: string): boolean => reference.includes(":")

const headersOf = ({ digest, mediaType, size }: Descriptor): Record<string, string> => ({
  "content-type": mediaType,
  "content-length": String(size),
  "docker-content-digest": digest,
  etag: etagOf(digest)
})

const unchanged = ({ digest }: Descriptor) =>
  HttpServerResponse.empty({ status: 304, headers: { "docker-content-digest": digest, etag: etagOf(digest) } })

const resolve = ({ registry }: Surface, { reference, repository }: At): Effect.Effect<Descriptor, RegistryError> =>
  isDigest(reference) ? registry.resolveManifest(repository, reference) : resolveTag(registry, repository, reference)

const resolveTag = (registry: Surface["registry"], repository: string, tag: string) =>
  foundBy(repository, registry.resolveTag(repository, tag))

/** A text that cannot be a tag is answered like a tag that does not exist. */
const foundBy = <A>(repository: string, found: Effect.Effect<A, RegistryError>): Effect.Effect<A, RegistryError> =>
  Effect.catchTag(found, "TagInvalid", ({ tag }) => Effect.fail(new ManifestUnknown({ repository, reference: tag })))

export const headManifest = (surface: Surface, { request }: Call, at: At): Answer =>
  Effect.map(resolve(surface, at), (descriptor) =>
    isKnown(request.headers, descriptor.digest)
      ? unchanged(descriptor)
      : HttpServerResponse.empty({ status: 200, headers: headersOf(descriptor) }))

export const getManifest = (surface: Surface, { request }: Call, at: At): Answer => {
  const { registry } = surface
  const { reference, repository } = at
  const read = isDigest(reference)
    ? registry.getManifest(repository, reference)
    : foundBy(repository, registry.getTag(repository, reference))
  const whole = Effect.map(
    read,
    ({ bytes, descriptor }) => HttpServerResponse.uint8Array(bytes, { headers: headersOf(descriptor) })
  )
  if (request.headers["if-none-match"] === undefined) return whole
  // What the client has need not be read.
  return Effect.flatMap(
    resolve(surface, at),
    (descriptor) => isKnown(request.headers, descriptor.digest) ? Effect.succeed(unchanged(descriptor)) : whole
  )
}

export const putManifest = Effect.fnUntraced(function*(surface: Surface, { query, request }: Call, at: At) {
  const { registry, sparse } = surface
  const { reference, repository } = at
  const byDigest = isDigest(reference)
  const tags = Array.from(new Set(byDigest ? query.getAll("tag") : [reference, ...query.getAll("tag")]))
  if (tags.length > tagsPerPush) return yield* tooManyTags
  const condition = yield* conditionOf(
    request.headers,
    Effect.map(resolveTag(registry, repository, tags[0] ?? ""), ({ digest }) => digest).pipe(
      Effect.catchTags({ ManifestUnknown: () => Effect.fail(noMatch), NameUnknown: () => Effect.fail(noMatch) })
    )
  )
  const bytes = yield* bytesOf(request, manifestBytes)
  const pushed = yield* registry.pushManifest(repository, bytes, mediaTypeOf(request.headers["content-type"], bytes), {
    sparse,
    tags: tags.map((tag) => ({ tag, ...condition })),
    ...(byDigest ? { digest: reference } : {})
  })
  const warning = yield* warningOf(surface, repository, pushed)
  const { digest } = pushed.descriptor
  return HttpServerResponse.empty({
    status: 201,
    headers: {
      location: `/v2/${repository}/manifests/${digest}`,
      "content-length": "0",
      "docker-content-digest": digest,
      etag: etagOf(digest),
      ...(pushed.subject === undefined ? {} : { "oci-subject": pushed.subject }),
      ...(tags.length === 0 ? {} : { "oci-tag": tags.join(", ") }),
      ...field("warning", warning)
    }
  })
})

export const deleteManifest = Effect.fnUntraced(function*({ registry }: Surface, { request }: Call, at: At) {
  const { reference, repository } = at
  if (isDigest(reference)) {
    yield* registry.deleteManifest(repository, reference, { leaveReferrers: true })
  } else {
    const current = Effect.map(resolveTag(registry, repository, reference), ({ digest }) => digest)
    const { ifDigest } = yield* conditionOf(request.headers, current)
    yield* foundBy(repository, registry.deleteTag(repository, reference, ifDigest === undefined ? {} : { ifDigest }))
  }
  return HttpServerResponse.empty({ status: 202, headers: { "content-length": "0" } })
})

/** What the client says it is, without parameters; or else what the document says. */
const mediaTypeOf = (header: string | undefined, bytes: Uint8Array): string => {
  const stated = header?.replace(/;.*$/su, "").trim()
  if (stated !== undefined && stated !== "") return stated
  return Result.getOrUndefined(statedMediaType(bytes)) ?? imageManifest
}

/** The distribution-spec's "Warnings": a tag that pointed elsewhere, and a subject that is not there. */
const warningOf = Effect.fnUntraced(function*(
  { registry }: Surface,
  repository: string,
  { moved, subject }: ManifestPushed
) {
  const dangling = subject === undefined
    ? false
    : yield* Effect.match(registry.resolveManifest(repository, subject), {
      onFailure: (failure) => failure._tag === "ManifestUnknown",
      onSuccess: () => false
    })
  const texts = [
    ...moved.flatMap(movedText),
    ...(dangling ? [`the subject ${String(subject)} is not in ${repository}`] : [])
  ]
  return texts.length === 0 ? undefined : texts.map((text) => `299 - "${text}"`).join(", ")
})

const movedText = ({ from, tag }: TagMoved): ReadonlyArray<string> =>
  from === undefined ? [] : [`tag ${tag} pointed at ${from} before`]

const noMatch = new Refused({ status: 412, code: "CONFLICT", message: "the tag does not exist" })

const tooManyTags = new Refused({
  status: 414,
  code: "UNSUPPORTED",
  message: `a push sets at most ${tagsPerPush} tags`
})
