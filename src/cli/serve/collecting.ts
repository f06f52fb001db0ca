/** Frees space at set times: what `ocilayout gc --yes` would remove then. */
import { Clock, Cron, Duration, Effect, Metric, Option, Result, Stream } from "effect"
import type { GarbageOptions } from "../../ops/api/Garbage.ts"
import { Layout } from "../../ops/api/Layout.ts"
import { Registry } from "../../ops/api/Registry.ts"
import { ruleOf } from "../retentionRules.ts"

/** The flags, as they were given. */
export interface CollectingFlags {
  /** When, as cron writes it, in UTC; never where there is none. */
  readonly gc: string | undefined
  readonly keep: ReadonlyArray<string>
  readonly untagged: boolean
  readonly graceMinutes: number | undefined
  readonly undoDays: number | undefined
}

export interface Collecting {
  readonly cron: Cron.Cron
  readonly options: GarbageOptions
}

const collections = Metric.counter("ocilayout_gc_runs_total", {
  description: "Collections of garbage, by whether they could be made",
  incremental: true
})
const collected = Metric.withAttributes(collections, { result: "done" })
const failed = Metric.withAttributes(collections, { result: "failed" })
const things = Metric.counter("ocilayout_gc_removed_total", {
  description: "Things that collections of garbage took away",
  incremental: true
})

export const parseCollecting = (
  { gc, graceMinutes, keep, undoDays, untagged }: CollectingFlags
): Result.Result<Collecting | undefined, string> =>
  Result.gen(function*() {
    if (gc === undefined) {
      return keep.length > 0 || untagged || graceMinutes !== undefined || undoDays !== undefined
        ? yield* Result.fail(
          "--keep, --untagged, --grace-minutes and --undo-days say how --gc collects, which is not asked for"
        )
        : undefined
    }
    const cron = yield* Result.mapError(
      Cron.parse(gc, "UTC"),
      ({ message }) => `--gc takes a schedule as cron does, like '0 3 * * *': ${message}`
    )
    const retention = yield* Result.all(keep.map(ruleOf))
    return {
      cron,
      options: {
        retention,
        untagged,
        ...(graceMinutes === undefined ? {} : { grace: Duration.minutes(graceMinutes) }),
        ...(undoDays === undefined ? {} : { undoWindow: Duration.days(undoDays) })
      }
    }
  })

/**
 * Until it is interrupted. A collection that fails is told of, and the next one is made at its time.
 *
 * @param perRepository whether each repository is a layout of its own
 */
export const collectAtTimes = Effect.fn("collectAtTimes")(function*(
  { cron, options }: Collecting,
  perRepository: boolean
): Effect.fn.Return<never, never, Layout | Registry> {
  const registry = yield* Registry
  const layout = yield* Layout
  const collect = Effect.fnUntraced(function*(repository: string | undefined) {
    const { id, items } = yield* layout.planGarbage({ ...options, repository })
    if (Option.isSome(id) && items.some(({ goes }) => goes)) {
      const { removed } = yield* layout.collectGarbage(id.value, { repository })
      yield* Metric.update(things, removed.length)
    }
    yield* Metric.update(collected, 1)
  })
  const collectIn = (repository: string | undefined) =>
    collect(repository).pipe(
      Effect.catch(({ message }) =>
        Effect.andThen(
          Metric.update(failed, 1),
          Effect.logError(`no space was freed${repository === undefined ? "" : ` in ${repository}`}: ${message}`)
        )
      )
    )
  const collectAll = perRepository
    ? Stream.runForEach(registry.repositories(), collectIn).pipe(
      Effect.catch(({ message }) => Effect.logError(`no space was freed: ${message}`))
    )
    : collectIn(undefined)
  // A timer may end a little early, and each time is to be one collection.
  let last = 0
  return yield* Effect.forever(Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    last = Cron.next(cron, new Date(Math.max(now, last))).getTime()
    yield* Effect.sleep(last - now)
    yield* collectAll
  }))
})
