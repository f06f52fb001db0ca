/** Shows a registry who asks: with a password, or with tokens, each kept for as long as it is good. */
import { Clock, Effect, Redacted, Result, Semaphore } from "effect"
import { fieldOf, isJsonObject } from "../../oci/Descriptor.ts"
import { readJson } from "../../oci/Json.ts"
import { type RemoteError, type StorageError, Unauthorized } from "../../oci/OciError.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import { isRelated } from "../wire/Host.ts"
import * as limits from "../wire/limits.ts"
import type { Wire } from "../wire/makeWire.ts"
import { toldBy, wrongAnswer } from "../wire/problems.ts"
import {
  type Challenge,
  covers,
  formatScopes,
  parseChallenges,
  repositoriesOf,
  type Scopes,
  scopesOf
} from "./challenge.ts"
import type { Credential, Credentials } from "./Credential.ts"

type Header = Redacted.Redacted

type AuthError = RemoteError | StorageError | Unauthorized

export interface Authorizer {
  /** What is sent along; nothing as long as the registry has not asked, and while it is asked anonymously. */
  readonly header: (scopes: Scopes) => Effect.Effect<Header | undefined, AuthError>
  /** What is sent along the next time, after a request was answered with a challenge. `Unauthorized` where nothing helps. */
  readonly answer: (
    challenge: string | undefined,
    scopes: Scopes,
    used: Header | undefined
  ) => Effect.Effect<Header, AuthError>
}

interface Token {
  readonly header: Header
  readonly scopes: Scopes
  /** Milliseconds since 1970. */
  readonly until: number
}

/** How long a token is good that says nothing of it: seconds (distribution, "Token Authentication"). */
const usualSeconds = 60

/** A token that ends during a request is of no use. */
const spareMillis = 5000

const tokensKept = 1000

export const makeAuthorizer = (wire: Wire, base: URL, credentials: Credentials): Authorizer => {
  const { host } = wire
  const lock = Semaphore.makeUnsafe(1)
  /** What the registry asked for last. */
  let asked: Challenge | undefined
  let tokens: ReadonlyArray<Token> = []

  const refuse = (reason: string) => new Unauthorized({ host, reason })

  const credentialFor = (scopes: Scopes) => {
    return credentials(host, repositoriesOf(scopes)[0])
  }

  /** A token that is good for it; one that was refused is good for nothing. */
  const kept = (scopes: Scopes, now: number, used?: Header): Token | undefined =>
    tokens.find((token) => token.header !== used && token.until > now && covers(token.scopes, scopes))

  const realmOf = Effect.fnUntraced(function*(
    realm: string,
    isSecret: boolean
  ): Effect.fn.Return<URL, Unauthorized> {
    const url = URL.canParse(realm, base.href) ? new URL(realm, base) : undefined
    if (url === undefined || !/^https?:$/u.test(url.protocol) || url.username !== "" || url.password !== "") {
      return yield* refuse("it sends to a place for tokens that is no address on the web")
    }
    if (url.protocol !== "https:" && (base.protocol === "https:" || url.origin !== base.origin)) {
      return yield* refuse(`it sends to ${url.host} for a token, over plain HTTP`)
    }
    if (isSecret && !isRelated(base, url)) {
      return yield* refuse(`it sends to ${url.host} for a token, which is another's host: it is not told your password`)
    }
    return url
  })

  const fetchToken = Effect.fnUntraced(function*(
    { realm, scope, service }: Extract<Challenge, { readonly _tag: "Bearer" }>,
    wanted: Scopes,
    credential: Credential | undefined
  ): Effect.fn.Return<Token, RemoteError | Unauthorized> {
    const url = yield* realmOf(realm, credential !== undefined)
    const scopes = scopesOf([...formatScopes(wanted), ...(scope?.split(" ") ?? [])])
    const fields = new URLSearchParams(service === undefined ? [] : [["service", service]])
    const operation = "asking for a token"
    const common = { url, operation, repeatable: true, headers: { accept: "application/json" } }
    const answer = Effect.gen(function*() {
      if (credential?._tag === "IdentityToken") {
        fields.set("grant_type", "refresh_token")
        fields.set("client_id", "ocilayout")
        fields.set("refresh_token", Redacted.value(credential.token))
        fields.set("scope", formatScopes(scopes).join(" "))
        return yield* wire.send({
          ...common,
          method: "POST",
          headers: { ...common.headers, "content-type": "application/x-www-form-urlencoded" },
          body: new TextEncoder().encode(fields.toString())
        })
      }
      for (const text of formatScopes(scopes)) fields.append("scope", text)
      for (const [key, value] of fields) url.searchParams.append(key, value)
      return yield* wire.send({
        ...common,
        method: "GET",
        ...(credential?._tag === "Password" ? { authorization: Redacted.value(basicOf(credential)) } : {})
      })
    })
    return yield* Effect.scoped(Effect.gen(function*() {
      const response = yield* answer
      if (response.status !== 200) {
        const { text } = yield* toldBy(response)
        const who = credential === undefined ? "it gives no token without a login" : "it does not accept the login"
        return yield* refuse(`${who} (HTTP ${response.status})${text === "" ? "" : `: ${text}`}`)
      }
      const bytes = yield* collectBytes(
        wire.body(operation, response),
        (size) =>
          size > limits.tokenBytes ? Effect.fail(wrongAnswer(host, operation, "the token is too large")) : Effect.void
      )
      const read = readToken(bytes)
      if (read === undefined) return yield* wrongAnswer(host, operation, "the answer has no token that can be sent")
      const now = yield* Clock.currentTimeMillis
      return {
        header: Redacted.make(`Bearer ${read.token}`),
        scopes,
        until: now + Math.max(read.seconds * 1000 - spareMillis, 1000)
      }
    }))
  })

  const forBearer = Effect.fnUntraced(function*(
    challenge: Extract<Challenge, { readonly _tag: "Bearer" }>,
    scopes: Scopes,
    used: Header | undefined
  ): Effect.fn.Return<Header, AuthError> {
    const now = yield* Clock.currentTimeMillis
    const known = kept(scopes, now, used)
    if (known !== undefined) return known.header
    const credential = yield* credentialFor(scopes)
    if (credential?._tag === "RegistryToken") return Redacted.make(`Bearer ${Redacted.value(credential.token)}`)
    const token = yield* fetchToken(challenge, scopes, credential)
    tokens = [token, ...tokens.filter(({ header, until }) => until > now && header !== used)].slice(0, tokensKept)
    return token.header
  })

  const headerFor = Effect.fnUntraced(function*(
    challenge: Challenge,
    scopes: Scopes,
    used: Header | undefined
  ): Effect.fn.Return<Header, AuthError> {
    if (challenge._tag === "Bearer") return yield* forBearer(challenge, scopes, used)
    const credential = yield* credentialFor(scopes)
    if (credential === undefined) return yield* refuse("it wants a name and a password, and none is kept for it")
    if (credential._tag !== "Password") {
      return yield* refuse("it wants a name and a password, and a token is kept for it")
    }
    return basicOf(credential)
  })

  return {
    header: (scopes) =>
      Effect.suspend(() =>
        asked === undefined ? Effect.undefined : lock.withPermits(1)(headerFor(asked, scopes, undefined))
      ),
    answer: (header, scopes, used) =>
      lock.withPermits(1)(Effect.gen(function*() {
        const challenges = parseChallenges(header)
        const challenge = challenges.find(({ _tag }) => _tag === "Bearer") ?? challenges[0]
        if (challenge === undefined) return yield* refuse("it wants a login of a kind that is not known")
        asked = challenge._tag === "Bearer" ? { ...challenge, scope: undefined } : challenge
        const next = yield* headerFor(challenge, scopes, used)
        if (used !== undefined && Redacted.value(used) === Redacted.value(next)) {
          return yield* refuse("it does not accept the login")
        }
        return next
      }))
  }
}

const basicOf = ({ password, username }: Extract<Credential, { readonly _tag: "Password" }>): Header =>
  Redacted.make(`Basic ${Buffer.from(`${username}:${Redacted.value(password)}`).toString("base64")}`)

const readToken = (bytes: Uint8Array): { readonly token: string; readonly seconds: number } | undefined => {
  const json = Result.getOrUndefined(readJson(bytes))
  if (!isJsonObject(json)) return undefined
  const token = [fieldOf(json, "token"), fieldOf(json, "access_token")].find((one) =>
    typeof one === "string" && one !== ""
  )
  const seconds = fieldOf(json, "expires_in")
  // What has a line break in it would be a header of its own.
  if (typeof token !== "string" || !/^[\u0021-\u007e]+$/u.test(token)) return undefined
  return { token, seconds: typeof seconds === "number" && seconds > 0 ? Math.min(seconds, 86_400) : usualSeconds }
}
