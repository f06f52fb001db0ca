/**
 * Keeps pages of other origins out. A browser says where a request comes from (`Sec-Fetch-Site`, `Origin`), and asks before
 * it sends a header that is not simple to another origin (CORS); this server never agrees.
 */
import { Effect } from "effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { Refused } from "../Refused.ts"

/** The page sends it with every change; no form can, and no page of another origin may. */
const pageHeader = "x-ocilayout-page"

const elsewhere = new Refused({
  status: 403,
  code: "DENIED",
  message: "this was asked for by a page of another origin"
})

const noPage = new Refused({
  status: 403,
  code: "DENIED",
  message: `a change is asked for with the header ${pageHeader}: 1 and a body of application/json`
})

/**
 * Whether a browser says that a page of another origin has made this request. No page can say otherwise of itself; a browser
 * that does not say it names the origin, which is compared with the name that the server was called by.
 */
const isFromElsewhere = ({ headers }: Pick<HttpServerRequest, "headers">): boolean => {
  const site = headers["sec-fetch-site"]
  if (site !== undefined) return site !== "same-origin" && site !== "none"
  const origin = headers["origin"]
  return origin !== undefined && URL.parse(origin)?.host !== headers["host"]
}

const isSafe = (method: string): boolean => method === "GET" || method === "HEAD"

/** What changes nothing is answered to a page of this origin and to programs. */
export const fromHere = (request: HttpServerRequest): Effect.Effect<void, Refused> =>
  isFromElsewhere(request) ? Effect.fail(elsewhere) : Effect.void

/** What changes something has to be what only the page sends; by then it is known not to be from elsewhere. */
export const fromPage = ({ headers }: HttpServerRequest): Effect.Effect<void, Refused> => {
  const isJson = /^application\/json(?:;|$)/iu.test(headers["content-type"] ?? "")
  return headers[pageHeader] === "1" && isJson ? Effect.void : Effect.fail(noPage)
}

/** No page of another origin changes anything with what a browser remembers of a login, on any path. */
export const notFromElsewhere = (request: HttpServerRequest): Effect.Effect<void, Refused> =>
  isSafe(request.method) ? Effect.void : fromHere(request)
