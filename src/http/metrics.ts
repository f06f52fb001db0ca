/** What a server has answered, counted for Prometheus. */
import { Context, Effect, Metric } from "effect"
import { format } from "effect/observability/PrometheusMetrics"
import type { Route } from "./names.ts"

/** One request and how it ended. */
export interface Counted {
  readonly method: string
  /** `none` where the path leads nowhere. */
  readonly route: Route["_tag"] | "none"
  /** `gone` where the client did not wait for the answer. */
  readonly status: number | "gone"
  readonly seconds: number
}

export interface Metrics {
  readonly count: (counted: Counted) => void
  /** @param answering requests that are under way */
  readonly text: (answering: number) => Effect.Effect<string>
}

/** Other methods are counted together: a client could invent any number of them. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

/** From a manifest that is in memory to a layer that takes minutes: seconds. */
const boundaries = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300]

const requests = Metric.counter("ocilayout_http_requests_total", {
  description: "Requests that were answered, or whose clients have gone",
  incremental: true
})
const duration = Metric.histogram("ocilayout_http_request_duration_seconds", {
  description: "From the headers of a request to those of its answer, its body read",
  boundaries
})
const answeringNow = Metric.gauge("ocilayout_http_requests_in_flight", { description: "Requests that are under way" })

/** The metrics of one server, apart from other metrics of the process. */
export const makeMetrics = (): Metrics => {
  const context = Context.make(Metric.MetricRegistry, new Map())
  const counters = new Map<string, typeof requests>()
  const timers = new Map<string, typeof duration>()
  const made = <A>(known: Map<string, A>, key: string, make: () => A): A => {
    const found = known.get(key) ?? make()
    known.set(key, found)
    return found
  }
  return {
    count: ({ method, route, seconds, status }) => {
      const attributes = { method: methods.has(method) ? method : "other", route: route.toLowerCase() }
      made(
        counters,
        `${attributes.method} ${route} ${status}`,
        () => Metric.withAttributes(requests, { ...attributes, status: String(status) })
      ).updateUnsafe(1, context)
      made(timers, `${attributes.method} ${route}`, () => Metric.withAttributes(duration, attributes)).updateUnsafe(
        seconds,
        context
      )
    },
    text: (answering) => {
      answeringNow.updateUnsafe(answering, context)
      return Effect.provideContext(format(), context)
    }
  }
}
