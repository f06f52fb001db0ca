/** One layout's index on disk: snapshots without a lock, and changes in groups under it. */
import { Clock, Effect, Exit, Option, Result, type Scope } from "effect"
import { isNote } from "../../layout/Event.ts"
import { measured, type State } from "../../layout/State.ts"
import type { WriteFault } from "../../oci/faults.ts"
import type { OutcomeUnknown } from "../../oci/OciError.ts"
import { Actor } from "../../ops/api/Actor.ts"
import type { Committed, LayoutStore } from "../../ops/ports/ports.ts"
import { collectBlobs } from "../blobs/collectBlobs.ts"
import { asStorage } from "../files/asStorage.ts"
import { guardOwn, type LayoutFiles, statIfThere } from "../files/layoutFiles.ts"
import { holdLock } from "../files/lock.ts"
import { FsError } from "../fs/LayoutFs.ts"
import type { CachedLayout, IndexCache } from "../index/indexCache.ts"
import { withReplacedIndexes } from "../index/past.ts"
import {
  type ChangedIndex,
  makeReplacedIndexes,
  type ReplacedIndex,
  type ReplacedIndexes,
  watchMillis
} from "../index/replacedIndexes.ts"
import type { JournalEnd } from "../journal/journalFile.ts"
import type { GroupRecord } from "../journal/journalRecord.ts"
import { rotate } from "../journal/journalSegments.ts"
import type { Completion } from "./completion.ts"
import { answers, type Decided, decideInTurn, type Proposal, unchanged } from "./decisions.ts"
import { foreignDrafts, nothingElse } from "./drafts.ts"
import { makeGroupCommit } from "./groupCommit.ts"
import { createLayout, createOwnFolders, keepRepository, tryTimes, writeMarker } from "./initLayout.ts"
import {
  afterPublishing,
  finishInterruptedCommit,
  neverStill,
  publish,
  removeBlobs,
  syncFoundIndex
} from "./publish.ts"
import { Overtaken } from "./replaceIndex.ts"

/** How often a group is decided anew because somebody without the lock rewrote the index meanwhile. */
const attempts = 50

/** How often what was written just before an exchange is merged before somebody is answered: more of it may come for ever. */
const merges = 3

/** @param lockWaitMillis how long a writer waits for others */
export const makeLayoutStore = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { cache, completion }: { readonly cache: IndexCache; readonly completion: Completion },
  lockWaitMillis: number
): Effect.fn.Return<LayoutStore, never, Scope.Scope> {
  const look: Proposal = { actor: "foreign", decide: () => Effect.succeed([]) }
  const scope = yield* Effect.scope
  let watching = false
  /** Looks again at what was replaced once its time is over, should nobody write before. */
  const watch: Effect.Effect<void> = Effect.suspend(() => {
    if (watching) return Effect.void
    watching = true
    const lookAgain = Effect.gen(function*() {
      yield* Effect.sleep(watchMillis)
      watching = false
      // Where it cannot be done now, whoever writes next does it.
      yield* Effect.ignore(groups.submit(look))
    })
    return Effect.asVoid(Effect.forkIn(lookAgain, scope))
  })
  const groups = yield* makeGroupCommit<Proposal, Committed, WriteFault>({
    acquire: asStorage(files.root)(lockLayout(files, lockWaitMillis)),
    run: commitGroup({ files, cache, completion, replacedIndexes: makeReplacedIndexes(files), watch })
  })

  /** Whoever only refuses, or changes nothing, leaves no trace in a layout that we have never written. */
  const decideUnwritten = Effect.fnUntraced(
    function*({ decide }: Proposal): Effect.fn.Return<Option.Option<CachedLayout>, WriteFault> {
      const known = yield* cache.look
      const own = yield* asStorage(files.root)(statIfThere(files.fs, files.own))
      if (own !== undefined) return Option.none()
      const events = yield* decide(known.seen.state)
      return events.length > 0 ? Option.none() : Option.some(known)
    }
  )

  return {
    snapshot: Effect.map(cache.look, ({ seen }) => seen.state),
    tend: Effect.flatMap(
      decideUnwritten(look),
      (unwritten) => Option.isSome(unwritten) ? Effect.void : Effect.asVoid(groups.submit(look))
    ),
    transact: ({ decide, evidence }) =>
      Effect.suspend(() => {
        let refusal: Effect.Effect<never, RefusalOf<typeof evidence> | FailureOf<typeof decide>> | undefined
        const decided = (state: State) =>
          Effect.flatMap(evidence(state), (found) => Effect.fromResult(decide(state, found)))
        const decideOrRefuse: Proposal["decide"] = (state) =>
          Effect.map(Effect.exit(decided(state)), (exit) => {
            refusal = Exit.isFailure(exit) ? Effect.failCause(exit.cause) : undefined
            return Exit.isSuccess(exit) ? exit.value : []
          })
        return Effect.gen(function*() {
          const member: Proposal = { actor: yield* Actor, decide: decideOrRefuse }
          const early = yield* decideUnwritten(member)
          const committed = Option.isNone(early) ? yield* groups.submit(member) : unchanged(early.value.seen.state)
          if (refusal !== undefined) return yield* refusal
          if (Option.isSome(early)) yield* asStorage(files.root)(acknowledge(files, cache, early.value))
          return committed
        })
      })
  }
})

type FailureOf<F> = F extends (...args: never) => Result.Result<unknown, infer D> ? D : never

type RefusalOf<F> = F extends (state: State) => Effect.Effect<unknown, infer E> ? E : never

/** What is acknowledged as it is has to be on the disk as well. */
const acknowledge = Effect.fnUntraced(
  function*(files: LayoutFiles, cache: IndexCache, { durable, seen }: CachedLayout) {
    if (durable || seen.index === undefined) return
    yield* syncFoundIndex(files, seen.index)
    yield* cache.synced(seen)
  }
)

/** Takes the lock; the folder it lies in is made when it is missing. */
const lockLayout = (files: LayoutFiles, lockWaitMillis: number) => {
  const hold = Effect.andThen(guardOwn(files), holdLock(files, lockWaitMillis))
  return Effect.catchIf(
    hold,
    (error) => error instanceof FsError && error.code === "ENOENT",
    () => Effect.andThen(createOwnFolders(files), hold)
  ).pipe(Effect.andThen(keepRepository(files)), Effect.andThen(tryTimes(files)))
}

/** What a group is committed with. */
interface Committing {
  readonly files: LayoutFiles
  readonly cache: IndexCache
  readonly completion: Completion
  readonly replacedIndexes: ReplacedIndexes
  /** Has the replaced indexes looked at again later. */
  readonly watch: Effect.Effect<void>
}

/** Decides a group and makes it durable; answers those members that it got to. */
const commitGroup =
  (committing: Committing, mergesLeft = merges) =>
  (members: ReadonlyArray<Proposal>): Effect.Effect<ReadonlyArray<Committed>, WriteFault> =>
    Effect.gen(function*() {
      const { cache, completion, replacedIndexes } = committing
      const started = yield* Clock.currentTimeMillis
      for (let overtaken = 0; overtaken < attempts; overtaken++) {
        const { changed, known, state } = yield* lookMerged(committing)
        const decisions = yield* decideInTurn(state, members)
        const after = decisions.at(-1)?.after ?? state
        yield* completion.completeAdded(state, after)
        const written = yield* Effect.result(
          writeGroup(committing, { known, state, after, decisions, changed, overtaken })
        )
        if (Result.isFailure(written)) {
          yield* cache.forget
          if (!(written.failure instanceof Overtaken)) return yield* Effect.fail(written.failure)
          continue
        }
        const { answers, replaced } = written.success
        // A tool wrote between our last look and the exchange. If that cannot be merged now, it stays among the replaced
        // indexes, and the next writer merges it.
        const isChanged = replaced !== undefined && (yield* replacedIndexes.isChanged(replaced, identityRead(known)))
        if (isChanged && mergesLeft > 0) yield* Effect.ignore(commitGroup(committing, mergesLeft - 1)([]))
        return answers
      }
      return yield* neverStill((yield* Clock.currentTimeMillis) - started)
    })

const identityRead = ({ seen: { index } }: CachedLayout): string | undefined =>
  index?.settled === true ? index.identity : undefined

/** The layout, created if need be, and its state with what others wrote into indexes that were replaced. */
const lookMerged = Effect.fnUntraced(function*({ cache, completion, files, replacedIndexes }: Committing) {
  const known = yield* lookCreated(files, cache)
  const { end, state, unpublished, wiped } = known.seen
  const found = yield* replacedIndexes.changed
  const last = lastGroup(end)
  if (last !== undefined && !unpublished) yield* asStorage(files.root)(replacedIndexes.settle(last))
  // What was written into a layout that was removed is put aside with its journal.
  const changed = wiped ? [] : found
  const merged = yield* withReplacedIndexes(files, state, changed)
  yield* completion.complete(known, merged)
  return { changed, known, state: merged }
})

const lookCreated = Effect.fnUntraced(function*(files: LayoutFiles, cache: IndexCache) {
  const known = yield* cache.lookToWrite
  if (known.seen.index !== undefined) {
    if (!known.seen.torn) return known
    yield* asStorage(files.root)(writeMarker(files))
    return yield* cache.lookToWrite
  }
  if (known.seen.wiped) yield* asStorage(files.root)(finishInterruptedCommit(files, known.seen))
  yield* asStorage(files.root)(createLayout(files))
  return yield* cache.lookToWrite
})

interface Written {
  readonly answers: ReadonlyArray<Committed>
  /** The index that made room, where one did. */
  readonly replaced: ReplacedIndex | undefined
}

/** What is to be written, and how often that was tried in vain. */
interface Group {
  readonly known: CachedLayout
  /** What the decisions were made on: what replaced indexes say is merged. */
  readonly state: State
  /** What they lead to. */
  readonly after: State
  readonly decisions: ReadonlyArray<Decided>
  readonly changed: ReadonlyArray<ChangedIndex>
  readonly overtaken: number
}

const writeGroup = (committing: Committing, group: Group) =>
  asStorage(committing.files.root)(writeDecided(committing, group))

const writeDecided = Effect.fnUntraced(function*(
  { cache, files, replacedIndexes, watch }: Committing,
  { after: decided, changed, decisions, known, overtaken, state }: Group
): Effect.fn.Return<Written, FsError | OutcomeUnknown | Overtaken> {
  const { seen, written } = known
  const { index } = seen
  if (index === undefined) return yield* new Overtaken()
  const own = decisions.flatMap(({ draft }) => draft === undefined ? [] : [draft])
  const now = yield* Clock.currentTimeMillis
  const changes = foreignDrafts(seen, state, now)
  // That all of ours was put back is on record; a generation is renewed by any commit.
  const isWrittenAgain = changes.length === 0 && (seen.restored || (seen.renew && own.length === 0))
  const foreign = isWrittenAgain ? [nothingElse(now)] : changes
  // What cannot be removed now is swept another time.
  const sweep = (end: JournalEnd, added?: ReplacedIndex): Effect.Effect<void> =>
    replacedIndexes.sweep(changed, lastGroup(end), added).pipe(
      Effect.orElseSucceed(() => true),
      Effect.flatMap((left) => left ? watch : Effect.void)
    )
  if (own.length === 0 && foreign.length === 0) {
    yield* acknowledge(files, cache, known)
    yield* sweep(seen.end)
    return { answers: decisions.map(({ before }) => unchanged(before)), replaced: undefined }
  }
  // A journal that outlives a power cut must find an index: whoever made this one may have died before syncing it.
  if (!known.durable) yield* syncFoundIndex(files, index)
  const settled = yield* finishInterruptedCommit(files, seen)
  const end = yield* rotate(files, settled, { head: seen.head, indexBytes: index.bytes, now })
  const published = yield* publish(files, { end, parts: seen.parts, index, overtaken, state: decided, written }, [
    ...foreign,
    ...own
  ])
  const after = measured(decided, published.index.bytes)
  yield* cache.remember({
    seen: {
      ...seen,
      index: published.index,
      handle: published.handle,
      end: published.end,
      head: after,
      found: after,
      state: after,
      word: after,
      restored: false,
      renew: false,
      unpublished: false,
      damaged: false,
      wiped: false
    },
    written: published.written,
    durable: true
  })
  const gone = own.flatMap(({ events }) => events).filter(isNote)
  yield* removeBlobs(files, gone.filter(({ _tag }) => _tag === "BlobDeleted").map(({ digest }) => digest))
  yield* afterPublishing(
    collectBlobs(files, gone.filter(({ _tag }) => _tag === "BlobCollected").map(({ digest }) => digest))
  )
  yield* sweep(published.end, published.replaced)
  return {
    answers: answers(decisions, published.revisions.slice(foreign.length)),
    replaced: published.replaced
  }
})

const lastGroup = ({ last }: JournalEnd): GroupRecord | undefined =>
  last?.record._tag === "Group" ? last.record : undefined
