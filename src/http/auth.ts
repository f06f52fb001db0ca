/** Decides by a request's headers who is asking, and whether that is enough for what is asked. */
import { Clock, Effect, Option } from "effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { quoted } from "../oci/quoted.ts"
import { makeAttempts } from "./attempts.ts"
import type { Credentials } from "./credentials.ts"
import { apiVersion } from "./dispatch.ts"
import { isMeant } from "./hosts.ts"
import type { HttpLimits } from "./limits.ts"
import type { Route } from "./names.ts"
import { makePasswords } from "./passwords.ts"
import { type Permission, permissionOf, unlimited } from "./permission.ts"
import { Refused } from "./Refused.ts"
import type { Rules, Who } from "./rules.ts"
import { opensToAll } from "./rules.ts"
import { actionOf, parseScopes, type Scope, scopeFor } from "./scopes.ts"
import { makeTickets, ticketSeconds } from "./tickets.ts"

export interface AccessOptions {
  /** None where every client may do all that the registry offers. */
  readonly credentials: Credentials | undefined
  /**
   * Without credentials, the names that clients may call the server by besides addresses and `localhost`; by any name
   * where this is absent.
   */
  readonly hosts?: ReadonlyArray<string> | undefined
  /** Whether those who show nothing may read; where there are rules, these say it. */
  readonly anonymousPull: boolean
  /** Who may do what where; by default, a user who has logged in may do everything. */
  readonly rules?: Rules | undefined
  /** What servers that are one to their clients sign tickets with; one of its own by default. */
  readonly ticketSecret?: Buffer | undefined
}

export interface Access {
  /** Who is asking and what they may, or why that is not enough. */
  readonly permit: (request: HttpServerRequest, route: Route) => Effect.Effect<Permitted, Refused>
  /** What a client with a password gets to show instead of it (the Docker registry's token authentication). */
  readonly token: (
    request: HttpServerRequest,
    query: URLSearchParams
  ) => Effect.Effect<HttpServerResponse.HttpServerResponse, Refused>
}

interface Permitted {
  readonly user: string
  readonly may: Permission
}

/** A client without a credential is `Anonymous`; one with a wrong credential is refused. */
interface Shown {
  /** Absent where it is wrong. */
  readonly who: Who | undefined
  /** What a ticket is limited to; all that the user may where it is absent. */
  readonly scopes?: ReadonlyArray<Scope> | undefined
  readonly isTicket?: boolean
}

const anonymous: Shown = { who: { _tag: "Anonymous" } }
const wrong: Shown = { who: undefined }
const token: Who = { _tag: "Token" }

const nameOf = (who: Who): string => {
  switch (who._tag) {
    case "Anonymous":
      return "anonymous"
    case "Token":
      return "token"
    case "User":
      return who.name
  }
}

export const makeAccess = (options: AccessOptions, limits: HttpLimits): Access => {
  const { credentials, hosts, rules, ticketSecret } = options
  if (credentials === undefined) {
    return {
      permit: ({ headers }) =>
        hosts === undefined || isMeant(headers["host"], hosts)
          ? Effect.succeed({ user: "anonymous", may: unlimited })
          : Effect.fail(strangeHost(headers["host"])),
      token: () => Effect.fail(noTokens)
    }
  }
  const anonymousPull = rules === undefined ? options.anonymousPull : opensToAll(rules)
  const passwords = makePasswords(credentials)
  const tickets = makeTickets(credentials, ticketSecret)
  const attempts = makeAttempts(limits.wrongLogins)
  const permission = (who: Who, scopes?: ReadonlyArray<Scope>) => permissionOf({ rules, anonymousPull, who, scopes })

  const shownBy = (header: string, now: number): Effect.Effect<Shown> => {
    const [, scheme = "", value = ""] = /^(\S+) +(\S+) *$/u.exec(header) ?? []
    switch (scheme.toLowerCase()) {
      case "basic": {
        const [, name = "", password = ""] = /^([^:]*):(.*)$/su.exec(Buffer.from(value, "base64").toString()) ?? []
        // Clients that have no password show an empty one.
        if (name === "" && password === "") return Effect.succeed(anonymous)
        // A token may be the password of any name, which then says nothing of who shows it.
        if (passwords.isToken(password)) return Effect.succeed({ who: token })
        return Effect.map(
          passwords.isPassword(name, password, now),
          (right) => right ? { who: { _tag: "User", name } } : wrong
        )
      }
      case "bearer": {
        if (passwords.isToken(value)) return Effect.succeed({ who: token })
        const ticket = tickets.read(value, now)
        if (ticket === undefined) return Effect.succeed(wrong)
        return Effect.succeed({ who: ticket.who, scopes: ticket.scopes, isTicket: true })
      }
      default:
        return Effect.succeed(wrong)
    }
  }

  const shown = Effect.fnUntraced(function*(request: HttpServerRequest): Effect.fn.Return<Shown, Refused> {
    const header = request.headers["authorization"]
    if (header === undefined) return anonymous
    const now = yield* Clock.currentTimeMillis
    const address = Option.getOrElse(request.remoteAddress, () => "")
    const seconds = attempts.wait(address, now)
    if (seconds > 0) return yield* tooMany(seconds)
    const found = yield* shownBy(header, now)
    if (found.who === undefined) attempts.wrong(address, now)
    else if (found.who._tag !== "Anonymous") attempts.right(address)
    return found
  })

  return {
    permit: Effect.fnUntraced(function*(request, route) {
      // They tell nothing of what is stored, and a program that monitors a server has no password.
      if (route._tag === "Health" || route._tag === "Ready") return { user: "anonymous", may: unlimited }
      const { isTicket = false, scopes, who } = yield* shown(request)
      const challenge = (insufficient: boolean) =>
        unauthorized(
          request,
          (anonymousPull || insufficient) && !isPage(route) ? bearer(request, route, insufficient) : basic
        )
      if (who === undefined) return yield* challenge(false)
      const permitted = { user: nameOf(who), may: permission(who, scopes) }
      const action = actionOf(request.method, route)
      if (permitted.may.reach(route, action)) {
        // A client asks at the base how to log in, and a client that has a ticket may go on.
        if (who._tag !== "Anonymous" || route._tag !== "Base" || isTicket) return permitted
      }
      if (who._tag === "Anonymous") return yield* challenge(false)
      return yield* permission(who).reach(route, action) ? challenge(true) : denied
    }),
    token: Effect.fnUntraced(function*(request, query) {
      const { who } = yield* shown(request)
      if (who === undefined || (who._tag === "Anonymous" && !anonymousPull)) return yield* unauthorized(request, basic)
      const now = yield* Clock.currentTimeMillis
      const may = permission(who)
      const scopes = query.has("scope") ? parseScopes(query).flatMap(may.grant) : undefined
      const token = tickets.issue({ who, scopes }, now)
      const issued_at = new Date(now).toISOString()
      return HttpServerResponse.text(
        JSON.stringify({ token, access_token: token, expires_in: ticketSeconds, issued_at }),
        { contentType: "application/json", headers: { "cache-control": "no-store" } }
      )
    })
  }
}

/** A browser asks people for a password, and knows no tickets. */
const isPage = ({ _tag }: Route): boolean => _tag === "Ui" || _tag === "UiLogin"

const basic = "Basic realm=\"ocilayout\""

/** Where a ticket is to be had, as the client calls this server, and what it has to be good for. */
const bearer = (request: HttpServerRequest, route: Route, insufficient: boolean): string => {
  const { host = "" } = request.headers
  const forwarded = request.headers["x-forwarded-proto"]
  const scheme = forwarded === "https" || request.originalUrl.startsWith("https:") ? "https" : "http"
  const realm = `${scheme}://${host.replace(/[^\w.:[\]-]/gu, "")}/token`
  const from = new URLSearchParams(request.url.replace(/^[^?]*\??/u, "")).get("from") ?? undefined
  const scope = scopeFor(request.method, route, from)
  return [
    `Bearer realm="${realm}",service="ocilayout"`,
    ...(scope === undefined ? [] : [`scope="${scope}"`]),
    ...(insufficient ? ["error=\"insufficient_scope\""] : [])
  ].join(",")
}

const unauthorized = ({ headers }: HttpServerRequest, challenge: string): Refused =>
  new Refused({
    status: 401,
    code: "UNAUTHORIZED",
    message: headers["authorization"] === undefined ? "log in first" : "the user, password or token is not right",
    headers: { ...apiVersion, "www-authenticate": challenge }
  })

const strangeHost = (host = ""): Refused =>
  new Refused({
    status: 403,
    code: "DENIED",
    message:
      `this registry asks for no login, so it answers to no other name than localhost: ${quoted(host)} has to be ` +
      "named with --allowed-host"
  })

const denied = new Refused({
  status: 403,
  code: "DENIED",
  message: "the rules of this registry do not allow you that"
})

const tooMany = (seconds: number): Refused =>
  new Refused({
    status: 429,
    code: "TOOMANYREQUESTS",
    message: "too many wrong passwords or tokens came from this address; wait before the next one",
    headers: { "retry-after": String(seconds) }
  })

const noTokens = new Refused({ status: 404, code: "NOT_FOUND", message: "this registry asks for no login" })
