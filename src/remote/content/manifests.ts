/** Reads, pushes and deletes manifests and tags. */
import { Effect, Option, Result, Stream } from "effect"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import { refuseTag } from "../../layout/decide.ts"
import { hasher } from "../../node/files/hasher.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { algorithmOf, type ContentDigest, type Digest, isContentDigest, parseDigest } from "../../oci/Digest.ts"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import { statedMediaType } from "../../oci/Manifest.ts"
import { imageManifest, isMediaType, kindOf } from "../../oci/MediaType.ts"
import {
  type Conflict,
  ContentMismatch,
  ManifestTooLarge,
  ManifestUnknown,
  type NameInvalid,
  type RemoteError,
  type TagExists,
  type TagInvalid
} from "../../oci/OciError.ts"
import { parseTag, type Repository, type Tag } from "../../oci/Reference.ts"
import type { ManifestContent } from "../../ops/api/Content.ts"
import type { TagMoved } from "../../ops/api/Done.ts"
import type { RegistryReads, RegistryWrites, TagRequest } from "../../ops/api/Registry.ts"
import { manifestBytes } from "../../ops/limits.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import { factsOf } from "../../ops/manifests/manifests.ts"
import { parseStored } from "../../ops/manifests/parseStored.ts"
import type { Session } from "../auth/makeSession.ts"
import { wrongAnswer } from "../wire/problems.ts"
import {
  accept,
  digested,
  lengthOf,
  manifestGone,
  manifestPath,
  named,
  pull,
  push,
  statedDigest,
  typeOf
} from "./requests.ts"

export type Manifests =
  & Pick<RegistryReads, "describe" | "get" | "getManifest" | "getTag" | "resolve" | "resolveManifest" | "resolveTag">
  & Pick<RegistryWrites, "tagManifest">
  & {
    /** What a tag points at; nothing where it is not there. */
    readonly current: (
      repository: Repository,
      tag: Tag
    ) => Effect.Effect<Digest | undefined, NameInvalid | TagInvalid | ReadFault>
    /** As `pushManifest`, and whether the registry lists it as a referrer itself; unless it refers, what is there is left. */
    readonly put: (
      repository: Repository,
      bytes: Uint8Array,
      descriptor: Descriptor,
      tags: ReadonlyArray<TagRequest>,
      refers: boolean
    ) => Effect.Effect<Put, PutError>
  }

/** What putting a manifest can fail with. */
export type PutError = Conflict | NameInvalid | TagExists | TagInvalid | WriteFault

interface Put {
  readonly existed: boolean
  readonly moved: ReadonlyArray<TagMoved>
  /** The registry said which subject it has seen. */
  readonly subjectKnown: boolean
}

export const makeManifests = (session: Session): Manifests => {
  const { host } = session

  const head = Effect.fnUntraced(function*(repository: Repository, reference: string) {
    const operation = `looking for ${repository}${reference.includes(":") ? "@" : ":"}${reference}`
    return yield* Effect.scoped(Effect.gen(function*() {
      const response = yield* session.call({
        method: "HEAD",
        path: manifestPath(repository, reference),
        headers: { accept },
        scopes: [pull(repository)],
        operation
      })
      if (response.status === 404) return yield* manifestGone(repository, reference, response)
      if (response.status === 405) return undefined
      if (response.status !== 200) return yield* session.failed(operation, response)
      const digest = statedDigest(response)
      const size = lengthOf(response)
      const mediaType = typeOf(response)
      return digest === undefined || size === undefined || kindOf(mediaType) === "other"
        ? undefined
        : { mediaType, digest, size }
    }))
  })

  const read = Effect.fnUntraced(function*(
    repository: Repository,
    reference: string,
    expected: ContentDigest | undefined
  ) {
    const operation = `reading ${repository}${expected === undefined ? ":" : "@"}${reference}`
    return yield* Effect.scoped(Effect.gen(function*() {
      const response = yield* session.call({
        method: "GET",
        path: manifestPath(repository, reference),
        headers: { accept },
        scopes: [pull(repository)],
        operation
      })
      if (response.status === 404) return yield* manifestGone(repository, reference, response)
      if (response.status !== 200) return yield* session.failed(operation, response)
      const bytes = yield* collectBytes(
        session.wire.body(operation, response),
        (size) => size > manifestBytes ? Effect.fail(new ManifestTooLarge({ size, limit: manifestBytes })) : Effect.void
      )
      const stated = expected ?? statedDigest(response)
      const digest = hasher.digest(stated === undefined ? "sha256" : algorithmOf(stated), bytes)
      if (stated !== undefined && digest !== stated) {
        return yield* new ContentMismatch({
          digest: stated,
          actual: digest,
          reason: `${host} sends another manifest than it says`
        })
      }
      const descriptor: Descriptor = { mediaType: mediaTypeOf(response, bytes), digest, size: bytes.length }
      return { descriptor, verified: true, bytes, stream: Stream.succeed(bytes) } satisfies ManifestContent
    }))
  })

  const resolveManifest: Manifests["resolveManifest"] = Effect.fn("Registry.resolveManifest")(
    function*(input, reference) {
      const repository = yield* named(input)
      const digest = yield* known(repository, reference)
      const found = yield* head(repository, digest)
      if (found !== undefined && found.digest === digest) return found
      if (found !== undefined) {
        return yield* wrongAnswer(host, `looking for ${digest}`, "the answer is about another manifest")
      }
      return (yield* Effect.mapError(read(repository, digest, digest), asAnswer(host))).descriptor
    }
  )

  const resolveTag: Manifests["resolveTag"] = Effect.fn("Registry.resolveTag")(function*(input, reference) {
    const repository = yield* named(input)
    const tag = yield* Effect.fromResult(parseTag(reference))
    const found = yield* head(repository, tag)
    return found ?? (yield* Effect.mapError(read(repository, tag, undefined), asAnswer(host))).descriptor
  })

  const getManifest: Manifests["getManifest"] = Effect.fn("Registry.getManifest")(function*(input, reference) {
    const repository = yield* named(input)
    const digest = yield* known(repository, reference)
    return yield* read(repository, digest, digest)
  })

  const getTag: Manifests["getTag"] = Effect.fn("Registry.getTag")(function*(input, reference) {
    const repository = yield* named(input)
    return yield* read(repository, yield* Effect.fromResult(parseTag(reference)), undefined)
  })

  const current = (repository: Repository, tag: Tag) =>
    resolveTag(repository, tag).pipe(
      Effect.map(({ digest }) => digest),
      Effect.catchTags({ ManifestUnknown: () => Effect.undefined, NameUnknown: () => Effect.undefined })
    )

  const putAt = Effect.fnUntraced(function*(
    repository: Repository,
    reference: string,
    bytes: Uint8Array,
    { digest, mediaType }: Descriptor,
    condition: Readonly<Record<string, string>>
  ) {
    const operation = `pushing ${repository}${reference.includes(":") ? "@" : ":"}${reference}`
    return yield* Effect.scoped(Effect.gen(function*() {
      const response = yield* session.call({
        method: "PUT",
        path: manifestPath(repository, reference),
        headers: { "content-type": mediaType, ...condition },
        body: bytes,
        scopes: [push(repository)],
        operation
      })
      if (response.status === 412) return { _tag: "Refused" as const }
      if (response.status !== 201) return yield* session.failed(operation, response)
      const stated = response.headers["docker-content-digest"]
      if (stated !== undefined && stated !== digest && stated.slice(0, 7) === digest.slice(0, 7)) {
        return yield* wrongAnswer(host, operation, "it says that it stored another manifest")
      }
      return { _tag: "Stored" as const, subjectKnown: response.headers["oci-subject"] !== undefined }
    }))
  })

  const put: Manifests["put"] = Effect.fnUntraced(function*(
    repository,
    bytes,
    descriptor,
    requests,
    refers
  ): Effect.fn.Return<Put, PutError> {
    const { digest } = descriptor
    if (requests.length === 0) {
      const existed = Option.isSome(yield* Effect.option(resolveManifest(repository, digest)))
      if (existed && !refers) return { existed, moved: [], subjectKnown: true }
      const stored = yield* putAt(repository, digest, bytes, descriptor, {})
      return { existed, moved: [], subjectKnown: stored._tag === "Stored" && stored.subjectKnown }
    }
    const moved: Array<TagMoved> = []
    let existed = false
    let subjectKnown = false
    for (const request of requests) {
      const { ifAbsent, ifDigest, tag: asked }: Exclude<TagRequest, string> = typeof request === "string"
        ? { tag: request }
        : request
      const tag = yield* Effect.fromResult(parseTag(asked))
      const actual = yield* current(repository, tag)
      const refusal = refuseTag(actual, repository, { tag, ifAbsent, ifDigest }, digest)
      if (refusal !== undefined) return yield* refusal
      if (actual === digest) {
        existed = true
        // What refers to another is sent again: the list that it belongs to may lack it.
        if (!refers) continue
      }
      const condition: Record<string, string> = ifDigest !== undefined
        ? { "if-match": `"${ifDigest}"` }
        : ifAbsent === true && actual === undefined
        ? { "if-none-match": "*" }
        : {}
      const stored = yield* putAt(repository, tag, bytes, descriptor, condition)
      if (stored._tag === "Refused") {
        const now = yield* current(repository, tag)
        const refusedNow = refuseTag(now, repository, { tag, ifAbsent, ifDigest }, digest)
        return yield* refusedNow ??
          wrongAnswer(host, `pushing ${repository}:${tag}`, "it refuses a condition that holds")
      }
      subjectKnown = stored.subjectKnown
      if (actual !== digest) moved.push(actual === undefined ? { tag } : { tag, from: actual })
    }
    return { existed, moved, subjectKnown }
  })

  return {
    current,
    resolveManifest,
    resolveTag,
    getManifest,
    getTag,
    put,
    resolve: (repository, reference) =>
      reference.includes(":") ? resolveManifest(repository, reference) : resolveTag(repository, reference),
    get: (repository, reference) =>
      reference.includes(":") ? getManifest(repository, reference) : getTag(repository, reference),
    describe: Effect.fn("Registry.describe")(function*(input, descriptor) {
      const repository = yield* named(input)
      const digest = yield* digested(descriptor.digest)
      const { bytes } = yield* read(repository, digest, digest).pipe(
        Effect.catchTag("NameUnknown", () => Effect.fail(new ManifestUnknown({ repository, reference: digest })))
      )
      return factsOf(yield* Effect.fromResult(parseStored(bytes, descriptor)), bytes)
    }),
    tagManifest: Effect.fn("Registry.tagManifest")(function*(input, reference, tags) {
      const repository = yield* named(input)
      const digest = yield* known(repository, reference)
      const { bytes, descriptor } = yield* Effect.mapError(read(repository, digest, digest), asAnswer(host))
      const { moved } = yield* put(repository, bytes, descriptor, tags, false)
      return { descriptor, existed: true, moved, revision: Option.none() }
    })
  }
}

/** A manifest by a digest that no registry can have content of is not there. */
const known = Effect.fnUntraced(function*(repository: Repository, reference: string) {
  const digest = yield* Effect.fromResult(parseDigest(reference))
  return isContentDigest(digest) ? digest : yield* new ManifestUnknown({ repository, reference })
})

/** A manifest that was read only to know its descriptor, and is none that can be taken. */
const asAnswer = (host: string) => <E>(error: E | ContentMismatch | ManifestTooLarge): E | RemoteError =>
  error instanceof ContentMismatch || error instanceof ManifestTooLarge
    ? wrongAnswer(host, "reading a manifest", error.message)
    : error

/** What the server says it is, or else what the document says. */
const mediaTypeOf = (response: HttpClientResponse, bytes: Uint8Array): string => {
  const stated = typeOf(response)
  if (kindOf(stated) !== "other") return stated
  const own = Result.getOrUndefined(statedMediaType(bytes))
  return own ??
    (isMediaType(stated) && !/^(?:application\/(?:json|octet-stream)|text\/)/u.test(stated) ? stated : imageManifest)
}
