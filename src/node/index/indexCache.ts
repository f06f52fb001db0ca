/** The index as it was last read: reading it again costs a stat while it has not changed. */
import { Effect, type Scope, Semaphore } from "effect"
import type { Repository } from "../../oci/Reference.ts"
import { count } from "../../ops/ports/telemetry.ts"
import { asStorage } from "../files/asStorage.ts"
import { identityOf } from "../files/identity.ts"
import { type LayoutFiles, statIndex } from "../files/layoutFiles.ts"
import { emptyJournal } from "../journal/journalFile.ts"
import type { LayoutIdentity } from "../journal/journalRecord.ts"
import type { IndexBytes } from "./indexBytes.ts"
import { fingerprintOf, type LayoutProblem } from "./indexFile.ts"
import { type LayoutView, readLayoutView } from "./layoutView.ts"
import { partsDiffer, partsNow } from "./parts.ts"

/** An observation, and its index as we have written it, if we have. */
export interface CachedLayout {
  readonly seen: LayoutView
  readonly written: IndexBytes | undefined
  /** Whether this very index is known to survive a power cut. */
  readonly durable: boolean
}

export interface IndexCache {
  /** The index as of now. */
  readonly look: Effect.Effect<CachedLayout, LayoutProblem>
  /**
   * The same, the end of the journal and `oci-layout` included: for the holder of the lock, and for questions about the
   * past.
   */
  readonly lookToWrite: Effect.Effect<CachedLayout, LayoutProblem>
  /** Keeps the view of an index that we have just written, so that it need not be read. */
  readonly remember: (known: CachedLayout) => Effect.Effect<void>
  /** Records that this index was synced. It does nothing if another index has been read since. */
  readonly markSynced: (seen: LayoutView) => Effect.Effect<void>
  readonly forget: Effect.Effect<void>
}

const sameParts = (one: LayoutIdentity, other: LayoutIdentity): boolean =>
  one.blobs === other.blobs && one.own === other.own && one.marker === other.marker

export const makeIndexCache = Effect.fnUntraced(function*(
  files: LayoutFiles,
  defaultRepository: Repository | undefined
): Effect.fn.Return<IndexCache, never, Scope.Scope> {
  let known: CachedLayout | undefined
  // Two readers at once would each open the index, and one of the two handles would be lost.
  const mutex = yield* Semaphore.make(1)

  const remember = (next: CachedLayout | undefined): Effect.Effect<void> =>
    Effect.suspend(() => {
      const before = known?.seen.handle
      known = next
      return before === undefined || before === next?.seen.handle ? Effect.void : before.close
    }).pipe(Effect.uninterruptible)

  yield* Effect.addFinalizer(() => remember(undefined))

  // A reader that is interrupted between opening the index and keeping it would leave it open for good.
  const refresh = Effect.uninterruptible(Effect.gen(function*() {
    const next: CachedLayout = {
      seen: yield* readLayoutView(files, defaultRepository, known?.seen.end),
      written: undefined,
      durable: false
    }
    yield* remember(next)
    return next
  }))

  /** What is known, if it still holds. */
  const confirmed = Effect.gen(function*() {
    const last = known
    if (last?.seen.index === undefined) return undefined
    const stat = yield* statIndex(files)
    if (stat === undefined || identityOf(stat) !== last.seen.index.identity) return undefined
    if (last.seen.index.mtimeReliable) return last
    // A file that was written a moment ago may have changed again within one tick of the clock: compare its bytes.
    const found = yield* fingerprintOf(files, files.index)
    if (found?.identity !== last.seen.index.identity || found.hash !== last.seen.index.hash) return undefined
    known = { ...last, seen: { ...last.seen, index: { ...last.seen.index, mtimeReliable: found.mtimeReliable } } }
    return known
  })

  const look = Effect.flatMap(
    asStorage(files.root)(confirmed),
    (last) => last === undefined ? Effect.andThen(count.cacheMiss, refresh) : Effect.as(count.cacheHit, last)
  )

  /** What is known, where a glance shows that it still holds: nothing has to be read or waited for then. */
  const atAGlance = (): CachedLayout | undefined => {
    const index = known?.seen.index
    if (index?.mtimeReliable !== true || files.symlinks !== "refuse") return undefined
    const stat = files.fs.glance(files.index)
    return stat !== undefined && identityOf(stat) === index.identity ? known : undefined
  }

  const quickly = (slowly: Effect.Effect<CachedLayout, LayoutProblem>): Effect.Effect<CachedLayout, LayoutProblem> =>
    Effect.suspend(() => {
      const last = atAGlance()
      return last === undefined ? slowly : Effect.as(count.cacheHit, last)
    })

  const lookToWrite = Effect.gen(function*() {
    const last = yield* look
    const [journal, layout] = yield* asStorage(files.root)(files.fs.linkStats([files.journal, files.marker]))
    const parts = yield* asStorage(files.root)(partsNow(files))
    const end = journal === undefined ? emptyJournal.identity : identityOf(journal)
    const created = layout !== undefined
    if (end !== last.seen.end.identity || created !== last.seen.created || partsDiffer(last.seen.parts, parts)) {
      return yield* refresh
    }
    // A part may have been made meanwhile.
    if (!sameParts(last.seen.parts, parts)) known = { ...last, seen: { ...last.seen, parts } }
    return known ?? last
  })

  return {
    look: quickly(mutex.withPermits(1)(look)),
    lookToWrite: mutex.withPermits(1)(lookToWrite),
    remember: (next) => mutex.withPermits(1)(remember(next)),
    markSynced: (seen) =>
      mutex.withPermits(1)(Effect.sync(() => {
        if (known !== undefined && known.seen.handle === seen.handle) known = { ...known, durable: true }
      })),
    forget: mutex.withPermits(1)(remember(undefined))
  }
})
