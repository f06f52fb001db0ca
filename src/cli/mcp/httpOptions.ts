/** What `ocilayout mcp --http` was asked to do: where to listen, and who may come in. */
import { Result } from "effect"
import { randomBytes } from "node:crypto"
import type { HttpOptions } from "../../mcp/sdk/http/serveHttp.ts"

/** The flags that are about HTTP, as they were given. */
export interface HttpFlags {
  /** `[HOST:]PORT` */
  readonly http: string | undefined
  readonly tokenEnv: string | undefined
  readonly allowedHosts: ReadonlyArray<string>
  readonly allowedOrigins: ReadonlyArray<string>
}

export interface HttpRequest extends HttpOptions {
  /** Whether the token was made here, so that it has to be shown. */
  readonly made: boolean
}

/** Characters that a token has at least, so that it cannot be guessed. */
const tokenCharacters = 16

/** Nothing when HTTP was not asked for. Settings that would let strangers in are refused. */
export const parseHttp = (
  { allowedHosts, allowedOrigins, http, tokenEnv }: HttpFlags,
  environment: Readonly<Record<string, string | undefined>>
): Result.Result<HttpRequest | undefined, string> => {
  if (http === undefined) {
    return tokenEnv === undefined && allowedHosts.length === 0 && allowedOrigins.length === 0
      ? Result.succeed(undefined)
      : Result.fail("--token-env, --allowed-host and --allowed-origin are for --http")
  }
  const address = parseAddress(http)
  if (address === undefined) return Result.fail(`--http takes [HOST:]PORT, like 8080 or [::1]:8080, not ${http}`)
  const wrong = allowedOrigins.find((origin) => !/^https?:\/\/[^/]+$/u.test(origin))
  if (wrong !== undefined) return Result.fail(`--allowed-origin takes an origin like https://app.example, not ${wrong}`)
  if (tokenEnv === undefined && !isLoopback(address.host)) {
    return Result.fail(
      `${address.host} can be reached from elsewhere, so --token-env has to name a variable with a token`
    )
  }
  const token = tokenEnv === undefined ? randomBytes(32).toString("base64url") : environment[tokenEnv] ?? ""
  if (!/^[\x21-\x7e]+$/u.test(token) || token.length < tokenCharacters) {
    return Result.fail(
      `the environment variable ${tokenEnv} has to hold a token of at least ${tokenCharacters} printable characters without spaces`
    )
  }
  return Result.succeed({
    ...address,
    token,
    made: tokenEnv === undefined,
    hosts: allowedHosts,
    origins: allowedOrigins
  })
}

/** `[HOST:]PORT`; without a host, this machine alone. */
export const parseAddress = (text: string): { readonly host: string; readonly port: number } | undefined => {
  const [, bracketed, plain, digits = ""] = /^(?:\[([\da-f:.]+)\]:|([^:[\]]+):)?(\d{1,5})$/iu.exec(text) ?? []
  const port = Number(digits)
  return digits === "" || port > 65_535 ? undefined : { host: bracketed ?? plain ?? "127.0.0.1", port }
}

export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/u.test(host)
