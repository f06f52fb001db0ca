/** The registry's API as one effect: it answers the request that the server hands it. */
import { Cause, Deferred, Effect, Option, Result, type Scope } from "effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { Actor } from "../ops/api/Actor.ts"
import { Layout } from "../ops/api/Layout.ts"
import { Registry } from "../ops/api/Registry.ts"
import { type AccessOptions, makeAccess } from "./auth.ts"
import { dispatch, makeTable, type Offers } from "./dispatch.ts"
import { failed, type Failure, refused, unexpected } from "./errors.ts"
import { defaultLimits, type HttpLimits } from "./limits.ts"
import { mergeMetrics } from "./mergeMetrics.ts"
import { makeMetrics } from "./metrics.ts"
import { nothingHere, type Route, routeOf } from "./names.ts"
import { observe, type Observed, type Seen } from "./observe.ts"
import { Refused } from "./Refused.ts"
import type { Answer, Surface } from "./Surface.ts"
import { answerPage } from "./ui/api.ts"
import { notFromElsewhere } from "./ui/guard.ts"
import { toPage } from "./ui/page.ts"
import type { UiOptions } from "./ui/Ui.ts"
import type { Through } from "./upstream/throughUpstream.ts"
import { warningHeader, Warnings } from "./upstream/Warnings.ts"

export interface AppOptions extends AccessOptions {
  readonly offers: Offers
  /** Whether manifests may be pushed whose parts are not there. */
  readonly sparse: boolean
  /** Whether what was answered is counted, and told at /metrics to those who may read. */
  readonly metrics: boolean
  /** What is told at /metrics of other processes that serve the same; nothing by default. */
  readonly otherMetrics?: Effect.Effect<ReadonlyArray<string>> | undefined
  readonly limits?: Partial<HttpLimits>
  /** The page over the layout at `/ui/`; by default there is none. */
  readonly ui?: UiOptions | undefined
  /** What is fetched from registries on the network where it is not here; by default nothing is. */
  readonly through?: Through | undefined
  /** Is told of each request once its answer has gone out; by default nothing is told. */
  readonly log?: ((observed: Observed) => void) | undefined
}

export interface App {
  readonly handle: Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest | Scope.Scope>
  /** From now on these are who may come in, and what they may; where they are others, tickets of before are good for nothing. */
  readonly renew: (credentials: AppOptions["credentials"], rules: AppOptions["rules"]) => Effect.Effect<void>
  /** What is measured inside of it is told at /metrics. */
  readonly measure: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** What this server alone tells at /metrics; nothing where nothing is counted. */
  readonly metrics: Effect.Effect<string>
  /** From now on requests are told that the server is stopping; those under way go on. */
  readonly stop: Effect.Effect<unknown>
}

/** The distribution-spec over a registry of any store. */
export const makeApp = Effect.fnUntraced(function*(options: AppOptions): Effect.fn.Return<App, never, Registry> {
  const registry = yield* Registry
  const layout = Option.getOrUndefined(yield* Effect.serviceOption(Layout))
  const limits = { ...defaultLimits, ...options.limits }
  const stopped = Deferred.makeUnsafe<void>()
  const surface: Surface = {
    registry: options.through?.registry ?? registry,
    layout,
    limits,
    sparse: options.sparse,
    stopped: Deferred.await(stopped),
    listening: { count: 0 }
  }
  const table = makeTable(options.offers)
  let access = makeAccess(options, limits)
  const metrics = options.metrics ? makeMetrics() : undefined
  let answering = 0
  let stopping = false

  const ownMetrics = Effect.suspend(() =>
    metrics === undefined ? Effect.succeed("") : metrics.text({ answering, listening: surface.listening.count })
  )

  const respond = Effect.fnUntraced(function*(
    request: HttpServerRequest,
    seen: Seen
  ): Effect.fn.Return<HttpServerResponse.HttpServerResponse, Failure, Scope.Scope> {
    if (stopping) return yield* ending
    const [path = "", search = ""] = splitAt(request.url)
    const written = yield* Effect.fromResult(routeOf(path))
    seen.route = written._tag
    if (answering > limits.requests && written._tag !== "Health") return yield* busy
    const query = search === "" ? noQuery : new URLSearchParams(search)
    const route = options.through === undefined
      ? written
      : yield* Effect.fromResult(routedHere(options.through, written, query))
    if (route._tag === "Token") return yield* access.token(request, query)
    yield* notFromElsewhere(request)
    const { may, user } = yield* access.permit(request, route)
    seen.user = user
    if (route._tag === "Ui" || route._tag === "UiLogin") {
      if (options.ui === undefined || layout === undefined) return yield* nothingHere
      if (route._tag === "UiLogin" || route.path === undefined) return toPage
      const asked = {
        ui: options.ui,
        surface: { ...surface, registry },
        registry,
        layout,
        offers: options.offers,
        call: { request, query, may },
        user,
        hasLogins: options.credentials !== undefined
      }
      return yield* Effect.provideService(answerPage(asked, route.path), Actor, `http:${user}`)
    }
    if (route._tag === "Metrics") {
      if (metrics === undefined) return yield* nothingHere
      const texts = [yield* ownMetrics, ...(yield* options.otherMetrics ?? Effect.succeed([]))]
      return HttpServerResponse.text(mergeMetrics(texts), { contentType: "text/plain; version=0.0.4" })
    }
    const call = { request, query, may }
    const answer = Effect.provideService(dispatch(table, surface, call, route), Actor, `http:${user}`)
    return options.through === undefined ? yield* answer : yield* withWarnings(answer)
  })

  const isObserved = metrics !== undefined || options.log !== undefined
  const measure: App["measure"] = (effect) => metrics === undefined ? effect : metrics.measure(effect)

  const handle = Effect.gen(function*() {
    const request = yield* HttpServerRequest
    const seen: Seen = { route: "none" }
    if (isObserved) {
      observe(request, seen, (observed) => {
        metrics?.count(observed)
        options.log?.(observed)
      })
    }
    answering++
    return yield* respond(request, seen).pipe(
      Effect.catch((failure) => answerTo(request, failure)),
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.failCause(cause)
          : Effect.as(Effect.logError("a request failed unexpectedly", cause), refused(unexpected))
      ),
      Effect.ensuring(Effect.sync(() => {
        answering--
      }))
    )
  })

  return {
    handle: measure(handle),
    measure,
    metrics: ownMetrics,
    renew: (credentials, rules) =>
      Effect.sync(() => {
        access = makeAccess({ ...options, credentials, rules }, limits)
      }),
    stop: Effect.suspend(() => {
      stopping = true
      return Deferred.succeed(stopped, undefined)
    })
  }
})

/** What the client is answered; of what is wrong with the server, its log says more. */
const answerTo = (
  { method, url }: HttpServerRequest,
  failure: Failure
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const answer = failed(failure)
  return answer.status < 500 || failure._tag === "Refused"
    ? Effect.succeed(answer)
    : Effect.as(Effect.logError(`${method} ${url}: ${failure.message}`), answer)
}

/** Shared by all requests without a query; never written to. */
const noQuery = new URLSearchParams()

/** The same, under the name that its repository has here. */
const routedHere = (through: Through, route: Route, query: URLSearchParams): Result.Result<Route, Refused> =>
  "repository" in route
    ? Result.map(
      through.here(route.repository, query.get("ns") ?? undefined),
      (repository) => ({ ...route, repository })
    )
    : Result.succeed(route)

/** What the client is to be warned of goes with its answer. */
const withWarnings = (answer: Answer): Answer =>
  Effect.suspend(() => {
    const texts: Array<string> = []
    return Effect.provideService(answer, Warnings, (text) => void texts.push(text)).pipe(
      Effect.map((response) =>
        texts.length === 0 ? response : HttpServerResponse.setHeader(response, "warning", warningHeader(texts))
      )
    )
  })

const splitAt = (url: string): ReadonlyArray<string> => {
  const at = url.indexOf("?")
  return at < 0 ? [url] : [url.slice(0, at), url.slice(at + 1)]
}

const busy = new Refused({
  status: 429,
  code: "TOOMANYREQUESTS",
  message: "the server is answering as many requests as it may; come back in a moment",
  headers: { "retry-after": "1" }
})

const ending = new Refused({
  status: 503,
  code: "UNAVAILABLE",
  message: "the server is stopping",
  headers: { connection: "close", "retry-after": "5" }
})
