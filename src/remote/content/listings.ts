/** Lists, page by page: tags, repositories, and what refers to a manifest. */
import { Effect, Option, Result, Stream } from "effect"
import type { Page } from "../../layout/query.ts"
import { type Descriptor, fieldOf, isJsonObject, isList, type Json } from "../../oci/Descriptor.ts"
import { type ContentDigest, encodedOf } from "../../oci/Digest.ts"
import { readJson } from "../../oci/Json.ts"
import { DigestInvalid, NameUnknown, RemoteError, StorageError, Unauthorized } from "../../oci/OciError.ts"
import { readDescriptor } from "../../oci/readDescriptor.ts"
import { isRepository, isTag, type Repository, Tag } from "../../oci/Reference.ts"
import type { Attached } from "../../ops/api/Attached.ts"
import type { RegistryReads } from "../../ops/api/Registry.ts"
import type { CallError, Session } from "../auth/makeSession.ts"
import * as limits from "../wire/limits.ts"
import { wrongAnswer } from "../wire/problems.ts"
import type { Manifests } from "./manifests.ts"
import { digested, named, nextPage, pull } from "./requests.ts"

export type Listings = Pick<RegistryReads, "attached" | "referrers" | "repositories" | "tags"> & {
  /** The tag that lists what refers to a manifest, where the registry has no list of its own. */
  readonly fallbackOf: (
    repository: Repository,
    digest: ContentDigest
  ) => Effect.Effect<Option.Option<Fallback>, CallError>
}

/** The list under the tag `sha256-<hex>` (distribution-spec, "Referrers tag schema"). */
export interface Fallback {
  readonly tag: Tag
  readonly descriptor: Descriptor
  readonly referrers: ReadonlyArray<Descriptor>
}

/** What a server answers where the thing that is listed is not there. */
type Gone = Option.Option<never>

/** Suffixes of the tags that cosign makes of a digest. */
const suffixes = [".sig", ".att", ".sbom"]

export const makeListings = (session: Session, manifests: Manifests): Listings => {
  const { base, host } = session

  /** All pages of a list; none where the first is not there. */
  const pagesOf = <A>(
    path: string,
    operation: string,
    scope: string,
    items: (document: Json) => ReadonlyArray<A> | undefined
  ): Stream.Stream<A, CallError | NotListed> =>
    Stream.paginate(
      { url: new URL(path, base), page: 1 },
      Effect.fnUntraced(function*({ page, url }) {
        return yield* Effect.scoped(Effect.gen(function*() {
          const response = yield* session.call({ method: "GET", path: url, scopes: [scope], operation })
          if (response.status === 404 && page === 1) return yield* Effect.fail(new NotListed())
          if (response.status !== 200) return yield* session.failed(operation, response)
          const bytes = yield* session.bytes(operation, response, limits.pageBytes)
          const document = yield* orWrong(operation, readJson(bytes))
          const found = items(document)
          if (found === undefined) return yield* wrongAnswer(host, operation, "the answer is no such list")
          const next = yield* orWrong(operation, nextPage(session, response, url))
          if (next !== undefined && page >= limits.pages) {
            return yield* wrongAnswer(host, operation, `the list has more than ${limits.pages} pages`)
          }
          return [found, next === undefined ? Option.none() : Option.some({ url: next, page: page + 1 })] as const
        }))
      })
    )

  const orWrong = <A>(operation: string, read: Result.Result<A, string>) =>
    Effect.fromResult(Result.mapError(read, (reason) => wrongAnswer(host, operation, `the list ${reason}`)))

  const listed =
    <A extends string>(key: string, is: (value: unknown) => value is A) =>
    (document: Json): ReadonlyArray<A> | undefined => {
      const list = isJsonObject(document) ? fieldOf(document, key) : undefined
      // A list of nothing is null in Go; a name that none of ours could be is left out.
      return list === null ? [] : isList(list) ? list.filter(is) : undefined
    }

  const limited = <A extends string, E>({ limit = 0, startAfter }: Page, stream: Stream.Stream<A, E>) => {
    const rest = startAfter === undefined ? stream : Stream.filter(stream, (name) => name > startAfter)
    return limit > 0 ? Stream.take(rest, limit) : rest
  }

  const query = ({ limit = 0, startAfter }: Page): string => {
    const fields = new URLSearchParams({ n: String(limit > 0 ? Math.min(limit, 1000) : 1000) })
    if (startAfter !== undefined) fields.set("last", startAfter)
    return fields.toString()
  }

  const fallbackOf: Listings["fallbackOf"] = Effect.fnUntraced(function*(repository, digest) {
    const tag = Tag.make(`${digest.startsWith("sha512:") ? "sha512" : "sha256"}-${encodedOf(digest).slice(0, 64)}`)
    const found = yield* manifests.getTag(repository, tag).pipe(
      Effect.map(Option.some),
      // A tag of this form that is no list lists nothing.
      Effect.catch((error): Effect.Effect<Gone, CallError> =>
        isCallError(error) ? Effect.fail(error) : Effect.succeedNone
      )
    )
    return Option.map(found, ({ bytes, descriptor }) => ({
      tag,
      descriptor,
      referrers: descriptorsIn(Result.getOrElse(readJson(bytes), (): Json => null)) ?? []
    }))
  })

  const allReferrers = (repository: Repository, digest: ContentDigest, artifactType?: string) => {
    const filter = artifactType === undefined ? "" : `?artifactType=${encodeURIComponent(artifactType)}`
    return pagesOf(
      `v2/${repository}/referrers/${digest}${filter}`,
      `listing the referrers of ${digest}`,
      pull(repository),
      descriptorsIn
    ).pipe(
      Stream.catchTag(
        "NotListed",
        () =>
          Stream.unwrap(Effect.map(fallbackOf(repository, digest), (found) =>
            Stream.fromIterable(Option.match(found, {
              onNone: () => [],
              onSome: ({ referrers }) => referrers
            }))))
      )
    )
  }

  return {
    fallbackOf,
    tags: (input, page = {}) =>
      Stream.unwrap(Effect.map(named(input), (repository) =>
        limited(
          page,
          pagesOf(
            `v2/${repository}/tags/list?${query(page)}`,
            `listing the tags of ${repository}`,
            pull(repository),
            listed("tags", isTag)
          )
        ).pipe(Stream.catchTag("NotListed", () => Stream.fail(new NameUnknown({ repository })))))),
    repositories: (page = {}) =>
      limited(
        page,
        pagesOf(
          `v2/_catalog?${query(page)}`,
          "listing repositories",
          "registry:catalog:*",
          listed("repositories", isRepository)
        )
      ).pipe(Stream.catchTag("NotListed", () =>
        Stream.fail(wrongAnswer(host, "listing repositories", "it does not tell which repositories it has")))),
    referrers: (input, reference, { artifactType, ...page } = {}) =>
      Stream.unwrap(Effect.gen(function*() {
        const repository = yield* named(input)
        const digest = yield* orDigestInvalid(reference)
        const found = yield* Stream.runCollect(allReferrers(repository, digest, artifactType))
        const { limit = 0, startAfter = "" } = page
        const fitting = found
          .filter((one) => (artifactType === undefined || one.artifactType === artifactType) && one.digest > startAfter)
          .toSorted((a, b) => a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0)
        return Stream.fromIterable(limit > 0 ? fitting.slice(0, limit) : fitting)
      })),
    attached: (input, reference) =>
      Stream.unwrap(Effect.gen(function*() {
        const repository = yield* named(input)
        const digest = yield* orDigestInvalid(reference)
        const found = new Map<string, Attached>()
        const common = { repositories: [repository], isListed: true }
        for (const descriptor of yield* Stream.runCollect(allReferrers(repository, digest))) {
          found.set(descriptor.digest, { ...common, by: "subject", descriptor })
        }
        const list = yield* fallbackOf(repository, digest)
        if (Option.isSome(list)) {
          const { descriptor, tag } = list.value
          found.set(descriptor.digest, { ...common, by: "tag", descriptor, tag, isList: true })
        }
        for (const suffix of suffixes) {
          const tag = Tag.make(`sha256-${encodedOf(digest).slice(0, 64)}${suffix}`)
          const descriptor = yield* manifests.resolveTag(repository, tag).pipe(
            Effect.catchTags({
              ManifestUnknown: () => Effect.undefined,
              NameUnknown: () => Effect.undefined,
              // It is made of a digest, and so is one.
              TagInvalid: () => Effect.undefined
            })
          )
          if (descriptor !== undefined) found.set(descriptor.digest, { ...common, by: "tag", descriptor, tag })
        }
        return Stream.fromIterable(found.values())
      }))
  }
}

/** There is no such list. */
class NotListed {
  readonly _tag = "NotListed"
}

const isCallError = (error: unknown): error is CallError =>
  error instanceof RemoteError || error instanceof Unauthorized || error instanceof StorageError

/** The descriptors of an index; what is none of them is left out, since nothing could be fetched by it. */
const descriptorsIn = (document: Json): ReadonlyArray<Descriptor> | undefined => {
  const list = isJsonObject(document) ? fieldOf(document, "manifests") : undefined
  if (list === null) return []
  return isList(list)
    ? list.flatMap((one) => Result.match(readDescriptor(one), { onFailure: () => [], onSuccess: (d) => [d] }))
    : undefined
}

const orDigestInvalid = (reference: string) =>
  digested(reference).pipe(
    Effect.catchTag("AlgorithmUnsupported", ({ digest, algorithm }) =>
      Effect.fail(new DigestInvalid({ digest, reason: `no registry lists by ${algorithm}` })))
  )
