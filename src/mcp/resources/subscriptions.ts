/** Tells a client which of the resources it subscribed to have changed, by any process or tool. */
import { Effect, FiberMap, Latch, Result, type Scope, Semaphore, Stream } from "effect"
import { LimitExceeded, type RegistryError, Unsupported } from "../../oci/OciError.ts"
import { parseRepository, parseTag } from "../../oci/Reference.ts"
import type { HistoryCommit } from "../../ops/api/History.ts"
import { type Refused, refusing } from "../catalog/Refused.ts"
import type { ToolCatalog } from "../catalog/toolCatalog.ts"
import * as limits from "../tool/limits.ts"
import type { ServedLayout } from "../tool/ServerConfig.ts"
import type { ToolError } from "../tool/SurfaceError.ts"
import { layoutOf } from "./readResource.ts"
import { parseUri, type ResourceName } from "./ResourceUri.ts"

/** What one connection is told about. */
export interface Subscriptions {
  /** From when this is answered on, every change is told; again, it changes nothing. */
  readonly subscribe: (uri: string) => Effect.Effect<void, Refused>
  /** Nothing happens to what is not subscribed to. */
  readonly unsubscribe: (uri: string) => Effect.Effect<void>
}

/** The layout that is watched for some resources, with the repository where each is a layout of its own. */
interface Watched {
  readonly key: string
  readonly layout: ServedLayout
  readonly repository?: string
}

interface Followed {
  readonly watched: Watched
  readonly concerns: (commit: HistoryCommit) => boolean
}

/**
 * No subscriptions yet. A layout is watched while something in it is subscribed to, once for all of that, and until the
 * scope closes.
 *
 * @param notify tells the client of one changed resource, under the URI that it subscribed with; a resource that
 * changes meanwhile is told once more afterwards
 * @param againMillis how long after a watch broke off it begins again
 */
export const makeSubscriptions = Effect.fnUntraced(function*(
  catalogue: ToolCatalog,
  notify: (uri: string) => Effect.Effect<void>,
  againMillis: number = limits.watchAgainMillis
): Effect.fn.Return<Subscriptions, never, Scope.Scope> {
  const { served } = catalogue
  const followed = new Map<string, Followed>()
  const watches = yield* FiberMap.make<string>()
  const turn = yield* Semaphore.make(1)

  /** Tells of changes in one layout until it is interrupted. */
  const tell = Effect.fnUntraced(function*(watched: Watched, begun: Stream.Stream<HistoryCommit, RegistryError>) {
    const changed = new Set<string>()
    const some = yield* Latch.make()
    const mark = (concerns: (one: Followed) => boolean): Effect.Effect<void> =>
      Effect.suspend(() => {
        for (const [uri, one] of followed) if (one.watched.key === watched.key && concerns(one)) changed.add(uri)
        return changed.size === 0 ? Effect.void : some.open
      })
    const sending = Effect.forever(Effect.gen(function*() {
      yield* some.await
      yield* some.close
      const uris = Array.from(changed)
      changed.clear()
      for (const uri of uris) if (followed.has(uri)) yield* notify(uri)
      yield* Effect.sleep(limits.updateMillis)
    }))
    const watching = Effect.gen(function*() {
      let commits = begun
      for (;;) {
        const end = yield* Effect.result(
          Stream.runForEach(commits, (commit) => mark(({ concerns }) => concerns(commit)))
        )
        const why = Result.isFailure(end) ? `${end.failure.code}: ${end.failure.message}` : "it ended"
        yield* Effect.logWarning(`the watch on ${watched.layout.id} broke off, and begins again: ${why}`)
        commits = yield* Effect.eventually(Effect.delay(begin(watched), againMillis))
        // What happened meanwhile is not known.
        yield* mark(() => true)
      }
    })
    return yield* Effect.raceFirst(sending, watching)
  }, Effect.tapDefect((defect) => Effect.logError("a watch failed unexpectedly", defect)))

  const subscribe = Effect.fnUntraced(function*(uri: string): Effect.fn.Return<void, ToolError> {
    if (followed.has(uri)) return
    const name = yield* Effect.fromResult(parseUri(uri))
    const watched = watchFor(yield* layoutOf(served, uri, name), name)
    const concerns = yield* Effect.fromResult(concernsOf(watched, name))
    if (followed.size >= limits.subscriptions) {
      return yield* new LimitExceeded({ what: "subscriptions", limit: limits.subscriptions })
    }
    if (yield* FiberMap.has(watches, watched.key)) {
      followed.set(uri, { watched, concerns })
      return
    }
    const begun = yield* begin(watched)
    followed.set(uri, { watched, concerns })
    yield* FiberMap.run(watches, watched.key, tell(watched, begun))
  })

  const unsubscribe = Effect.fnUntraced(function*(uri: string) {
    const one = followed.get(uri)
    followed.delete(uri)
    const isLast = one !== undefined &&
      !Array.from(followed.values()).some(({ watched }) => watched.key === one.watched.key)
    if (isLast) yield* FiberMap.remove(watches, one.watched.key)
  })

  return {
    subscribe: (uri) =>
      turn.withPermit(refusing(catalogue, served.layouts[0], "subscribing to a resource", subscribe(uri))),
    unsubscribe: (uri) => turn.withPermit(unsubscribe(uri))
  }
})

const begin = ({ layout, repository }: Watched) => layout.registry.startWatch({ repository })

const watchFor = (layout: ServedLayout, name: ResourceName): Watched =>
  layout.perRepository && name._tag !== "Layout"
    ? { key: `${layout.id} ${name.repository}`, layout, repository: name.repository }
    : { key: layout.id, layout }

/** Which commits change a resource; `Unsupported` for one whose changes cannot be seen, or that never changes. */
const concernsOf = (
  { layout }: Watched,
  name: ResourceName
): Result.Result<Followed["concerns"], ToolError> =>
  Result.gen(function*() {
    const refuse = (reason: string) =>
      Result.fail(new Unsupported({ operation: "subscribing to this resource", reason }))
    if (name._tag === "Layout") {
      return layout.perRepository
        ? yield* refuse("its repositories are layouts of their own; subscribe to the tags of one")
        : () => true
    }
    if (name._tag === "Blob" || name._tag === "Referrers") {
      return yield* refuse("only layouts, tags, and manifests by tag can be subscribed to")
    }
    const repository = yield* parseRepository(name.repository)
    if (name._tag === "Tags") {
      return ({ changes }: HistoryCommit) =>
        changes.some((change) => change.repository === repository && change.tag !== undefined)
    }
    if (name.reference.includes(":")) return yield* refuse("what a digest names never changes")
    const tag = yield* parseTag(name.reference)
    return ({ changes }: HistoryCommit) =>
      changes.some((change) => change.repository === repository && change.tag === tag)
  })
