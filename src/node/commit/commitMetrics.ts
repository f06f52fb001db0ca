/** Counts commits and the time that writers wait for a layout's lock, for whoever measures the process. */
import { Clock, Effect, Metric, Option } from "effect"
import type { Committed } from "../../ops/ports/ports.ts"
import type { GroupOptions } from "./groupCommit.ts"

const commits = Metric.counter("ocilayout_commits_total", {
  description: "Commits that were acknowledged",
  incremental: true
})

/** From a lock that is free to one that is waited for until a writer gives up: seconds. */
const lockWait = Metric.histogram("ocilayout_lock_wait_seconds", {
  description: "How long groups of writers waited for the lock of a layout",
  boundaries: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 30]
})

export const withMetrics = <M, E>({ acquire, run }: GroupOptions<M, Committed, E>): GroupOptions<M, Committed, E> => ({
  acquire: Effect.gen(function*() {
    const began = yield* Clock.currentTimeMillis
    yield* Effect.ensuring(
      acquire,
      Effect.flatMap(Clock.currentTimeMillis, (now) => Metric.update(lockWait, (now - began) / 1000))
    )
  }),
  run: (members) =>
    Effect.tap(run(members), (answers) => {
      // Several members may be part of one commit.
      const revisions = new Set(answers.flatMap(({ revision }) => Option.toArray(revision)))
      return revisions.size === 0 ? Effect.void : Metric.update(commits, revisions.size)
    })
})
