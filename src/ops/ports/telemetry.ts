/** What spans and metrics tell of the work. Spans are those of the operations, `Registry.pushBlob` and so on. */
import { type Duration, Effect, Metric, Option } from "effect"

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
export const annotate = (attributes: SpanAttributes): Effect.Effect<void> =>
  Effect.annotateCurrentSpan(
    Object.fromEntries(
      Object.entries(attributes).flatMap(([name, value]) => value === undefined ? [] : [[`oci.${name}`, value]])
    )
  )

const bytesPushed = Metric.counter("ocilayout_bytes_pushed", { description: "Bytes of blobs that were pushed" })
const commits = Metric.counter("ocilayout_commits", { description: "Commits of layouts" })
const bytesCollected = Metric.counter("ocilayout_bytes_collected", { description: "Bytes that collections took out" })
const lockWait = Metric.timer("ocilayout_lock_wait", { description: "How long writers waited for a layout's lock" })
const cacheHits = Metric.counter("ocilayout_index_cache_hits", {
  description: "Looks at an index that had not changed"
})
const cacheMisses = Metric.counter("ocilayout_index_cache_misses", { description: "Looks at an index that was read" })

/** Counts what happens; `Metric.snapshot` tells it. */
export const count = {
  bytesPushed: (bytes: number): Effect.Effect<void> => Metric.update(bytesPushed, bytes),
  bytesCollected: (bytes: number): Effect.Effect<void> => Metric.update(bytesCollected, bytes),
  lockWait: (waited: Duration.Duration): Effect.Effect<void> => Metric.update(lockWait, waited),
  cacheHit: Metric.update(cacheHits, 1),
  cacheMiss: Metric.update(cacheMisses, 1)
}

/** Counts a commit, and tells its number on the span of the operation that made it. */
export const countCommit = ({ revision }: { readonly revision: Option.Option<number> }): Effect.Effect<void> =>
  Option.match(revision, {
    onNone: () => Effect.void,
    onSome: (number) => Effect.andThen(Metric.update(commits, 1), annotate({ revision: number }))
  })
