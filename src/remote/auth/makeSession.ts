/** Requests to the API of one registry, with what they need to be let in. */
import { Effect, Redacted, type Scope } from "effect"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import { type RegistryBlocked, type RemoteError, type StorageError, Unauthorized } from "../../oci/OciError.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import type { Sent, Wire } from "../wire/makeWire.ts"
import { statusError, type Told, toldBy, wrongAnswer } from "../wire/problems.ts"
import { repositoriesOf, scopesOf } from "./challenge.ts"
import type { Authorizer } from "./makeAuthorizer.ts"

/** What every request to a registry can fail with. */
export type CallError = RegistryBlocked | RemoteError | StorageError | Unauthorized

interface Call extends Pick<Sent, "method" | "operation" | "body"> {
  /** Below the address of the registry, or an address that it gave, with the registry's own origin. */
  readonly path: string | URL
  readonly headers?: Readonly<Record<string, string>>
  readonly scopes: ReadonlyArray<string>
  /** False for what may have happened when its answer is lost; by default, only POST and PATCH may not be repeated. */
  readonly repeatable?: boolean
}

export interface Session {
  readonly host: string
  readonly base: URL
  readonly wire: Wire
  /** The answer, of whatever status but 401 and 403. */
  readonly call: (call: Call) => Effect.Effect<HttpClientResponse, CallError, Scope.Scope>
  /** The bytes of a small answer; an answer over the limit fails. */
  readonly bytes: (
    operation: string,
    response: HttpClientResponse,
    limit: number
  ) => Effect.Effect<Uint8Array, RemoteError>
  /** What an answer of a status that was not expected says. */
  readonly failed: (operation: string, response: HttpClientResponse, told?: Told) => Effect.Effect<never, RemoteError>
}

/** `blocked` says why repositories, or without any the registry as a whole, may not be asked. */
export const makeSession = (
  base: URL,
  wire: Wire,
  authorizer: Authorizer,
  blocked: (repositories: ReadonlyArray<string>) => RegistryBlocked | undefined
): Session => {
  const { host } = wire
  return {
    host,
    base,
    wire,
    call: Effect.fnUntraced(function*(call) {
      const { body, headers = {}, method, operation, path } = call
      const scopes = scopesOf(call.scopes)
      const refusal = blocked(repositoriesOf(scopes))
      if (refusal !== undefined) return yield* refusal
      const url = new URL(path, base)
      if (url.origin !== base.origin) return yield* wrongAnswer(host, operation, "it sends to another host for its API")
      const sent = {
        method,
        url,
        headers,
        body,
        operation,
        repeatable: call.repeatable ?? (method !== "POST" && method !== "PATCH")
      }
      const used = yield* authorizer.header(scopes)
      const first = yield* wire.send({
        ...sent,
        ...(used === undefined ? {} : { authorization: Redacted.value(used) })
      })
      // A registry that wants a login has not done what it was asked.
      const response = first.status === 401
        ? yield* Effect.flatMap(
          authorizer.answer(first.headers["www-authenticate"], scopes, used),
          (next) => wire.send({ ...sent, authorization: Redacted.value(next) })
        )
        : first
      if (response.status !== 401 && response.status !== 403) return response
      const { text } = yield* toldBy(response)
      const why = response.status === 401 ? "it does not accept the login" : "it does not allow this"
      return yield* new Unauthorized({ host, reason: `${operation}: ${why}${text === "" ? "" : `: ${text}`}` })
    }),
    bytes: (operation, response, limit) =>
      collectBytes(
        wire.body(operation, response),
        (size) =>
          size > limit
            ? Effect.fail(wrongAnswer(host, operation, `the answer has more than ${limit} bytes`))
            : Effect.void
      ),
    failed: (operation, response, told) =>
      Effect.flatMap(
        told === undefined ? toldBy(response) : Effect.succeed(told),
        (said) => Effect.fail(statusError(host, operation, response, said))
      )
  }
}
