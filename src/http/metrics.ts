/** What a server has answered, counted for Prometheus. */
import { Context, Effect, Metric } from "effect"
import { format } from "effect/observability/PrometheusMetrics"
import type { Observed } from "./observe.ts"

export interface Metrics {
  readonly count: (observed: Observed) => void
  /** What is measured inside of it is told with the rest. */
  readonly measure: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  readonly text: (now: Now) => Effect.Effect<string>
}

/** What there is at the moment. */
interface Now {
  /** Requests that are under way. */
  readonly answering: number
  /** Clients that listen to events. */
  readonly listening: number
}

/** Other methods are counted together: a client could invent any number of them. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

/** From a manifest that is in memory to a layer that takes minutes: seconds. */
const boundaries = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300]

type Attributes = Readonly<Record<string, string>>

const requests = (attributes: Attributes) =>
  Metric.counter("ocilayout_http_requests_total", {
    description: "Requests that were answered, or whose clients have gone",
    incremental: true,
    attributes
  })
const duration = (attributes: Attributes) =>
  Metric.histogram("ocilayout_http_request_duration_seconds", {
    description: "From the headers of a request to the end of its answer",
    boundaries,
    attributes
  })
const answeringNow = Metric.gauge("ocilayout_http_requests_in_flight", { description: "Requests that are under way" })
const listeningNow = Metric.gauge("ocilayout_event_listeners", { description: "Clients that listen to events" })
const received = Metric.counter("ocilayout_http_received_bytes_total", {
  description: "Bytes that clients have sent, headers included",
  incremental: true
})
const sent = Metric.counter("ocilayout_http_sent_bytes_total", {
  description: "Bytes that clients were sent, headers included",
  incremental: true
})
const uploads = (event: string) =>
  Metric.counter("ocilayout_uploads_total", {
    description: "Uploads of blobs that were started, finished or cancelled",
    incremental: true,
    attributes: { event }
  })

/** What a request did to an upload; one that comes in one piece, or is mounted, is started and finished at once. */
const uploadEventsOf = ({ method, route, status }: Observed): ReadonlyArray<string> => {
  if (route === "Uploads" && method === "POST") {
    return status === 201 ? ["started", "finished"] : status === 202 ? ["started"] : []
  }
  if (route !== "Upload") return []
  return method === "PUT" && status === 201 ? ["finished"] : method === "DELETE" && status === 204 ? ["cancelled"] : []
}

/** What is made of some words is made once for them. */
const once = <A>(make: (...words: ReadonlyArray<string>) => A) => {
  const known = new Map<string, A>()
  return (...words: ReadonlyArray<string>): A => {
    const key = words.join(" ")
    const found = known.get(key) ?? make(...words)
    known.set(key, found)
    return found
  }
}

/** The metrics of one server, apart from other metrics of the process. */
export const makeMetrics = (): Metrics => {
  const context = Context.make(Metric.MetricRegistry, new Map())
  const requestsBy = once((method, route, status) => requests({ method, route, status }))
  const durationBy = once((method, route) => duration({ method, route }))
  const uploadsBy = once(uploads)
  return {
    count: (observed) => {
      const { bytesIn, bytesOut, method, route, seconds, status } = observed
      const name = methods.has(method) ? method : "other"
      const place = route.toLowerCase()
      requestsBy(name, place, String(status)).updateUnsafe(1, context)
      durationBy(name, place).updateUnsafe(seconds, context)
      received.updateUnsafe(bytesIn, context)
      sent.updateUnsafe(bytesOut, context)
      for (const event of uploadEventsOf(observed)) uploadsBy(event).updateUnsafe(1, context)
    },
    measure: (effect) => Effect.provideContext(effect, context),
    text: ({ answering, listening }) => {
      answeringNow.updateUnsafe(answering, context)
      listeningNow.updateUnsafe(listening, context)
      return Effect.provideContext(format(), context)
    }
  }
}
