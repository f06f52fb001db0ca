/** Serves a layout, or a tree of them, as a registry that container tools push to and pull from. */
import { Console, Effect, Result, type Scope } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { resolve } from "node:path"
import process from "node:process"
import { serveRegistry } from "../../http/index.ts"
import { makeDisk, makeDiskTree } from "../../node/index.ts"
import { contextOf, type LayoutRegistry } from "../../ops/api/Layout.ts"
import { readOnly as forReading } from "../../ops/readOnly.ts"
import { parsePoint } from "../../ops/refs/parsePoint.ts"
import { isVacant } from "../directories.ts"
import { type Failure, Mistake, orMistake } from "../Failure.ts"
import { serveNotice } from "./serveNotice.ts"
import { credentialsOf, parseServe, type ReadText, type ServeFlags, tlsOf } from "./serveOptions.ts"
import { isWorker, runWorkers, sharedSecret, tellListening } from "./workers.ts"

/** Until the process is told to stop; on SIGHUP, certificate, users and tokens are read again. */
export const serve = Effect.fn("serve")(
  function*(flags: ServeFlags) {
    const request = yield* orMistake(parseServe(flags, readText))
    const tell = (url: string) => Console.error(serveNotice(url, resolve(flags.directory), request))
    if (flags.workers > 1 && !isWorker) return yield* runWorkers(flags.workers, tell)
    const registry = yield* open(flags)
    const serving = yield* serveRegistry({
      ...request,
      sparse: flags.sparse,
      metrics: flags.metrics,
      ticketSecret: sharedSecret()
    }).pipe(
      Effect.provide(contextOf(registry)),
      Effect.mapError(({ message }) => new Mistake(message))
    )
    if (!flags.perRepository) yield* Effect.forkScoped(Effect.ignore(registry.tend()))
    yield* onHangup(
      Effect.gen(function*() {
        yield* serving.renew(yield* orMistake(tlsOf(flags, readText)), yield* orMistake(credentialsOf(flags, readText)))
        yield* Console.error("certificate, users and tokens were read again")
      }).pipe(Effect.catch(({ message }) => Console.error(`nothing was changed: ${message}`)))
    )
    yield* isWorker ? tellListening(serving.url) : tell(serving.url)
    return yield* Effect.never
  },
  Effect.scoped,
  // A server that is told to stop has done its work.
  Effect.onInterrupt(() =>
    Effect.sync(() => {
      process.exitCode = 0
    })
  )
)

const readText: ReadText = (path) =>
  Result.try({
    try: () => readFileSync(path, "utf8"),
    catch: (error) => error instanceof Error && "code" in error ? String(error.code) : "it cannot be read"
  })

const onHangup = <E>(work: Effect.Effect<void, E>): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Effect.context()
    const listener = (): void => void Effect.runForkWith(context)(work)
    yield* Effect.acquireRelease(
      Effect.sync(() => process.on("SIGHUP", listener)),
      () => Effect.sync(() => process.off("SIGHUP", listener))
    )
  })

/** The first push makes a layout where there is nothing; where other things lie, a mistyped path would become one. */
const open = Effect.fnUntraced(function*(
  { at, defaultRepository, directory, durability, hold, perRepository, readOnly, symlinks }: ServeFlags
): Effect.fn.Return<LayoutRegistry, Failure, Scope.Scope> {
  const then = at === undefined ? undefined : yield* Effect.fromResult(parsePoint(at))
  const path = resolve(directory)
  const mustExist = readOnly || at !== undefined || (existsSync(path) && !isVacant(path))
  const options = { directory: path, durability, hold, symlinks, mustExist }
  const registry = yield* perRepository
    ? makeDiskTree(options)
    : makeDisk({ ...options, defaultRepository })
  const served = then === undefined ? registry : registry.at(then)
  // What is wrong with the layout, or a point that is not there, is better told now than to the first client.
  yield* served.check
  return readOnly || at !== undefined ? forReading(served) : served
})
