/** The stores of one layout, in memory: nothing outlives the process, everything else is as on disk. */
import { Clock, Effect, Option, Queue, Result, Semaphore, Stream } from "effect"
import type { Commit } from "../layout/Commit.ts"
import { isNote } from "../layout/Event.ts"
import { replay } from "../layout/evolve.ts"
import { empty, type State } from "../layout/State.ts"
import { absent, evolveUpload, type OpenUpload, type UploadId, type UploadState } from "../layout/Upload.ts"
import { RevisionUnknown, UploadBusy } from "../oci/OciError.ts"
import type { Repository } from "../oci/Reference.ts"
import { Actor } from "../ops/api/Actor.ts"
import { concatenated } from "../ops/manifests/collectBytes.ts"
import type { FactsCache } from "../ops/ports/FactsCache.ts"
import type { Journal } from "../ops/ports/Journal.ts"
import type { LayoutStore } from "../ops/ports/LayoutStore.ts"
import type { Stores } from "../ops/ports/Stores.ts"
import { countCommit } from "../ops/ports/telemetry.ts"
import type { UploadSession, UploadStore } from "../ops/ports/UploadStore.ts"
import { hasher } from "./hasher.ts"
import { type Blobs, blobStore, put } from "./memoryBlobs.ts"
import { layerCache, pinStore, planStore } from "./memoryKept.ts"
import { memoryUpkeep, noLeftovers } from "./memoryUpkeep.ts"
import { newId } from "./newId.ts"

export const memoryStores = (defaultRepository?: Repository): Stores => {
  const blobs: Blobs = new Map()
  const layout = layoutStore(blobs, defaultRepository)
  return {
    ...layout,
    blobs: blobStore(blobs),
    uploads: uploadStore(blobs),
    pins: pinStore(),
    plans: planStore(),
    facts: noFacts,
    layers: layerCache(),
    upkeep: memoryUpkeep(blobs, layout.layout.snapshot),
    leftovers: noLeftovers
  }
}

const layoutStore = (
  blobs: Blobs,
  defaultRepository: Repository | undefined
): { readonly layout: LayoutStore; readonly journal: Journal } => {
  const lock = Semaphore.makeUnsafe(1)
  let state = empty(defaultRepository)
  const commits: Array<Commit> = []
  /** What was before each commit, and after the last; states share what they have in common. */
  const states: Array<State> = [state]
  const watchers = new Set<() => void>()
  const happen = (commit: Omit<Commit, "revision">): void => {
    state = replay(state, commit.events)
    if (commit.events.length > 0) {
      commits.push({ revision: commits.length + 1, ...commit })
      states.push(state)
      for (const tell of watchers) tell()
    }
    for (const event of commit.events) if (isNote(event)) blobs.delete(event.digest)
  }
  const layout: LayoutStore = {
    snapshot: Effect.sync(() => state),
    tend: Effect.void,
    transact: ({ decide, evidence }) =>
      lock.withPermits(1)(Effect.gen(function*() {
        const before = state
        const events = yield* Effect.fromResult(decide(before, yield* evidence(before)))
        const time = Math.max(yield* Clock.currentTimeMillis, commits.at(-1)?.time ?? 0)
        happen({ time, actor: yield* Actor, events })
        const revision = events.length === 0 ? Option.none() : Option.some(commits.length)
        const committed = { before, after: state, events, revision }
        yield* countCommit(committed)
        return committed
      }))
  }
  const journal: Journal = {
    changes: Stream.callback<void>(
      (queue) => {
        const tell = () => void Queue.offerUnsafe(queue, undefined)
        tell()
        return Effect.andThen(
          Effect.acquireRelease(
            Effect.sync(() => watchers.add(tell)),
            () => Effect.sync(() => watchers.delete(tell))
          ),
          Effect.never
        )
      },
      { bufferSize: 1, strategy: "sliding" }
    ),
    commits: ({ before = Number.POSITIVE_INFINITY } = {}) =>
      Stream.suspend(() => Stream.fromIterable(commits.filter(({ revision }) => revision < before).toReversed())),
    putAside: () => Stream.empty,
    stateAt: (revision) =>
      Effect.suspend(() => {
        const after = states[revision]
        return after === undefined
          ? Effect.fail(new RevisionUnknown({ asked: `revision ${revision}`, newest: commits.length }))
          : Effect.succeed(after)
      })
  }
  return { layout, journal }
}

/** A session that was never started: append, commit and cancel are decided as for one that is gone. */
const noSession: UploadSession = {
  state: absent,
  append: () => Effect.die("appended to a session that does not exist"),
  digest: () => Effect.die("hashed a session that does not exist"),
  conclude: () => Effect.die("concluded a session that does not exist")
}

const uploadStore = (blobs: Blobs): UploadStore => {
  const sessions = new Map<UploadId, { state: UploadState; chunks: ReadonlyArray<Uint8Array>; busy: boolean }>()
  const bytesOf = (id: UploadId): Uint8Array => {
    const chunks = sessions.get(id)?.chunks ?? []
    return concatenated(chunks)
  }
  return {
    create: Effect.fnUntraced(function*(repository) {
      const at = yield* Clock.currentTimeMillis
      const id = yield* newId
      const open: OpenUpload = { _tag: "Open", id, repository, size: 0, touched: at }
      sessions.set(id, { state: open, chunks: [], busy: false })
      return open
    }),
    stat: (id) => Effect.sync(() => sessions.get(id)?.state ?? absent),
    exclusive: Effect.fnUntraced(function*(id) {
      const session = sessions.get(id)
      if (session === undefined) return noSession
      yield* Effect.acquireRelease(
        Effect.suspend(() => {
          if (session.busy) return Effect.fail(new UploadBusy({ upload: id }))
          session.busy = true
          return Effect.void
        }),
        () => Effect.sync(() => void (session.busy = false))
      )
      return {
        state: session.state,
        append: Effect.fnUntraced(function*(content) {
          let length = 0
          const at = yield* Clock.currentTimeMillis
          const result = yield* Effect.result(Stream.runForEach(content, (chunk) =>
            Effect.sync(() => {
              length += chunk.length
              session.chunks = [...session.chunks, chunk.slice()]
              session.state = evolveUpload(session.state, { _tag: "ChunkAppended", length: chunk.length, at })
            })))
          return yield* Result.match(result, { onFailure: Effect.fail, onSuccess: () => Effect.succeed(length) })
        }),
        digest: (algorithm) => Effect.sync(() => hasher.digest(algorithm, bytesOf(id))),
        conclude: Effect.fnUntraced(function*(event) {
          if (event._tag === "UploadCommitted") yield* put(blobs, event.digest, bytesOf(id))
          session.state = evolveUpload(session.state, event)
          session.chunks = []
        })
      } satisfies UploadSession
    }),
    list: Effect.sync(() => Array.from(sessions.values()).flatMap(({ state }) => state._tag === "Open" ? [state] : []))
  }
}

/** No process comes later. */
const noFacts: FactsCache = {
  load: Effect.succeed(() => undefined),
  learn: () => Effect.void,
  keep: Effect.void
}
