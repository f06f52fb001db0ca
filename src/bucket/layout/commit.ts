/** Commits groups of decisions: a record under the next number decides, the index is published, then it is answered. */
import { Clock, Effect, Random, Result, type Scope } from "effect"
import { answers, decideInTurn, lookOnly, type Proposal, propose } from "../../node/commit/decisions.ts"
import { makeGroupCommit } from "../../node/commit/groupCommit.ts"
import { genesis, sha256 } from "../../node/journal/journalRecord.ts"
import type { ContentDigest } from "../../oci/Digest.ts"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import { LayoutLocked, OutcomeUnknown } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import { Actor } from "../../ops/api/Actor.ts"
import type { Committed, LayoutStore } from "../../ops/ports/LayoutStore.ts"
import { countCommit } from "../../ops/ports/telemetry.ts"
import { absent, type ObjectStore } from "../store/ObjectStore.ts"
import { makeStoreChecker, type StoreChecker } from "./checkStore.ts"
import { createRecord, isLost, patienceMillis } from "./createRecord.ts"
import { makeFolding } from "./folding.ts"
import { foreignDrafts, lastRevision } from "./foreignDrafts.ts"
import { type Head, indexKey, isPublished, isPublishedFrom, makeLook, shortened } from "./head.ts"
import { randomHex } from "./newId.ts"
import { makePast, type Past } from "./past.ts"
import { hashOfEntries, writeRecord } from "./record.ts"
import { makeRemoval } from "./removal.ts"
import { makeStandingOf, sentencesAfter, type Standing } from "./standing.ts"
import { makeTurns } from "./turns.ts"
import { writeIndex } from "./writeIndex.ts"

/** A writer that lost a race waits less than this before it tries again: longer pauses starve it. */
const mostPauseMillis = 40

export const markerKey = "oci-layout"
export const marker = new Uint8Array(Buffer.from(`{"imageLayoutVersion":"1.0.0"}\n`))

export interface BucketLayout extends LayoutStore {
  /** What holds now. */
  readonly look: Effect.Effect<Head, ReadFault>
  readonly past: Past
  /** What is condemned, as far as is known; the store refuses what relies on it where that is too old. */
  readonly standing: Effect.Effect<Standing, ReadFault>
  /** The same, by a head that was looked at less than `foreignMillis` ago. */
  readonly standingNow: Effect.Effect<Standing, ReadFault>
  /** The same after a new look. */
  readonly standingAnew: Effect.Effect<Standing, ReadFault>
  /** Reveals hidden content by a record; whether it was hidden. */
  readonly reveal: (digest: ContentDigest) => Effect.Effect<boolean, WriteFault>
}

export interface BucketLayoutOptions {
  readonly defaultRepository: Repository | undefined
  /** For how long what other tools write into the index may go unseen: milliseconds. */
  readonly foreignMillis: number
  /** How long `index.json` may stay behind what was answered: milliseconds, 0 by default. */
  readonly publishMillis?: number | undefined
  /** By default one of its own. */
  readonly checker?: StoreChecker | undefined
}

export const makeBucketLayout = Effect.fnUntraced(function*(
  store: ObjectStore,
  options: BucketLayoutOptions
): Effect.fn.Return<BucketLayout, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const past = makePast(store, options.defaultRepository)
  const lookFrom = makeLook(store, past, options)
  const standingOf = makeStandingOf(past)
  const { publishMillis = 0 } = options
  let known: Head | undefined
  let looked = Number.NEGATIVE_INFINITY
  const lookAs = (strict: boolean): Effect.Effect<Head, ReadFault> =>
    Effect.suspend(() => lookFrom(known, strict)).pipe(
      Effect.tap((head) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          known = head
          looked = now
        })
      ),
      Effect.tapError(() => Effect.sync(() => void (known = undefined)))
    )
  const isBehind = (): boolean => known !== undefined && !isPublished(known)
  const look = lookAs(false)
  const lookStrictly = lookAs(true)
  const standing = Effect.suspend(() => Effect.flatMap(known === undefined ? look : Effect.succeed(known), standingOf))
  /** The known head, if the index was read less than `foreignMillis` ago. */
  const recentAt = (now: number): Head | undefined =>
    known !== undefined && now >= known.looked && now - known.looked < options.foreignMillis ? known : undefined
  const lookedJustNow = (now: number): Effect.Effect<Head> | undefined =>
    known !== undefined && now >= looked && now - looked < options.foreignMillis ? Effect.succeed(known) : undefined
  const standingNow = Effect.flatMap(
    Clock.currentTimeMillis,
    (now) => Effect.flatMap(lookedJustNow(now) ?? look, standingOf)
  )
  const checked = (options.checker ?? makeStoreChecker())(store)
  const removal = makeRemoval(store, standing, checked)

  /**
   * Until the index is at what is known now, or after it; foreign changes that are found on the way are recorded. Others
   * may commit all the while: what they publish has this in it.
   */
  const publishAll = Effect.fnUntraced(function*(): Effect.fn.Return<Head, WriteFault> {
    const began = yield* Clock.currentTimeMillis
    const number = known?.last?.record.number ?? 0
    for (;;) {
      const head = yield* lookStrictly
      if (isPublished(head) || isPublishedFrom(head, number)) return head
      if (head.isForeign) yield* commitOnce([], head, true)
      else {
        const index = yield* writeIndex(store, head)
        if (index !== undefined) known = { ...head, index }
      }
      if ((yield* Clock.currentTimeMillis) - began > patienceMillis) {
        return yield* new OutcomeUnknown({ operation: "the commit", reason: "others write the index without end" })
      }
    }
  })

  interface Draft {
    readonly actor: string
    readonly events: Committed["events"]
  }

  /**
   * The decisions of a group with their revisions, once their record exists; nothing where another was first, or where
   * nothing would be written and the head may be old: its record proves that a decision was made on the last state.
   */
  const commitOnce = Effect.fnUntraced(function*(
    proposals: ReadonlyArray<Proposal>,
    head: Head,
    isFresh: boolean
  ): Effect.fn.Return<ReadonlyArray<Committed> | undefined, WriteFault> {
    removal.begin()
    const decisions = yield* decideInTurn(head.state, proposals)
    const foreign = foreignDrafts(head)
    const own = decisions.flatMap(({ draft }): ReadonlyArray<Draft> => draft === undefined ? [] : [draft])
    const drafts = [...foreign, ...own]
    const doomed = removal.toRemove()
    const verdicts = removal.verdicts(own.flatMap(({ events }) => events))
    const isIdle = drafts.length === 0 && verdicts.reveals.size === 0
    if (!isFresh && (isIdle || doomed.length > 0)) return undefined
    if (isIdle && !head.isForeign) {
      yield* removal.remove(doomed, head.date)
      return answers(decisions, [])
    }
    yield* checked
    const previous = head.last
    const number = (previous?.record.number ?? 0) + 1
    const first = lastRevision(head) + 1
    const time = Math.max(head.date, previous?.record.time ?? 0)
    const after = decisions.at(-1)?.after ?? head.state
    const standing = yield* standingOf(head)
    const { bytes, line } = writeRecord({
      journal: previous?.record.journal ?? (yield* randomHex(32)),
      number,
      previous: previous?.hash ?? genesis,
      id: yield* randomHex(16),
      time,
      revision: first + drafts.length - 1,
      entries: hashOfEntries(after),
      ...(head.isForeign && head.index !== undefined ? { took: sha256(head.index.bytes) } : {}),
      ...sentencesAfter(previous?.record ?? {}, standing, verdicts, { number, time }),
      ...folding.floorAfter(previous, time),
      commits: drafts.map(({ actor, events }, place) => ({ revision: first + place, time, actor, events }))
    })
    if (previous === undefined) yield* createMarker(head.date)
    const created = yield* createRecord(store, bytes, line, head.date)
    if (created !== "created") {
      yield* turns.lost
      // Others have written, or this head is too old: what holds is looked at before it is decided again.
      return undefined
    }
    const lines = [...head.lines, line]
    known = {
      ...shortened({ base: head.base, lines, last: line, head: after }),
      index: head.index,
      state: after,
      toolState: after,
      isForeign: false,
      date: head.date,
      looked: head.looked
    }
    const revisions = own.map((_, place) => first + foreign.length + place)
    yield* removal.remove(doomed, head.date)
    yield* Effect.forkIn(folding.tidy(line, head.date), scope)
    if (publishMillis > 0) return answers(decisions, revisions)
    const index = yield* writeIndex(store, known)
    // Where others were first, it is published with what they wrote before this is answered.
    if (index !== undefined) known = { ...known, index }
    return answers(decisions, revisions)
  })

  const folding = makeFolding(store, past)

  const createMarker = (relies: number) =>
    Effect.asVoid(Effect.catchIf(
      store.put(markerKey, marker, { condition: absent, relies }),
      isLost,
      () => store.put(markerKey, marker, { condition: absent, relies })
    ))

  const turns = makeTurns()
  const groups = yield* makeGroupCommit<Proposal, Committed, WriteFault>({
    acquire: Effect.void,
    run: Effect.fnUntraced(function*(proposals) {
      yield* turns.take
      const began = yield* Clock.currentTimeMillis
      for (let tries = 0;; tries++) {
        // The first try is made on what is known: nothing is asked where that was looked at just now.
        const now = yield* Clock.currentTimeMillis
        const recent = tries > 0 || proposals.includes(lookOnly) ? undefined : recentAt(now)
        const isFresh = recent === undefined
        const head = recent ?? (yield* lookStrictly)
        const answered = yield* commitOnce(proposals, head, isFresh)
        if (answered !== undefined) {
          if (tries === 0) yield* turns.won(now)
          if (isBehind()) yield* publishMillis > 0 && !proposals.includes(lookOnly) ? publishLater : publishAll()
          return answered
        }
        const waited = (yield* Clock.currentTimeMillis) - began
        if (waited > patienceMillis) {
          return yield* new LayoutLocked({
            path: indexKey,
            waitedMillis: waited,
            holder: "other writers of the bucket"
          })
        }
        if (tries > 1) yield* Effect.sleep((yield* Random.next) * Math.min(2 ** tries, mostPauseMillis))
      }
    })
  })

  let isWaiting = false
  /** In the background, until it is done; by then others may wait again. */
  const publishing: Effect.Effect<void> = Effect.gen(function*() {
    yield* Effect.sleep(publishMillis)
    isWaiting = false
    yield* Effect.ignore(groups.submit(lookOnly))
    if (isBehind()) yield* publishLater
  })
  const publishLater: Effect.Effect<void> = Effect.suspend(() => {
    if (isWaiting) return Effect.void
    isWaiting = true
    return Effect.asVoid(Effect.forkIn(publishing, scope))
  })
  if (publishMillis > 0) {
    // Where it fails now, the next writer publishes what was answered.
    yield* Effect.addFinalizer(() => Effect.ignore(Effect.suspend(() => isBehind() ? publishAll() : Effect.void)))
  }

  return {
    look,
    past,
    standing,
    standingNow,
    standingAnew: Effect.flatMap(look, standingOf),
    snapshot: Effect.map(look, ({ state }) => state),
    recent: Effect.flatMap(
      Clock.currentTimeMillis,
      (now) => Effect.map(lookedJustNow(now) ?? look, ({ state }) => state)
    ),
    reveal: Effect.fnUntraced(function*(digest) {
      let isThere = false
      const proposal = propose(yield* Actor, {
        evidence: () => standing,
        decide: (_, { hidden }) => {
          isThere = hidden.has(digest)
          if (isThere) removal.reveal(digest)
          return Result.succeed([])
        }
      })
      yield* groups.submit(proposal)
      yield* proposal.refusal
      return isThere
    }),
    tend: Effect.asVoid(Effect.suspend(() => groups.submit(lookOnly))),
    transact: Effect.fnUntraced(function*(transaction) {
      const proposal = propose(yield* Actor, removal.condemningTransaction(transaction))
      const committed = yield* groups.submit(proposal)
      yield* proposal.refusal
      yield* countCommit(committed)
      return committed
    })
  }
})
