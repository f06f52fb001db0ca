/** Paths and scopes of the API (distribution-spec, "Endpoints"), and what its answers mean. */
import { Effect, Result } from "effect"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import { isContentDigest, parseContentDigest } from "../../oci/Digest.ts"
import { artifactManifest, dockerManifest, dockerManifestList, imageIndex, imageManifest } from "../../oci/MediaType.ts"
import { ManifestUnknown, NameUnknown } from "../../oci/OciError.ts"
import { parseRepository, type Repository } from "../../oci/Reference.ts"
import type { Session } from "../auth/makeSession.ts"
import { toldBy } from "../wire/problems.ts"

export const pull = (repository: string): string => `repository:${repository}:pull`

export const push = (repository: string): string => `repository:${repository}:pull,push`

export const erase = (repository: string): string => `repository:${repository}:pull,push,delete`

/** Every kind of manifest there is: a registry converts none of them. */
export const accept = [imageIndex, imageManifest, dockerManifestList, dockerManifest, artifactManifest].join(", ")

export const blobPath = (repository: Repository, digest: string): string => `v2/${repository}/blobs/${digest}`

export const manifestPath = (repository: Repository, reference: string): string =>
  `v2/${repository}/manifests/${reference}`

export const named = (repository: string) => Effect.fromResult(parseRepository(repository))

export const digested = (digest: string) => Effect.fromResult(parseContentDigest(digest))

/** The bytes that an answer says it has; nothing where it says none, or no number. */
export const lengthOf = ({ headers }: HttpClientResponse): number | undefined => {
  const text = headers["content-length"]
  const length = text !== undefined && /^\d{1,16}$/u.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(length) ? length : undefined
}

/** What a server says that it answers; only a digest that can be checked counts. */
export const statedDigest = ({ headers }: HttpClientResponse) => {
  const digest = headers["docker-content-digest"]
  return isContentDigest(digest) ? digest : undefined
}

export const typeOf = ({ headers }: HttpClientResponse): string =>
  (headers["content-type"] ?? "").replace(/;.*$/su, "").trim()

/** A manifest is not there, or its repository is not. */
export const manifestGone = (repository: Repository, reference: string, response: HttpClientResponse) =>
  Effect.flatMap(toldBy(response), ({ codes }): Effect.Effect<never, ManifestUnknown | NameUnknown> =>
    Effect.fail(
      codes.includes("NAME_UNKNOWN") ? new NameUnknown({ repository }) : new ManifestUnknown({ repository, reference })
    ))

/** An address that a registry gave for what comes next; only one of its own is followed. */
export const locationOf = ({ base }: Session, response: HttpClientResponse, from: string | URL): URL | undefined => {
  const location = response.headers["location"]
  const own = new URL(from, base)
  const url = location !== undefined && URL.canParse(location, own.href) ? new URL(location, own) : undefined
  return url?.origin === base.origin && url.username === "" && url.password === "" ? url : undefined
}

/** The next page of a list (RFC 8288): the same list, on the same host, or nothing. */
export const nextPage = (
  { base }: Session,
  { headers }: HttpClientResponse,
  from: URL
): Result.Result<URL | undefined, string> => {
  const link = /<([^>]*)>\s*;[^,]*\brel\s*=\s*"?next\b/iu.exec(headers["link"] ?? "")?.[1]
  if (link === undefined) return Result.succeed(undefined)
  const url = URL.canParse(link, from.href) ? new URL(link, from) : undefined
  return url === undefined || url.origin !== base.origin || url.pathname !== from.pathname
    ? Result.fail("the next page of the list is not on this registry")
    : url.href === from.href
    ? Result.fail("the next page of the list is the page itself")
    : Result.succeed(url)
}
