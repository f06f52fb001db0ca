/** One layout's index on disk: snapshots without a lock, and changes in groups under it. */
import { Effect, type Scope } from "effect"
import type { WriteFault } from "../../oci/faults.ts"
import { Actor } from "../../ops/api/Actor.ts"
import type { Committed, LayoutStore } from "../../ops/ports/LayoutStore.ts"
import { countCommit } from "../../ops/ports/telemetry.ts"
import { asStorage } from "../files/asStorage.ts"
import { guardOwn, type LayoutFiles, statIfThere } from "../files/layoutFiles.ts"
import { holdLock } from "../files/lock.ts"
import { hasCode } from "../fs/LayoutFs.ts"
import type { CachedLayout, IndexCache } from "../index/indexCache.ts"
import { makeReplacedIndexes, watchMillis } from "../index/replacedIndexes.ts"
import { acknowledge, commitGroup } from "./commitGroup.ts"
import type { Completion } from "./completion.ts"
import { lookOnly, type Proposal, propose, unchanged } from "./decisions.ts"
import { makeGroupCommit } from "./groupCommit.ts"
import { createOwnFolders, keepRepository, tryTimes } from "./initLayout.ts"

/** @param lockWaitMillis how long a writer waits for others */
export const makeLayoutStore = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { cache, completion }: { readonly cache: IndexCache; readonly completion: Completion },
  lockWaitMillis: number
): Effect.fn.Return<LayoutStore, never, Scope.Scope> {
  const storage = asStorage(files.root)
  const scope = yield* Effect.scope

  let watching = false
  /** Looks again at what was replaced once its time is over, should no group do so before. */
  const watch: Effect.Effect<void> = Effect.suspend(() => {
    if (watching) return Effect.void
    watching = true
    return Effect.sleep(watchMillis).pipe(
      Effect.andThen(Effect.sync(() => {
        watching = false
      })),
      // Where it cannot be done now, the next group does it.
      Effect.andThen(Effect.ignore(Effect.suspend(() => groups.submit(lookOnly)))),
      Effect.forkIn(scope),
      Effect.asVoid
    )
  })

  const committing = { files, cache, completion, replacedIndexes: makeReplacedIndexes(files), watch }
  const groups = yield* makeGroupCommit<Proposal, Committed, WriteFault>({
    acquire: storage(lockLayout(files, lockWaitMillis)),
    run: (proposals) => commitGroup(committing, proposals)
  })

  /** The layout, where we have never written it and the proposal would change nothing: then it is left without a trace. */
  const untouched = Effect.fnUntraced(
    function*({ decide }: Proposal): Effect.fn.Return<CachedLayout | undefined, WriteFault> {
      const known = yield* cache.look
      if ((yield* storage(statIfThere(files.fs, files.own))) !== undefined) return undefined
      const events = yield* decide(known.seen.state)
      return events.length > 0 ? undefined : known
    }
  )

  return {
    snapshot: Effect.map(cache.look, ({ seen }) => seen.state),
    tend: Effect.gen(function*() {
      if ((yield* untouched(lookOnly)) === undefined) yield* groups.submit(lookOnly)
    }),
    transact: Effect.fnUntraced(function*(transaction) {
      const proposal = propose(yield* Actor, transaction)
      const left = yield* untouched(proposal)
      const committed = left === undefined ? yield* groups.submit(proposal) : unchanged(left.seen.state)
      yield* proposal.refusal
      if (left !== undefined) yield* storage(acknowledge(files, cache, left))
      yield* countCommit(committed)
      return committed
    })
  }
})

/** Takes the lock; the folder it lies in is made when it is missing. */
const lockLayout = (files: LayoutFiles, lockWaitMillis: number) => {
  const hold = Effect.andThen(guardOwn(files), holdLock(files, lockWaitMillis))
  return Effect.catchIf(
    hold,
    hasCode("ENOENT"),
    () => Effect.andThen(createOwnFolders(files), hold)
  ).pipe(Effect.andThen(keepRepository(files)), Effect.andThen(tryTimes(files)))
}
