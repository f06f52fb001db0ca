/** One group of decisions made durable, under the lock: look, decide, write, publish, answer (docs/protocol.md, "A commit"). */
import { Clock, Effect } from "effect"
import { isNote } from "../../layout/Event.ts"
import { measured, type State } from "../../layout/State.ts"
import type { WriteFault } from "../../oci/faults.ts"
import type { OutcomeUnknown, StorageError, SymlinkRefused } from "../../oci/OciError.ts"
import type { Committed } from "../../ops/ports/LayoutStore.ts"
import { collectBlobs } from "../blobs/collectBlobs.ts"
import { asStorage } from "../files/asStorage.ts"
import type { LayoutFiles } from "../files/layoutFiles.ts"
import type { FsError } from "../fs/LayoutFs.ts"
import type { CachedLayout, IndexCache } from "../index/indexCache.ts"
import type { LayoutView } from "../index/layoutView.ts"
import { withReplacedIndexes } from "../index/past.ts"
import type { ChangedIndex, ReplacedIndex, ReplacedIndexes } from "../index/replacedIndexes.ts"
import type { JournalEnd } from "../journal/journalFile.ts"
import type { GroupRecord } from "../journal/journalRecord.ts"
import { rotate } from "../journal/journalSegments.ts"
import type { Completion } from "./completion.ts"
import { answers, type Decided, decideInTurn, type Proposal } from "./decisions.ts"
import { type Draft, foreignDrafts, nothingElse } from "./drafts.ts"
import { createLayout, writeMarker } from "./initLayout.ts"
import { finishInterruptedCommit } from "./interrupted.ts"
import { afterPublishing, neverStill, publish, type Published, removeBlobs, syncFoundIndex } from "./publish.ts"
import { Overtaken } from "./replaceIndex.ts"

/** How often a group is decided anew because a tool without the lock replaced the index meanwhile. */
const attempts = 50

/** How often a group merges late writes of a tool before it answers. It has a limit: a tool may write for ever. */
const merges = 3

/** What a group is committed with. */
export interface Committing {
  readonly files: LayoutFiles
  readonly cache: IndexCache
  readonly completion: Completion
  readonly replacedIndexes: ReplacedIndexes
  /** Starts a timer, after which the replaced indexes are looked at again. */
  readonly watch: Effect.Effect<void>
}

/** Commits the decisions of a group, and answers a first part of them: the rest has to wait for the next group. */
export const commitGroup = Effect.fnUntraced(function*(
  committing: Committing,
  proposals: ReadonlyArray<Proposal>
): Effect.fn.Return<ReadonlyArray<Committed>, WriteFault> {
  const first = yield* commitOnce(committing, proposals)
  // A tool wrote between the look and the exchange. What cannot be merged now stays among the replaced indexes, and the
  // next group merges it.
  const merge = Effect.orElseSucceed(
    Effect.map(commitOnce(committing, []), ({ isOvertakenLate }) => isOvertakenLate),
    () => false
  )
  let isOvertakenLate = first.isOvertakenLate
  for (let merged = 0; isOvertakenLate && merged < merges; merged++) isOvertakenLate = yield* merge
  return first.answers
})

interface Done {
  readonly answers: ReadonlyArray<Committed>
  /** Whether the index that was replaced is not the one that the group was decided on. */
  readonly isOvertakenLate: boolean
}

/** Decides anew each time that a tool replaces the index before the exchange. */
const commitOnce = Effect.fnUntraced(function*(
  committing: Committing,
  proposals: ReadonlyArray<Proposal>
): Effect.fn.Return<Done, WriteFault> {
  const started = yield* Clock.currentTimeMillis
  for (let overtaken = 0; overtaken < attempts; overtaken++) {
    const looked = yield* look(committing)
    const group = yield* decide(committing, looked, proposals)
    const done = yield* write(committing, group, overtaken).pipe(
      Effect.tapError(() => committing.cache.forget),
      Effect.catchTag("Overtaken", () => Effect.succeed(undefined))
    )
    if (done !== undefined) return yield* answer(committing, group, done)
  }
  return yield* neverStill((yield* Clock.currentTimeMillis) - started)
})

/** What a group is decided on. */
interface Looked {
  readonly known: CachedLayout
  /** The state that holds, with what other tools wrote into replaced indexes. */
  readonly state: State
  /** The replaced indexes that other tools wrote into. */
  readonly changed: ReadonlyArray<ChangedIndex>
}

/** Looks at index and journal, creates the layout if need be, and completes what the index reaches. */
const look = Effect.fnUntraced(function*(
  { cache, completion, files, replacedIndexes }: Committing
): Effect.fn.Return<Looked, WriteFault> {
  const known = yield* lookCreated(files, cache)
  const { end, state, unpublished, wiped } = known.seen
  const found = yield* replacedIndexes.changed
  const last = lastGroup(end)
  if (last !== undefined && !unpublished) yield* asStorage(files.root)(replacedIndexes.removeWaitingOf(last))
  // What was written into a layout that was removed is put aside with its journal.
  const changed = wiped ? [] : found
  const merged = yield* withReplacedIndexes(files, state, changed)
  yield* completion.complete(known, merged)
  return { changed, known, state: merged }
})

const lookCreated = Effect.fnUntraced(function*(files: LayoutFiles, cache: IndexCache) {
  const storage = asStorage(files.root)
  const known = yield* cache.lookToWrite
  const { index, torn, wiped } = known.seen
  if (index !== undefined && !torn) return known
  if (index !== undefined) {
    yield* storage(writeMarker(files))
  } else {
    if (wiped) yield* storage(finishInterruptedCommit(files, known.seen))
    yield* storage(createLayout(files))
  }
  return yield* cache.lookToWrite
})

/** A group, decided. */
interface Group extends Looked {
  readonly decisions: ReadonlyArray<Decided>
  /** The state that the decisions lead to. */
  readonly after: State
}

/** Decides in turn, and takes out of the trash what the decisions need. */
const decide = Effect.fnUntraced(function*(
  { completion }: Committing,
  looked: Looked,
  proposals: ReadonlyArray<Proposal>
): Effect.fn.Return<Group, WriteFault> {
  const decisions = yield* decideInTurn(looked.state, proposals)
  const after = decisions.at(-1)?.after ?? looked.state
  yield* completion.completeAdded(looked.state, after)
  return { ...looked, decisions, after }
})

/** What was published, if there was anything to publish. */
interface Written {
  /** The revisions of our own decisions. */
  readonly revisions: ReadonlyArray<number>
  /** The index that was replaced, where it could be kept. */
  readonly replaced: ReplacedIndex | undefined
}

const write = (
  committing: Committing,
  group: Group,
  overtaken: number
): Effect.Effect<Written, OutcomeUnknown | Overtaken | StorageError | SymlinkRefused> =>
  asStorage(committing.files.root)(writeDecided(committing, group, overtaken))

const writeDecided = Effect.fnUntraced(function*(
  committing: Committing,
  group: Group,
  overtaken: number
): Effect.fn.Return<Written, FsError | OutcomeUnknown | Overtaken> {
  const { cache, files } = committing
  const { after, decisions, known } = group
  const { seen, written } = known
  const { index } = seen
  if (index === undefined) return yield* new Overtaken()
  const now = yield* Clock.currentTimeMillis
  const own = decisions.flatMap(({ draft }) => draft === undefined ? [] : [draft])
  const foreign = draftsOfOthers(group, own)
  if (own.length === 0 && foreign.length === 0) {
    yield* acknowledge(files, cache, known)
    yield* sweep(committing, group, seen.end)
    return { revisions: [], replaced: undefined }
  }
  // A journal that outlives a power cut must find an index: who made this one may have died before syncing it.
  if (!known.durable) yield* syncFoundIndex(files)
  const finished = yield* finishInterruptedCommit(files, seen)
  const end = yield* rotate(files, finished, { head: seen.head, indexBytes: index.bytes, now })
  const published = yield* publish(files, { end, parts: seen.parts, index, overtaken, state: after, written }, [
    ...foreign,
    ...own
  ])
  yield* cache.remember({ seen: viewAfter(seen, published, after), written: published.written, durable: true })
  yield* removeDeleted(files, own)
  yield* sweep(committing, group, published.end, published.replaced)
  return { revisions: published.revisions.slice(foreign.length), replaced: published.replaced }
})

/** The commits that come before ours: what other tools did, or that an index is written again as it was. */
const draftsOfOthers = (
  { known: { seen }, state }: Looked,
  own: ReadonlyArray<Draft>
): ReadonlyArray<Draft> => {
  const changes = foreignDrafts(seen, state)
  // That all of ours was put back is on record; a generation is renewed by any commit.
  const isWrittenAgain = changes.length === 0 && (seen.restored || (seen.renew && own.length === 0))
  return isWrittenAgain ? [nothingElse] : changes
}

/** What a look would see now. */
const viewAfter = (before: LayoutView, { end, handle, index }: Published, state: State): LayoutView => {
  const head = measured(state, index.bytes)
  return {
    ...before,
    index,
    handle,
    end,
    head,
    found: head,
    state: head,
    toolState: head,
    restored: false,
    renew: false,
    unpublished: false,
    damaged: false,
    wiped: false
  }
}

/** Removes the blobs whose deletion or collection is on record now. */
const removeDeleted = Effect.fnUntraced(function*(
  files: LayoutFiles,
  drafts: ReadonlyArray<Draft>
): Effect.fn.Return<void, OutcomeUnknown> {
  const gone = drafts.flatMap(({ events }) => events).filter(isNote)
  const digestsOf = (tag: "BlobDeleted" | "BlobCollected") =>
    gone.filter(({ _tag }) => _tag === tag).map(({ digest }) => digest)
  yield* removeBlobs(files, digestsOf("BlobDeleted"))
  yield* afterPublishing(collectBlobs(files, digestsOf("BlobCollected")))
})

/** Removes replaced indexes that were merged or watched for long enough. What cannot be removed now is swept next time. */
const sweep = (
  { replacedIndexes, watch }: Committing,
  { changed }: Looked,
  end: JournalEnd,
  added?: ReplacedIndex
): Effect.Effect<void> =>
  replacedIndexes.sweep(changed, lastGroup(end), added).pipe(
    Effect.orElseSucceed(() => true),
    Effect.flatMap((left) => left ? watch : Effect.void)
  )

/** Answers each decision, and looks once more at the index that was replaced. */
const answer = Effect.fnUntraced(function*(
  { replacedIndexes }: Committing,
  { decisions, known }: Group,
  { replaced, revisions }: Written
): Effect.fn.Return<Done> {
  const isOvertakenLate = replaced !== undefined && (yield* replacedIndexes.isChanged(replaced, identityRead(known)))
  return { answers: answers(decisions, revisions), isOvertakenLate }
})

const identityRead = ({ seen: { index } }: CachedLayout): string | undefined =>
  index?.mtimeReliable === true ? index.identity : undefined

const lastGroup = ({ last }: JournalEnd): GroupRecord | undefined =>
  last?.record._tag === "Group" ? last.record : undefined

/** Makes sure that an index which is acknowledged as it is survives a power cut. */
export const acknowledge = Effect.fnUntraced(
  function*(files: LayoutFiles, cache: IndexCache, { durable, seen }: CachedLayout) {
    if (durable || seen.index === undefined) return
    yield* syncFoundIndex(files)
    yield* cache.markSynced(seen)
  }
)
