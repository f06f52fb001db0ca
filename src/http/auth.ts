/** Decides by a request's headers who is asking, and whether that is enough for what is asked. */
import { Clock, Effect, Option } from "effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { makeAttempts } from "./attempts.ts"
import type { Credentials } from "./credentials.ts"
import { apiVersion } from "./dispatch.ts"
import type { HttpLimits } from "./limits.ts"
import type { Route } from "./names.ts"
import { makePasswords } from "./passwords.ts"
import { Refused } from "./Refused.ts"
import { makeTickets, ticketSeconds } from "./tickets.ts"

export interface AccessOptions {
  /** None where every client may do all that the registry offers. */
  readonly credentials: Credentials | undefined
  /** Whether those who show nothing may read. */
  readonly anonymousPull: boolean
  /** What servers that are one to their clients sign tickets with; one of its own by default. */
  readonly ticketSecret?: Buffer | undefined
}

export interface Access {
  /** Who is asking, or why that is not enough. */
  readonly permit: (request: HttpServerRequest, route: Route) => Effect.Effect<string, Refused>
  /** What a client with a password gets to show instead of it (the Docker registry's token authentication). */
  readonly token: (request: HttpServerRequest) => Effect.Effect<HttpServerResponse.HttpServerResponse, Refused>
}

const anonymous = "anonymous"

/** A client without a credential is `Nobody`; one with a wrong credential is refused. */
type Shown = { readonly _tag: "Nobody" } | { readonly _tag: "User"; readonly name: string } | { readonly _tag: "Wrong" }

const nobody: Shown = { _tag: "Nobody" }
const wrong: Shown = { _tag: "Wrong" }
const user = (name: string): Shown => ({ _tag: "User", name })

export const makeAccess = ({ anonymousPull, credentials, ticketSecret }: AccessOptions, limits: HttpLimits): Access => {
  if (credentials === undefined) {
    return { permit: () => Effect.succeed(anonymous), token: () => Effect.fail(noTokens) }
  }
  const passwords = makePasswords(credentials)
  const tickets = makeTickets(credentials, ticketSecret)
  const attempts = makeAttempts(limits.wrongLogins)

  const shownBy = (header: string, now: number): Effect.Effect<Shown> => {
    const [, scheme = "", value = ""] = /^(\S+) +(\S+) *$/u.exec(header) ?? []
    switch (scheme.toLowerCase()) {
      case "basic": {
        const [, name = "", password = ""] = /^([^:]*):(.*)$/su.exec(Buffer.from(value, "base64").toString()) ?? []
        // Clients that have no password show an empty one.
        if (name === "" && password === "") return Effect.succeed(nobody)
        return Effect.map(passwords.isPassword(name, password, now), (right) => right ? user(name) : wrong)
      }
      case "bearer": {
        if (passwords.isToken(value)) return Effect.succeed(user("token"))
        const ticket = tickets.read(value, now)
        if (ticket === undefined) return Effect.succeed(wrong)
        return Effect.succeed(ticket.user === undefined ? nobody : user(ticket.user))
      }
      default:
        return Effect.succeed(wrong)
    }
  }

  const shown = Effect.fnUntraced(function*(request: HttpServerRequest): Effect.fn.Return<Shown, Refused> {
    const header = request.headers["authorization"]
    if (header === undefined) return nobody
    const now = yield* Clock.currentTimeMillis
    const address = Option.getOrElse(request.remoteAddress, () => "")
    const seconds = attempts.wait(address, now)
    if (seconds > 0) return yield* tooMany(seconds)
    const found = yield* shownBy(header, now)
    if (found._tag === "Wrong") attempts.wrong(address, now)
    if (found._tag === "User") attempts.right(address)
    return found
  })

  return {
    permit: Effect.fnUntraced(function*(request, route) {
      // They tell nothing of what is stored, and a program that monitors a server has no password.
      if (route._tag === "Health" || route._tag === "Ready") return anonymous
      const found = yield* shown(request)
      if (found._tag === "User") return found.name
      const may = found._tag === "Nobody" && anonymousPull && isReading(request, route)
      // A client asks at the base how to log in, and a client that has a ticket may go on.
      const hasTicket = request.headers["authorization"]?.toLowerCase().startsWith("bearer") ?? false
      if (may && (route._tag !== "Base" || hasTicket)) return anonymous
      return yield* unauthorized(request, anonymousPull ? bearer(request, route) : "Basic realm=\"ocilayout\"")
    }),
    token: Effect.fnUntraced(function*(request) {
      const found = yield* shown(request)
      if (found._tag === "Wrong" || (found._tag === "Nobody" && !anonymousPull)) {
        return yield* unauthorized(request, "Basic realm=\"ocilayout\"")
      }
      const now = yield* Clock.currentTimeMillis
      const token = tickets.issue(found._tag === "User" ? found.name : undefined, now)
      const issued_at = new Date(now).toISOString()
      return HttpServerResponse.text(
        JSON.stringify({ token, access_token: token, expires_in: ticketSeconds, issued_at }),
        { contentType: "application/json", headers: { "cache-control": "no-store" } }
      )
    })
  }
}

/** An upload's status is of no use to those who may not upload. */
const isReading = ({ method }: HttpServerRequest, { _tag }: Route): boolean =>
  (method === "GET" || method === "HEAD") && _tag !== "Upload"

/** Where a ticket is to be had, as the client calls this server, and what it has to be good for. */
const bearer = (request: HttpServerRequest, route: Route): string => {
  const { host = "" } = request.headers
  const forwarded = request.headers["x-forwarded-proto"]
  const scheme = forwarded === "https" || request.originalUrl.startsWith("https:") ? "https" : "http"
  const realm = `${scheme}://${host.replace(/[^\w.:[\]-]/gu, "")}/token`
  const actions = isReading(request, route) ? "pull" : request.method === "DELETE" ? "delete" : "pull,push"
  const scope = "repository" in route && !/["\\]/u.test(route.repository)
    ? `,scope="repository:${route.repository}:${actions}"`
    : ""
  return `Bearer realm="${realm}",service="ocilayout"${scope}`
}

const unauthorized = ({ headers }: HttpServerRequest, challenge: string): Refused =>
  new Refused({
    status: 401,
    code: "UNAUTHORIZED",
    message: headers["authorization"] === undefined ? "log in first" : "the user, password or token is not right",
    headers: { ...apiVersion, "www-authenticate": challenge }
  })

const tooMany = (seconds: number): Refused =>
  new Refused({
    status: 429,
    code: "TOOMANYREQUESTS",
    message: "too many wrong passwords or tokens came from this address; wait before the next one",
    headers: { "retry-after": String(seconds) }
  })

const noTokens = new Refused({ status: 404, code: "NOT_FOUND", message: "this registry asks for no login" })
