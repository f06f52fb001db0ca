/** What spans and metrics tell of the work. Spans are those of the operations, `Registry.pushBlob` and so on. */
import { Duration, Effect, Metric, Option } from "effect"

/** What an operation is about. */
export interface SpanAttributes {
  readonly repository?: string | undefined
  /** A tag. */
  readonly reference?: string | undefined
  readonly digest?: string | undefined
  /** In bytes. */
  readonly size?: number | undefined
  /** Of the commit that it made. */
  readonly revision?: number | undefined
}

/** Adds `oci.repository`, `oci.reference`, `oci.digest`, `oci.size` and `oci.revision` to the span of the operation. */
export const annotate = (attributes: SpanAttributes): Effect.Effect<void> => {
  const named: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) named[`oci.${name}`] = value
  return Effect.annotateCurrentSpan(named)
}

/**
 * For the spans of operations that are asked thousands of times a second: to find out who called one takes longer than to
 * look at the index.
 */
export const withoutCaller = { captureStackTrace: false } as const

const bytesPushed = Metric.counter("ocilayout_pushed_bytes_total", { description: "Bytes of blobs that were pushed" })
const commits = Metric.counter("ocilayout_commits_total", {
  description: "Changes of layouts that were acknowledged"
})
const bytesCollected = Metric.counter("ocilayout_collected_bytes_total", {
  description: "Bytes that collections removed"
})
/** From a lock that is free to one that is waited for until a writer gives up. */
const lockWait = Metric.histogram("ocilayout_lock_wait_seconds", {
  description: "How long writers waited for a layout's lock",
  boundaries: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 30]
})
const cacheHits = Metric.counter("ocilayout_index_cache_hits_total", {
  description: "Looks at an index that had not changed"
})
const cacheMisses = Metric.counter("ocilayout_index_cache_misses_total", {
  description: "Looks at an index that was read"
})

/** Counts what happens; `Metric.snapshot` tells it. */
export const count = {
  bytesPushed: (bytes: number): Effect.Effect<void> => Metric.update(bytesPushed, bytes),
  bytesCollected: (bytes: number): Effect.Effect<void> => Metric.update(bytesCollected, bytes),
  lockWait: (waited: Duration.Duration): Effect.Effect<void> => Metric.update(lockWait, Duration.toSeconds(waited)),
  cacheHit: Metric.update(cacheHits, 1),
  cacheMiss: Metric.update(cacheMisses, 1)
}

/** Counts a commit, and tells its number on the span of the operation that made it. */
export const countCommit = ({ revision }: { readonly revision: Option.Option<number> }): Effect.Effect<void> =>
  Option.match(revision, {
    onNone: () => Effect.void,
    onSome: (number) => Effect.andThen(Metric.update(commits, 1), annotate({ revision: number }))
  })
