/** Lists of tags, referrers and repositories (distribution-spec, "Content Discovery"), in pages. */
import { Effect, Result, Stream } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Descriptor } from "../oci/Descriptor.ts"
import { imageIndex } from "../oci/MediaType.ts"
import type { RegistryError } from "../oci/OciError.ts"
import type { Route } from "./names.ts"
import { Refused } from "./Refused.ts"
import type { Answer, Call, Surface } from "./Surface.ts"

/** One page, and where the next one is; a page of none is empty, and has no next one. */
interface Paged<A> {
  readonly items: ReadonlyArray<A>
  readonly headers: Readonly<Record<string, string>>
}

/** How many are asked for: no more than a page has, and all of that where nothing is said. */
const countOf = (query: URLSearchParams, most: number): Result.Result<number, Refused> => {
  const text = query.get("n")
  if (text === null) return Result.succeed(most)
  return /^\d{1,15}$/u.test(text) ? Result.succeed(Math.min(Number(text), most)) : Result.fail(noNumber)
}

/**
 * @param path of the listing
 * @param list items after one of them, one more than a page has to tell whether there is a next one
 * @param nameOf what the next page goes on after
 */
const pageOf = Effect.fnUntraced(function*<A>(
  { limits }: Surface,
  { query }: Call,
  path: string,
  list: (page: { startAfter?: string; limit: number }) => Stream.Stream<A, RegistryError>,
  nameOf: (item: A) => string
): Effect.fn.Return<Paged<A>, RegistryError | Refused> {
  const limit = yield* Effect.fromResult(countOf(query, limits.pageItems))
  const last = query.get("last")
  // Of a page of none it still matters whether there is such a list.
  const found = yield* Stream.runCollect(
    list({ limit: limit + 1, ...(last === null ? {} : { startAfter: last }) })
  )
  const items = found.slice(0, limit)
  const final = items.at(-1)
  if (final === undefined || found.length <= limit) return { items, headers: {} }
  const next = new URLSearchParams(query)
  next.set("n", String(limit))
  next.set("last", nameOf(final))
  return { items, headers: { link: `<${path}?${next.toString()}>; rel="next"` } }
})

const json = (document: unknown, headers: Readonly<Record<string, string>>, contentType = "application/json") =>
  HttpServerResponse.text(JSON.stringify(document), { headers, contentType })

const itself = (name: string): string => name

export const listTags = (
  surface: Surface,
  call: Call,
  { repository }: Extract<Route, { readonly _tag: "Tags" }>
): Answer =>
  Effect.map(
    pageOf(
      surface,
      call,
      `/v2/${repository}/tags/list`,
      (page) => surface.registry.tags(repository, page),
      itself
    ),
    ({ headers, items }) => json({ name: repository, tags: items }, headers)
  )

export const listRepositories = (surface: Surface, call: Call): Answer =>
  Effect.map(
    pageOf(surface, call, "/v2/_catalog", (page) => repositoriesOf(surface, call, page), itself),
    ({ headers, items }) => json({ repositories: items }, headers)
  )

/** Only those that the client may pull from. */
const repositoriesOf = (
  { registry }: Surface,
  { may }: Call,
  { limit, startAfter }: { startAfter?: string; limit: number }
): Stream.Stream<string, RegistryError> =>
  may.everywhere("pull")
    ? registry.repositories({ startAfter, limit })
    : registry.repositories({ startAfter }).pipe(
      Stream.filter((repository) => may.in("pull", repository)),
      Stream.take(limit)
    )

/**
 * In a layout that repositories share, a referrer may be another repository's. It is told where the client may pull from
 * one that has it, or where none has it by itself.
 */
const referrersOf = (
  { registry }: Surface,
  { may }: Call,
  { digest, repository }: Extract<Route, { readonly _tag: "Referrers" }>,
  { artifactType, limit, startAfter }: { startAfter?: string; limit: number; artifactType: string | undefined }
): Stream.Stream<Descriptor, RegistryError> =>
  may.everywhere("pull")
    ? registry.referrers(repository, digest, { startAfter, limit, artifactType })
    : registry.attached(repository, digest, { startAfter, artifactType }).pipe(
      Stream.filter(({ repositories }) =>
        repositories.length === 0 || repositories.some((name) => may.in("pull", name))
      ),
      Stream.map(({ descriptor }) => descriptor),
      Stream.take(limit)
    )

export const listReferrers = (
  surface: Surface,
  call: Call,
  route: Extract<Route, { readonly _tag: "Referrers" }>
): Answer => {
  const artifactType = call.query.get("artifactType") ?? undefined
  return Effect.map(
    pageOf(
      surface,
      call,
      `/v2/${route.repository}/referrers/${route.digest}`,
      (page) => referrersOf(surface, call, route, { ...page, artifactType }),
      (referrer) => referrer.digest
    ),
    ({ headers, items }) =>
      json(
        { schemaVersion: 2, mediaType: imageIndex, manifests: items },
        { ...headers, ...(artifactType === undefined ? {} : { "oci-filters-applied": "artifactType" }) },
        imageIndex
      )
  )
}

const noNumber = new Refused({
  status: 400,
  code: "PAGINATION_NUMBER_INVALID",
  message: "n is how many are wanted, 0 or more"
})
