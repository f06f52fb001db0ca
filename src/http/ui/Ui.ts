/** What the page is served with, and what its handlers share. */
import { Effect, Result, Schema } from "effect"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Response from "effect/http/HttpServerResponse"
import type { Scope } from "effect/Scope"
import type { Inside } from "../../image/inside/openImage.ts"
import { readJson } from "../../oci/Json.ts"
import type { LayoutShape } from "../../ops/api/Layout.ts"
import type { RegistryShape } from "../../ops/api/Registry.ts"
import { bytesOf } from "../bodies.ts"
import type { Offers } from "../dispatch.ts"
import type { Failure } from "../errors.ts"
import { Refused } from "../Refused.ts"
import type { Action } from "../rules.ts"
import type { Call, Surface } from "../Surface.ts"

/** A file of the page. */
export interface Asset {
  readonly bytes: Uint8Array
  /** The same, compressed. */
  readonly gzip: Uint8Array
  readonly contentType: string
  /** Of its content, in quotes. */
  readonly etag: string
}

/** What a server needs to show its layout in a browser. */
export interface UiOptions {
  /** Files by their names: `index.html` and what it names. */
  readonly assets: ReadonlyMap<string, Asset>
  readonly inside: Inside
  /** What the layout is called. */
  readonly title: string
  /** Whether each repository is a layout of its own. */
  readonly perRepository: boolean
}

/** One request of the page. */
export interface Asked {
  readonly ui: UiOptions
  readonly surface: Surface
  readonly registry: RegistryShape
  readonly layout: LayoutShape
  readonly offers: Offers
  readonly call: Call
  readonly user: string
  /** Whether clients can log in here. */
  readonly hasLogins: boolean
}

export type Answered<A = HttpServerResponse> = Effect.Effect<A, Failure, Scope>

/** Characters of one value; what is longer is cut, and says how long it is. */
const valueCharacters = 4000

/** Entries of one list: labels, variables, annotations. */
export const listEntries = 500

/** Bytes of a request's body. */
const bodyBytes = 64 * 1024

const headers = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}

/** Every answer of the API has these: no cache keeps it, no other page reads it, nothing in it runs. */
export const apiHeaders: Readonly<Record<string, string>> = headers

export const answer = <A>(_schema: Schema.Schema<A>, value: A): HttpServerResponse =>
  Response.text(JSON.stringify(value), { headers, contentType: "application/json" })

const wrong = (message: string): Refused => new Refused({ status: 400, code: "UNSUPPORTED", message })

/** What the query has to say. */
export const needed = ({ call: { query } }: Asked, name: string): Effect.Effect<string, Refused> => {
  const value = query.get(name)
  return value === null || value === "" ? Effect.fail(wrong(`?${name}= is needed`)) : Effect.succeed(value)
}

/** What the query may say. */
export const given = ({ call: { query } }: Asked, name: string): string | undefined => {
  const value = query.get(name)
  return value === null || value === "" ? undefined : value
}

/** A whole number of the query, at most so much. */
export const numberOf = (
  asked: Asked,
  name: string,
  otherwise: number,
  most: number
): Effect.Effect<number, Refused> => {
  const text = given(asked, name)
  if (text === undefined) return Effect.succeed(otherwise)
  return /^\d{1,15}$/u.test(text)
    ? Effect.succeed(Math.min(Number(text), most))
    : Effect.fail(wrong(`?${name}= is a number`))
}

/** The body, as it was to be. */
export const body = <S extends Schema.Top & { readonly DecodingServices: never }>(
  { call: { request } }: Asked,
  schema: S
): Effect.Effect<S["Type"], Failure> =>
  Effect.flatMap(bytesOf(request, bodyBytes), (bytes) => {
    const json = readJson(bytes)
    if (Result.isFailure(json)) return Effect.fail(wrong(`the body ${json.failure}`))
    const read = Schema.decodeUnknownResult(schema)(json.success)
    return Result.isSuccess(read)
      ? Effect.succeed(read.success)
      : Effect.fail(wrong("the body is not what is asked for here"))
  })

export const denied = new Refused({
  status: 403,
  code: "DENIED",
  message: "you may not do that here"
})

export const notOffered = new Refused({
  status: 403,
  code: "DENIED",
  message: "this server does not offer that"
})

/** Goes on where the client may do this in a repository. */
export const allowed = ({ call: { may } }: Asked, action: Action, repository: string): Effect.Effect<void, Refused> =>
  may.in(action, repository) ? Effect.void : Effect.fail(denied)

/** Goes on where the client may see all there is. */
export const allowedEverywhere = (
  { call: { may } }: Asked,
  ...actions: ReadonlyArray<Action>
): Effect.Effect<void, Refused> => actions.every(may.everywhere) ? Effect.void : Effect.fail(denied)

/** A repository of the query, from which the client may pull. */
export const repositoryOf = Effect.fnUntraced(function*(
  asked: Asked,
  name: string = "repository"
): Effect.fn.Return<string, Refused> {
  const repository = yield* needed(asked, name)
  yield* allowed(asked, "pull", repository)
  return repository
})

/** In a tree of layouts, whose history or garbage is meant; in another layout, nothing. */
export const treeMember = (asked: Asked): Effect.Effect<string | undefined, Refused> =>
  asked.ui.perRepository ? repositoryOf(asked) : Effect.succeed(undefined)

/** A value as it is told. */
export const pairOf = ([key, value]: readonly [string, string]) => ({
  key: cut(key),
  value: cut(value),
  ...(value.length > valueCharacters ? { length: value.length } : {})
})

/** A text that is not longer than can be shown. */
export const cut = (text: string): string => text.length > valueCharacters ? text.slice(0, valueCharacters) : text

export const pairsOf = (entries: Iterable<readonly [string, string]>) =>
  Array.from(entries).slice(0, listEntries).map(pairOf)
