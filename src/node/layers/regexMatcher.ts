/**
 * Lines that fit a regular expression. Some expressions take for ever on some lines, and both may come from others, so that
 * a worker looks, which is ended when it takes too long.
 */
import { Effect, type Scope } from "effect"
import { Worker } from "node:worker_threads"
import { lineCharacters, type LineMatcher, type MatchedLine } from "../../image/ports/LineMatcher.ts"
import { LimitExceeded } from "../../oci/OciError.ts"

/** For up to a MiB of text. */
const deadlineMillis = 10_000

/** What a worker runs. As text, so that it needs no file of its own: the command is one bundle. */
const source = `
const { parentPort, workerData } = require("node:worker_threads")
const wanted = new RegExp(workerData.source, workerData.flags)
parentPort.on("message", ({ most, text }) => {
  const found = []
  let line = 0
  for (let start = 0; start <= text.length && found.length < most;) {
    const end = text.indexOf("\\n", start)
    const stop = end < 0 ? text.length : end
    line++
    const one = text.slice(start, stop)
    if ((stop < text.length || one !== "") && wanted.test(one)) {
      found.push({ line, text: one.slice(0, workerData.characters) })
    }
    start = stop + 1
  }
  parentPort.postMessage(found)
})`

const isFound = (value: unknown): value is ReadonlyArray<MatchedLine> => Array.isArray(value)

/**
 * Finds lines by a regular expression of JavaScript, in a thread of its own until the scope closes.
 *
 * @param wanted its flags `g` and `y` are ignored
 * @param millis how long one search may take, in milliseconds
 */
export const regexMatcher = Effect.fn("regexMatcher")(function*(
  wanted: RegExp,
  millis: number = deadlineMillis
): Effect.fn.Return<LineMatcher, never, Scope.Scope> {
  const flags = wanted.flags.replace(/[gy]/gu, "")
  const worker = yield* Effect.acquireRelease(
    Effect.sync(() =>
      new Worker(source, { eval: true, workerData: { source: wanted.source, flags, characters: lineCharacters } })
    ),
    (worker) => Effect.promise(() => worker.terminate())
  )
  const search: LineMatcher["search"] = (text, most) =>
    Effect.callback<ReadonlyArray<MatchedLine>>((resume) => {
      const answered = (found: unknown): void => {
        worker.off("error", failed)
        resume(isFound(found) ? Effect.succeed(found) : Effect.die(new Error("no answer of the worker")))
      }
      const failed = (cause: unknown): void => {
        worker.off("message", answered)
        resume(Effect.die(cause))
      }
      worker.once("message", answered)
      worker.once("error", failed)
      worker.postMessage({ text, most }, [])
    }).pipe(
      Effect.timeoutOrElse({
        duration: millis,
        orElse: () =>
          Effect.andThen(
            Effect.promise(() => worker.terminate()),
            Effect.fail(new LimitExceeded({ what: "milliseconds of one search", limit: millis }))
          )
      })
    )
  return { search }
})
