/** Opens registries on the network as registries.conf says. */
import { Effect, Scope } from "effect"
import { HttpClient } from "effect/http/HttpClient"
import { homedir } from "node:os"
import process from "node:process"
import { RemoteError } from "../../oci/OciError.ts"
import {
  insecureFor,
  keptCredentials,
  makeRemote,
  readRegistriesConf,
  type RemoteOptions,
  type RemoteRegistry,
  throughMirrors
} from "../../remote/index.ts"
import type { Failure } from "../Failure.ts"

/** Where files about logins and registries are looked for. */
export const surroundings = () => ({ env: process.env, home: homedir() })

export interface Opener {
  readonly open: (host: string, repository?: string) => Effect.Effect<RemoteRegistry, Failure>
  readonly source: (host: string, repository?: string) => Effect.Effect<RemoteRegistry, Failure>
}

/** How long a registry may take to answer by TLS at all. */
const probeMillis = 10_000

/**
 * Registries, each opened once. `clientFor` makes a client that checks no certificate of one host, or else all of them;
 * `optionsFor` is asked of each host, that of a mirror too, and may refuse it.
 */
export const makeOpener = Effect.fnUntraced(function*(
  clientFor: (unchecked?: string) => Effect.Effect<HttpClient, Failure, Scope.Scope>,
  optionsFor: (host: string) => Effect.Effect<Partial<RemoteOptions>, RemoteError>
): Effect.fn.Return<Opener, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const conf = yield* Effect.cached(Effect.suspend(() => readRegistriesConf(surroundings())))
  const checked = yield* Effect.cached(Scope.provide(clientFor(), scope))
  const opened = new Map<string, RemoteRegistry>()

  const at = Effect.fnUntraced(function*(host: string, insecure: boolean): Effect.fn.Return<RemoteRegistry, Failure> {
    const key = `${insecure ? "insecure" : "checked"} ${host}`
    const known = opened.get(key)
    if (known !== undefined) return known
    const options = { host, ...yield* optionsFor(host), registries: yield* conf }
    const client = yield* insecure ? Scope.provide(clientFor(host), scope) : checked
    const plainHttp = options.plainHttp ?? (insecure ? yield* isPlain(options, client) : undefined)
    const credentials = keptCredentials(surroundings())
    const registry = yield* makeRemote({ ...options, credentials, plainHttp }).pipe(
      Effect.provideService(HttpClient, client)
    )
    opened.set(key, registry)
    return registry
  })

  const open = (host: string, repository?: string) =>
    Effect.flatMap(conf, (entries) => at(host, insecureFor(entries, host, repository)))

  return {
    open,
    source: Effect.fnUntraced(function*(host, repository) {
      return throughMirrors(
        yield* open(host, repository),
        host,
        yield* conf,
        (endpoint) =>
          Effect.mapError(
            at(endpoint.host, endpoint.insecure),
            (failure) =>
              failure._tag === "RemoteError" || failure._tag === "RegistryBlocked"
                ? failure
                : new RemoteError({
                  host: endpoint.host,
                  operation: "opening a registry",
                  passing: false,
                  reason: failure.message
                })
          )
      )
    })
  }
})

/** Whether an insecure registry does not answer over TLS. Its certificate is not checked. */
const isPlain = (options: RemoteOptions, client: HttpClient): Effect.Effect<boolean> =>
  makeRemote({ ...options, registries: [], plainHttp: false, timing: { retries: 0, answerMillis: probeMillis } }).pipe(
    Effect.flatMap(({ check }) => check),
    Effect.provideService(HttpClient, client),
    Effect.match({
      onFailure: (error) => error._tag === "RemoteError" && error.status === undefined,
      onSuccess: () => false
    })
  )
