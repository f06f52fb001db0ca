/** Who may come in: the right host, the right origin, the right token. Everything else is refused, with little said. */
import { createHash, timingSafeEqual } from "node:crypto"
import type { IncomingHttpHeaders } from "node:http"

export interface Access {
  /** What every request has to show. */
  readonly token: string
  /** Names of this server besides those of the loopback interface, without port. */
  readonly hosts: ReadonlyArray<string>
  /** Origins of web pages that may use it, like `https://app.example`; none by default. */
  readonly origins: ReadonlyArray<string>
}

export interface Refusal {
  readonly status: number
  readonly message: string
  readonly headers?: Readonly<Record<string, string>>
}

const loopback = ["localhost", "127.0.0.1", "[::1]"]

/**
 * Decides about a request by its headers alone. A page that has pointed its own name at this machine shows that name as
 * host; a page of another site shows its origin; and neither of them knows the token.
 */
export const makeGate = ({ hosts, origins, token }: Access) => {
  const expected = digestOf(token)
  const known = new Set([...loopback, ...hosts.map((host) => host.toLowerCase())])
  return (method: string, headers: IncomingHttpHeaders, isEndpoint = true): Refusal | undefined => {
    const host = headers.host ?? ""
    if (!known.has(host.toLowerCase().replace(/:\d*$/u, ""))) return { status: 403, message: "Host not allowed" }
    const { origin } = headers
    if (origin !== undefined && origin !== `http://${host}` && !origins.includes(origin)) {
      return { status: 403, message: "Origin not allowed" }
    }
    // A page asks beforehand, without the token; and who looks for an authorization server is told that there is none.
    if (method === "OPTIONS" || !isEndpoint) return undefined
    const given = /^Bearer +(\S+)$/iu.exec(headers.authorization ?? "")?.[1]
    // Digests have one length, and a comparison takes the same time wherever they differ.
    return given !== undefined && timingSafeEqual(digestOf(given), expected) ? undefined : {
      status: 401,
      message: "The token that this server was started with is required: Authorization: Bearer <token>",
      headers: { "www-authenticate": headers.authorization === undefined ? challenge : `${challenge}, ${wrong}` }
    }
  }
}

/** Without `resource_metadata`, which would send clients looking for an authorization server: there is none. */
const challenge = `Bearer realm="ocilayout"`
const wrong = `error="invalid_token", error_description="not the token that the server was started with"`

const digestOf = (text: string): Buffer => createHash("sha256").update(text).digest()

/** What lets a page of an allowed origin read the answers. */
export const crossOrigin = (origins: ReadonlyArray<string>, { origin }: IncomingHttpHeaders): Record<string, string> =>
  origin !== undefined && origins.includes(origin)
    ? {
      "access-control-allow-origin": origin,
      "access-control-allow-methods": "GET, POST, DELETE",
      "access-control-allow-headers":
        "authorization, content-type, last-event-id, mcp-method, mcp-name, mcp-protocol-version, mcp-session-id",
      "access-control-expose-headers": "mcp-session-id",
      vary: "origin"
    }
    : { vary: "origin" }
