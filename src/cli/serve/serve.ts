/** Serves a layout, or a tree of them, as a registry that container tools push to and pull from. */
import { Console, Effect, Result, type Scope } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { basename, resolve } from "node:path"
import process from "node:process"
import { notify, serveRegistry, throughUpstream, type UiOptions } from "../../http/index.ts"
import { makeInside } from "../../image/inside/openImage.ts"
import { bookmarksOf, layerCodec, makeDisk, makeDiskTree } from "../../node/index.ts"
import { errnoOf } from "../../oci/errno.ts"
import { contextOf, type Layout, type LayoutRegistry } from "../../ops/api/Layout.ts"
import type { Registry } from "../../ops/api/Registry.ts"
import { readOnly as forReading } from "../../ops/readOnly.ts"
import { parsePoint } from "../../ops/refs/parsePoint.ts"
import { isBucket } from "../../places/Place.ts"
import { bookmarksInBucket, openBucket } from "../buckets.ts"
import { isVacant } from "../directories.ts"
import { type Failure, Mistake, orMistake } from "../Failure.ts"
import { keepTended } from "../keepTended.ts"
import { accessLog } from "./accessLog.ts"
import { collectAtTimes } from "./collecting.ts"
import { checkConfig } from "./configFile.ts"
import { gatherIn } from "./gathering.ts"
import { openBrowser } from "./openBrowser.ts"
import { serveNotice } from "./serveNotice.ts"
import {
  credentialsOf,
  parseServe,
  type ReadText,
  rulesOf,
  type ServeFlags,
  type ServeRequest,
  tlsOf
} from "./serveOptions.ts"
import { tracing } from "./tracing.ts"
import { uiAssets } from "./uiAssets.ts"
import { maxAgeMillisOf, openUpstreams } from "./upstreams.ts"
import { hasDuty, isWorker, runWorkers, sharedSecret, tellListening } from "./workers.ts"

/** Processes where nothing is said: one for each core, up to so many. */
const workersByDefault = 4

/** Until the process is told to stop; on SIGHUP, certificate, users, tokens and rules are read again. */
export const serve = Effect.fn("serve")(
  function*(flags: ServeFlags) {
    if (flags.config !== undefined) yield* orMistake(configOf(flags.config))
    const request = yield* orMistake(parseServe(flags, readText))
    const { directory } = flags
    const place = isBucket(directory) ? directory : resolve(directory)
    const tell = (url: string) =>
      Effect.andThen(
        Console.error(serveNotice(url, place, request)),
        flags.open ? openBrowser(`${url}/ui/`) : Effect.void
      )
    // Several would each fetch the same.
    const most = request.upstreams.length > 0 ? 1 : workersByDefault
    const workers = flags.workers ?? Math.min(most, availableParallelism())
    if (workers > 1 && !isWorker) return yield* runWorkers(workers, tell)
    return yield* Effect.provide(work(flags, request, tell), tracing)
  },
  Effect.scoped,
  // A server that is told to stop has done its work.
  Effect.onInterrupt(() =>
    Effect.sync(() => {
      process.exitCode = 0
    })
  )
)

/** The server of this process, alone or one of several. */
const work = Effect.fnUntraced(function*(
  flags: ServeFlags,
  request: ServeRequest,
  tell: (url: string) => Effect.Effect<void>
): Effect.fn.Return<never, Failure, Scope.Scope> {
  const registry = yield* open(flags)
  const own: { metrics: Effect.Effect<string> } = { metrics: Effect.succeed("") }
  const serving = yield* serveRegistry({
    ...request,
    sparse: flags.sparse,
    through: request.upstreams.length === 0 ? undefined : yield* throughUpstream({
      registry,
      upstreams: yield* openUpstreams(request.upstreams, flags.upstream),
      maxAgeMillis: maxAgeMillisOf(flags.upstream),
      blobBytes: request.limits.blobBytes
    }),
    ui: flags.ui ? yield* orMistake(pageOf(flags)) : undefined,
    metrics: flags.metrics,
    otherMetrics: isWorker ? gatherIn(() => Effect.runPromise(own.metrics)) : undefined,
    log: accessLog(flags.log, (line) => process.stdout.write(line)),
    ticketSecret: sharedSecret()
  }).pipe(
    Effect.provide(contextOf(registry)),
    Effect.mapError(({ message }) => new Mistake(message))
  )
  own.metrics = serving.metrics
  if (!flags.perRepository) yield* keepTended(registry)
  if (hasDuty()) {
    yield* duties(flags, request, serving.url).pipe(
      serving.measure,
      Effect.provide(contextOf(registry))
    )
  }
  yield* onHangup(
    Effect.gen(function*() {
      const tls = yield* orMistake(tlsOf(flags, readText))
      const credentials = yield* orMistake(credentialsOf(flags, readText))
      yield* serving.renew({ tls, credentials, rules: yield* orMistake(rulesOf(flags, readText)) })
      yield* Console.error("certificate, users, tokens and rules were read again")
    }).pipe(Effect.catch(({ message }) => Console.error(`nothing was changed: ${message}`)))
  )
  yield* isWorker ? tellListening(serving.url) : tell(serving.url)
  return yield* Effect.never
})

/** What a single process does for all of them, as long as it lives. */
const duties = Effect.fnUntraced(function*(
  flags: ServeFlags,
  { collecting, receiver }: ServeRequest,
  url: string
): Effect.fn.Return<void, Failure, Layout | Registry | Scope.Scope> {
  const { directory, durability, notifySource, perRepository, symlinks } = flags
  if (receiver !== undefined) {
    const bookmarks = isBucket(directory)
      ? yield* bookmarksInBucket(directory, flags)
      : bookmarksOf({ directory: resolve(directory), durability, symlinks })
    const source = notifySource ?? `${url}/v2/`
    yield* Effect.forkScoped(notify({ url: receiver, source, bookmarks, perRepository }))
  }
  if (collecting !== undefined) yield* Effect.forkScoped(collectAtTimes(collecting, perRepository))
})

const pageOf = ({ directory, perRepository }: ServeFlags): Result.Result<UiOptions, string> =>
  Result.map(uiAssets(), (assets) => ({
    assets,
    inside: makeInside(layerCodec),
    title: basename(resolve(directory)) || "/",
    perRepository
  }))

const configOf = (path: string): Result.Result<void, string> =>
  Result.mapError(
    Result.flatMap(readText(path), checkConfig),
    (reason) => `--config ${path} cannot be used: ${reason}`
  )

const readText: ReadText = (path) =>
  Result.try({
    try: () => readFileSync(path, "utf8"),
    catch: (error) => errnoOf(error) ?? "it cannot be read"
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
  flags: ServeFlags
): Effect.fn.Return<LayoutRegistry, Failure, Scope.Scope> {
  const { at, directory, readOnly } = flags
  const then = at === undefined ? undefined : yield* Effect.fromResult(parsePoint(at))
  const mustExist = readOnly || at !== undefined
  const registry = isBucket(directory)
    ? (yield* openBucket(directory, flags, mustExist)).registry
    : yield* openOnDisk(flags, mustExist)
  const served = then === undefined ? registry : registry.at(then)
  // What is wrong with the layout, or a point that is not there, is better told now than to the first client.
  yield* served.check
  return readOnly || at !== undefined ? forReading(served) : served
})

const openOnDisk = (
  { defaultRepository, directory, durability, hold, perRepository, symlinks }: ServeFlags,
  readsOnly: boolean
) => {
  const path = resolve(directory)
  const mustExist = readsOnly || (existsSync(path) && !isVacant(path))
  const options = { directory: path, durability, hold, symlinks, mustExist }
  return perRepository ? makeDiskTree(options) : makeDisk({ ...options, defaultRepository })
}
