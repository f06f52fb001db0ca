/** Commits groups of decisions: a record under the next number decides, the index is published, then it is answered. */
import { Clock, Effect, Random, Result, type Scope } from "effect"
import { isNote } from "../../layout/Event.ts"
import { difference } from "../../layout/reconcile.ts"
import type { State } from "../../layout/State.ts"
import { answers, decideInTurn, lookOnly, type Proposal, propose } from "../../node/commit/decisions.ts"
import { makeGroupCommit } from "../../node/commit/groupCommit.ts"
import { emptyIndex, putTogether, takeApart } from "../../node/index/indexText.ts"
import { generationText, genesis, sha256 } from "../../node/journal/journalRecord.ts"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import { LayoutLocked, OutcomeUnknown, Unsupported } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import { Actor } from "../../ops/api/Actor.ts"
import type { Committed, LayoutStore } from "../../ops/ports/ports.ts"
import { countCommit } from "../../ops/ports/telemetry.ts"
import {
  absent,
  type Answer,
  type Changed,
  type ObjectStore,
  type StoreFault,
  unchanged
} from "../store/ObjectStore.ts"
import { checkStore } from "./checkStore.ts"
import { generationOf, type Head, type IndexFound, indexKey, isPublished, makeLook } from "./head.ts"
import { randomHex } from "./newId.ts"
import { hashOfEntries, keyOfRecord, type Line, readRecord, writeRecord } from "./record.ts"

/** How long a group is decided anew because others were first: milliseconds. */
const patienceMillis = 30_000

export const markerKey = "oci-layout"
export const marker = new Uint8Array(Buffer.from(`{"imageLayoutVersion":"1.0.0"}\n`))

const isLost = (fault: StoreFault): boolean => fault._tag === "RemoteError" && fault.passing

export interface BucketLayout extends LayoutStore {
  /** What holds now. */
  readonly look: Effect.Effect<Head, ReadFault>
}

export const makeBucketLayout = Effect.fnUntraced(function*(
  store: ObjectStore,
  defaultRepository: Repository | undefined
): Effect.fn.Return<BucketLayout, never, Scope.Scope> {
  const lookFrom = makeLook(store, defaultRepository)
  let known: Head | undefined
  const look = Effect.suspend(() => lookFrom(known)).pipe(
    Effect.tap((head) => Effect.sync(() => void (known = head))),
    Effect.tapError(() => Effect.sync(() => void (known = undefined)))
  )

  /** Creates a record; nothing where another one has the number. Its answer is never guessed. */
  const create = Effect.fnUntraced(function*(
    bytes: Uint8Array,
    line: Line,
    relies: number
  ): Effect.fn.Return<"created" | "taken" | "expired", WriteFault> {
    const key = keyOfRecord(line.record.number)
    const began = yield* Clock.currentTimeMillis
    for (let wasLost = false;;) {
      const answered = yield* store.put(key, bytes, { condition: absent, relies }).pipe(
        Effect.map((answer): Answer<Changed> | undefined => answer),
        Effect.catchIf(isLost, () => Effect.undefined)
      )
      if (answered?.value._tag === "Done") return "created"
      if (answered === undefined) {
        wasLost = true
        if ((yield* Clock.currentTimeMillis) - began > patienceMillis) {
          return yield* new OutcomeUnknown({ operation: "the commit", reason: "the store does not answer" })
        }
        yield* Effect.sleep(100)
        continue
      }
      if (answered.value._tag === "Expired" && !wasLost) return "expired"
      const { value } = yield* store.get(key)
      if (value === undefined || value === "unchanged") return "expired"
      const found = readRecord(value.bytes)
      return found._tag === "Success" && found.success.hash === line.hash ? "created" : "taken"
    }
  })

  /** Writes the index of a head, and tells of it; nothing where it was replaced meanwhile. */
  const publish = Effect.fnUntraced(function*(
    { date, head, index, lines }: Head
  ): Effect.fn.Return<IndexFound | undefined, WriteFault> {
    const last = lines.at(-1)
    if (last === undefined) return undefined
    const written = index === undefined ? emptyIndex : Buffer.from(index.bytes).toString()
    const values = index?.state.entries.map(({ value }) => value) ?? []
    const entries = head.entries.map(({ value }) => value)
    const generation = generationOf(last)
    const text = putTogether(takeApart(written, values), entries, generationText(generation))
    const bytes = new Uint8Array(Buffer.from(text))
    const etag = yield* store.put(indexKey, bytes, {
      condition: index === undefined ? absent : unchanged(index.etag),
      relies: date
    }).pipe(
      Effect.map(({ value }) => value._tag === "Done" ? value.etag : ""),
      // Reading it tells whether it was written.
      Effect.catchIf(isLost, () => Effect.succeed(""))
    )
    return etag === "" ? undefined : { etag, bytes, hash: sha256(bytes), state: head, generation }
  })

  /** Until the index is at a head, or after it; foreign changes that are found on the way are recorded. */
  const publishAll = Effect.fnUntraced(function*(): Effect.fn.Return<Head, WriteFault> {
    const began = yield* Clock.currentTimeMillis
    for (;;) {
      const head = yield* look
      if (isPublished(head)) return head
      if (head.isForeign) yield* commitOnce([], head)
      else {
        const index = yield* publish(head)
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

  /** The decisions of a group with their revisions, once their record exists; nothing where another was first. */
  const commitOnce = Effect.fnUntraced(function*(
    proposals: ReadonlyArray<Proposal>,
    head: Head
  ): Effect.fn.Return<ReadonlyArray<Committed> | undefined, WriteFault> {
    const decisions = yield* decideInTurn(head.state, proposals)
    const foreign = foreignDrafts(head)
    const own = decisions.flatMap(({ draft }): ReadonlyArray<Draft> => draft === undefined ? [] : [draft])
    const drafts = [...foreign, ...own]
    if (drafts.length === 0 && !head.isForeign) return answers(decisions, [])
    yield* checked
    const previous = head.lines.at(-1)
    const first = lastRevision(head) + 1
    const time = Math.max(head.date, previous?.record.commits.at(-1)?.time ?? 0)
    const after = decisions.at(-1)?.after ?? head.state
    const { bytes, line } = writeRecord({
      journal: previous?.record.journal ?? (yield* randomHex(32)),
      number: head.lines.length + 1,
      previous: previous?.hash ?? genesis,
      id: yield* randomHex(16),
      entries: hashOfEntries(after),
      ...(head.isForeign && head.index !== undefined ? { took: head.index.hash } : {}),
      commits: drafts.map(({ actor, events }, place) => ({ revision: first + place, time, actor, events }))
    })
    if (previous === undefined) yield* createMarker(head.date)
    const created = yield* create(bytes, line, head.date)
    if (created !== "created") return undefined
    known = { ...head, lines: [...head.lines, line], head: after, state: after, word: after, isForeign: false }
    const revisions = own.map((_, place) => first + foreign.length + place)
    const index = yield* publish(known)
    if (index === undefined) yield* publishAll()
    else known = { ...known, index }
    return answers(decisions, revisions)
  })

  let isChecked = false
  const checked = Effect.suspend(() =>
    isChecked ? Effect.void : Effect.andThen(checkStore(store), Effect.sync(() => void (isChecked = true)))
  )

  const createMarker = (relies: number) =>
    Effect.asVoid(Effect.catchIf(
      store.put(markerKey, marker, { condition: absent, relies }),
      isLost,
      () => store.put(markerKey, marker, { condition: absent, relies })
    ))

  const groups = yield* makeGroupCommit<Proposal, Committed, WriteFault>({
    acquire: Effect.void,
    run: Effect.fnUntraced(function*(proposals) {
      const began = yield* Clock.currentTimeMillis
      for (let tries = 0;; tries++) {
        const answered = yield* commitOnce(proposals, yield* look)
        if (answered !== undefined) {
          if (known !== undefined && !isPublished(known)) yield* publishAll()
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
        yield* Effect.sleep((yield* Random.next) * Math.min(10 * 2 ** tries, 500))
      }
    })
  })

  return {
    look,
    snapshot: Effect.map(look, ({ state }) => state),
    tend: Effect.asVoid(Effect.suspend(() => groups.submit(lookOnly))),
    transact: Effect.fnUntraced(function*(transaction) {
      const proposal = propose(yield* Actor, {
        evidence: transaction.evidence,
        decide: (state, evidence) =>
          Result.flatMap(
            transaction.decide(state, evidence),
            (events) => events.some(isNote) ? Result.fail(keepsContent) : Result.succeed(events)
          )
      })
      const committed = yield* groups.submit(proposal)
      yield* proposal.refusal
      yield* countCommit(committed)
      return committed
    })
  }
})

/** Removing content beside pushes takes the condemned list, which records do not have yet. */
const keepsContent = new Unsupported({
  operation: "removing content from a bucket",
  reason: "tags and manifests can be deleted, their content stays"
})

export const lastRevision = ({ lines }: Pick<Head, "lines">): number =>
  lines.findLast(({ record }) => record.commits.length > 0)?.record.commits.at(-1)?.revision ?? 0

/** What other tools did, as the commits that it will be: their word first, and then what holds against it. */
export const foreignDrafts = (
  { head, isForeign, state, word }: Pick<Head, "head" | "isForeign" | "state" | "word">
): ReadonlyArray<{ readonly actor: string; readonly events: Committed["events"] }> => {
  if (!isForeign) return []
  const steps: ReadonlyArray<readonly [actor: string, from: State, to: State]> = [
    ["foreign", head, word],
    ["ocilayout", word, state]
  ]
  return steps.flatMap(([actor, from, to]) => {
    const events = from === to ? [] : difference(from, to)
    return events.length === 0 ? [] : [{ actor, events }]
  })
}
