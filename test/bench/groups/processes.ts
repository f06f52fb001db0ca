/** Several processes that commit to one layout, against one that has it for itself. */
import { Deferred, Effect } from "effect"
import process from "node:process"
import { createInterface } from "node:readline"
import type { Group } from "../support/Bench.ts"
import { asFast, below } from "../support/Case.ts"
import { CommandFailed, scriptPath, start } from "../support/command.ts"
import { makeLayout } from "../support/load.ts"
import { type Contestant, inTurns } from "../support/rounds.ts"

const many = 8
const entries = 100

interface Outcome {
  readonly commits: number
  readonly longestMillis: number
}

/** A process that has said that it is ready; what it is told is to begin, what it answers is its outcome. */
const committer = Effect.fnUntraced(function*(directory: string, seconds: number, number: number) {
  const child = yield* start(process.execPath, [
    scriptPath("commit"),
    directory,
    String(seconds),
    String(number)
  ])
  const ready = yield* Deferred.make<void>()
  const outcome = yield* Deferred.make<Outcome, CommandFailed>()
  createInterface(child.stdout).on("line", (line) => {
    if (line === "ready") Deferred.doneUnsafe(ready, Effect.void)
    else Deferred.doneUnsafe(outcome, Effect.succeed(JSON.parse(line) as Outcome))
  })
  child.stderr.pipe(process.stderr)
  const ended = new CommandFailed({ command: "commit.ts", message: "a committing process ended early" })
  child.once("close", () => Deferred.doneUnsafe(outcome, Effect.fail(ended)))
  yield* Effect.raceFirst(Deferred.await(ready), Deferred.await(outcome))
  return Effect.andThen(Effect.sync(() => child.stdin.end("go\n")), Deferred.await(outcome))
})

const competing = (directory: string, count: number, seconds: number): Contestant => () =>
  Effect.scoped(Effect.gen(function*() {
    const numbers = Array.from({ length: count }, (_, number) => number)
    const all = yield* Effect.forEach(numbers, (number) => committer(directory, seconds, number), {
      concurrency: "unbounded"
    })
    const outcomes = yield* Effect.all(all, { concurrency: "unbounded" })
    const commits = outcomes.reduce((sum, outcome) => sum + outcome.commits, 0)
    return {
      [`rate ${count}`]: commits / seconds,
      [`longest ${count}`]: Math.max(...outcomes.map(({ longestMillis }) => longestMillis))
    }
  }))

export const processes: Group = {
  name: "processes",
  about: "several processes that commit to one layout",
  run: Effect.fnUntraced(function*({ scale }) {
    const directory = yield* makeLayout(entries)
    const figures = yield* inTurns(scale.rounds, [
      competing(directory, 1, scale.seconds),
      competing(directory, many, scale.seconds)
    ])
    const name = `${many} processes committing to ${entries} entries, power`
    return [
      {
        name: `${name}; of one process`,
        unit: "commits/s",
        ours: figures[`rate ${many}`],
        limit: figures["rate 1"],
        target: asFast(0.3, "limit")
      },
      { name: `${name}: the longest commit`, unit: "ms", ours: figures[`longest ${many}`], target: below(1000) }
    ]
  })
}
