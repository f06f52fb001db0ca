/** Several processes that serve one layout on one port: the rules on the disk keep them apart. */
import { Deferred, Effect, type Scope } from "effect"
import cluster, { type Worker } from "node:cluster"
import { randomBytes } from "node:crypto"
import process from "node:process"
import { exitCodes } from "../exitCodes.ts"
import { Ended } from "../Failure.ts"
import { gatherFor } from "./gathering.ts"

/** How a worker is told what makes its tickets good with the others. */
const secretVariable = "OCILAYOUT_WORKER_SECRET"

/** How a worker is told that it does what only one of them may: telling of commits, and freeing space. */
const dutyVariable = "OCILAYOUT_WORKER_DUTY"

/** Milliseconds before a worker that has ended is replaced. */
const replaceMillis = 1000

/** Milliseconds between two looks at whether all workers have ended. */
const endedMillis = 20

/** Whether this process is one of several. */
export const isWorker = cluster.isWorker

/** Whether this process does what only one may: the one there is, or a single one of several. */
export const hasDuty = (): boolean => !isWorker || process.env[dutyVariable] === "yes"

/** What all workers sign their tickets with; none in a server of one process. */
export const sharedSecret = (): Buffer | undefined => {
  const text = process.env[secretVariable]
  return text === undefined ? undefined : Buffer.from(text, "hex")
}

/** Tells the process that has started this one where it listens. */
export const tellListening = (url: string): Effect.Effect<void> => Effect.sync(() => void process.send?.({ url }))

const urlIn = (message: unknown): string | undefined =>
  typeof message === "object" && message !== null && "url" in message && typeof message.url === "string"
    ? message.url
    : undefined

/**
 * Starts this very command so many times, and replaces a worker that ends, until the scope closes: then all of them are
 * told to stop, and waited for. One that ends before it has listened has said why, and this ends as it did.
 *
 * @param listening is told once where they listen, when all of them do
 */
export const runWorkers = Effect.fnUntraced(function*(
  count: number,
  listening: (url: string) => Effect.Effect<void>
): Effect.fn.Return<never, Ended, Scope.Scope> {
  const context = yield* Effect.context()
  const ended = yield* Deferred.make<never, Ended>()
  const secret = randomBytes(32).toString("hex")
  const workers = new Set<Worker>()
  const gather = gatherFor(workers)
  const starting = new Set<Worker>()
  const hungUp = new Set<Worker>()
  let dutiful: Worker | undefined
  let stopping = false
  let announced = false

  const start = (): void => {
    if (stopping) return
    const worker = cluster.fork({ [secretVariable]: secret, [dutyVariable]: dutiful === undefined ? "yes" : "no" })
    dutiful ??= worker
    let hasListened = false
    workers.add(worker)
    starting.add(worker)
    worker.on("message", (message) => {
      gather(worker, message)
      const url = urlIn(message)
      if (url === undefined) return
      hasListened = true
      starting.delete(worker)
      // What it has read of its files may have been from before.
      if (hungUp.delete(worker)) worker.process.kill("SIGHUP")
      // By then none of them holds the port alone, which would be lost with it.
      if (announced || starting.size > 0) return
      announced = true
      Effect.runForkWith(context)(listening(url))
    })
    worker.once("exit", (code: number | null) => {
      workers.delete(worker)
      starting.delete(worker)
      hungUp.delete(worker)
      if (dutiful === worker) dutiful = undefined
      if (hasListened) setTimeout(start, replaceMillis)
      else Deferred.doneUnsafe(ended, Effect.fail(new Ended(codeOf(code))))
    })
  }

  const signal = (name: NodeJS.Signals): void => {
    for (const { process } of workers) process.kill(name)
  }
  /** One that is starting does not listen to it yet, and would end. */
  const hangup = (): void => {
    for (const worker of workers) {
      if (starting.has(worker)) hungUp.add(worker)
      else worker.process.kill("SIGHUP")
    }
  }

  yield* Effect.acquireRelease(
    Effect.sync(() => {
      process.on("SIGHUP", hangup)
      for (let started = 0; started < count; started++) start()
    }),
    () =>
      Effect.sync(() => {
        stopping = true
        process.off("SIGHUP", hangup)
        signal("SIGTERM")
      }).pipe(
        Effect.andThen(Effect.callback<void>((resume) => {
          const look = setInterval(() => {
            if (workers.size > 0) return
            clearInterval(look)
            resume(Effect.void)
          }, endedMillis)
        }))
      )
  )
  return yield* Deferred.await(ended)
})

/** As the worker has ended, where that is one of our codes. */
const codeOf = (code: number | null) => Object.values(exitCodes).find((known) => known === code) ?? exitCodes.unexpected
