/** What a process knows of a layout in a bucket: its last records, and its index. */
import { Clock, Effect, Result } from "effect"
import { indexLimits } from "../../layout/Command.ts"
import { merge, saidSince } from "../../layout/reconcile.ts"
import { empty, fromIndex, type State } from "../../layout/State.ts"
import { parseIndex } from "../../node/index/indexFile.ts"
import type { IndexText } from "../../node/index/indexText.ts"
import { type Generation, isOfGroup, sha256 } from "../../node/journal/journalRecord.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { IndexInvalid, IndexTooLarge } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { ObjectStore } from "../store/ObjectStore.ts"
import { chained, eventsOf, type Past, stateAfter, type Stretch } from "./past.ts"
import { hashOfEntries, numberOfRecord, recordsFolder, type StoredRecord } from "./record.ts"

export const indexKey = "index.json"

/** For how long a head may be read on from, by the store's clock: after an hour the records after it may be gone. */
const headMillis = 60 * 60 * 1000
/** How many records a process keeps in memory. */
const rememberedRecords = 1024

export interface IndexFound {
  readonly etag: string
  readonly bytes: Uint8Array
  /** What its entries are written into, where it was taken apart before. */
  readonly text?: IndexText
  readonly state: State
  readonly generation: Generation | undefined
}

/** What the records say, as far back as was needed. */
interface Known extends Stretch {
  /** The last record, whether it is among the lines or not. */
  readonly last: StoredRecord | undefined
  /** The state after it. */
  readonly head: State
}

export interface Head extends Known {
  readonly index: IndexFound | undefined
  /** The state that holds: the head's, with what other tools wrote into the index. */
  readonly state: State
  /** The state with the other tool's values, also where ours stay in effect. It is recorded first. */
  readonly toolState: State
  /** Whether the index has words of another tool that no record took in. */
  readonly isForeign: boolean
  /** The `Date` of the oldest answer in this: milliseconds since 1970. */
  readonly date: number
  /** When the index was looked at, by this machine's clock. */
  readonly looked: number
}

/** Whether the index is what the last record published. */
export const isPublished = ({ index, last }: Pick<Head, "index" | "last">): boolean =>
  last === undefined ? index === undefined : index !== undefined && isOf(index, last)

/** Whether the index is what a record of this number or a later one left. */
export const isPublishedFrom = ({ index, isForeign, last }: Head, number: number): boolean =>
  !isForeign && index?.generation?.journal === last?.record.journal && (index?.generation?.seq ?? -1) >= number

const isOf = ({ generation, state }: IndexFound, line: StoredRecord): boolean =>
  isOfGroup(generation, generationOf(line)) && hashOfEntries(state) === line.record.entries

export const generationOf = ({ record: { id, journal, number } }: StoredRecord): Generation => ({
  journal,
  seq: number,
  id
})

/**
 * Looks at a layout: at what came since the last look, or at all of it. The index is read where it was not for
 * `foreignMillis`, where there are new records, and always with `strict`.
 */
export const makeLook = (
  store: ObjectStore,
  past: Past,
  { defaultRepository, foreignMillis }: {
    readonly defaultRepository: Repository | undefined
    readonly foreignMillis: number
  }
) => {
  const readIndex = Effect.fnUntraced(function*(known: IndexFound | undefined) {
    const { date, value } = yield* store.get(indexKey, { unless: known?.etag })
    if (value === "unchanged") return { date, index: known }
    if (value === undefined) return { date, index: undefined }
    const { bytes, etag } = value
    if (bytes.length > indexLimits.bytes) {
      return yield* new IndexTooLarge({ what: "bytes", actual: bytes.length, limit: indexLimits.bytes })
    }
    const parsed = parseIndex(bytes)
    if (Result.isFailure(parsed)) return yield* new IndexInvalid({ path: indexKey, reason: parsed.failure })
    const { entries, generation } = parsed.success
    const state = fromIndex(entries, { defaultRepository, bytes: bytes.length })
    return { date, index: { etag, bytes, state, generation } }
  })

  /** The records since the one that an index names, where it says what that left; else from a state before it. */
  const since = Effect.fnUntraced(function*(
    index: IndexFound | undefined,
    last: StoredRecord
  ): Effect.fn.Return<Known, ReadFault> {
    const { floor, journal, number } = last.record
    const named = index?.generation?.journal === journal ? index.generation.seq : 0
    if (index !== undefined && named <= number && named >= (floor?.number ?? 1)) {
      const lines = yield* past.lines(named, number)
      const [first, ...rest] = lines
      if (first !== undefined && isOf(index, first)) {
        const base = { number: named, revision: first.record.revision, state: index.state }
        return { base, lines: rest, last, head: stateAfter({ base, lines: rest }) }
      }
    }
    return yield* from(named, last)
  })

  const from = Effect.fnUntraced(function*(number: number, last: StoredRecord): Effect.fn.Return<Known, ReadFault> {
    const needed = Math.min(number, last.record.number)
    const stretch = yield* past.stretch(needed, last.record.number, last.record.floor?.number ?? 1)
    return { ...stretch, last, head: stateAfter(stretch) }
  })

  const cold: Effect.Effect<Head, ReadFault> = Effect.gen(function*() {
    const lastNumber = Effect.map(store.list(recordsFolder, 1), ({ date, value }) => ({
      date,
      number: numberOfRecord(value[0]?.key ?? "")
    }))
    const [{ date, index }, early] = yield* Effect.all([readIndex(undefined), lastNumber], { concurrency: 2 })
    // The index may have been published between the two.
    const isLate = index?.generation !== undefined && index.generation.seq > (early.number ?? 0)
    const listed = isLate ? yield* lastNumber : early
    const { number } = listed
    const oldest = Math.min(date, listed.date)
    if (number === undefined) {
      const emptyState = empty(defaultRepository)
      const base = { number: 0, revision: 0, state: emptyState }
      return yield* together({ base, lines: [], last: undefined, head: emptyState }, index, oldest)
    }
    const [last] = yield* past.lines(number, number)
    if (last === undefined) return yield* Effect.die(`no record ${number}`)
    if (index !== undefined && isOf(index, last)) {
      const base = { number, revision: last.record.revision, state: index.state }
      return yield* together({ base, lines: [], last, head: index.state }, index, oldest)
    }
    return yield* together(yield* since(index, last), index, oldest)
  })

  const warm = Effect.fnUntraced(function*(known: Head, strict: boolean): Effect.fn.Return<Head, ReadFault> {
    const now = yield* Clock.currentTimeMillis
    const isDue = strict || now - known.looked >= foreignMillis || now < known.looked
    const read = readIndex(known.index)
    const number = known.last?.record.number ?? 0
    const [early, first] = yield* Effect.all([isDue ? read : Effect.undefined, past.record(number + 1)], {
      concurrency: 2
    })
    const oldest = Math.min(first.date, early?.date ?? first.date)
    // Old records may have been folded and removed meanwhile: the next one that is missing says nothing.
    if (first.date - known.date > headMillis) return yield* cold
    const fresh: Array<StoredRecord> = []
    const next = Effect.suspend(() => past.record(number + 1 + fresh.length))
    for (let { line } = first; line !== undefined; { line } = yield* next) fresh.push(line)
    const found = early ?? (fresh.length === 0 ? undefined : yield* read)
    const index = found === undefined ? known.index : found.index
    // The index may have been published after its record was asked for.
    const { generation } = index ?? {}
    if (generation !== undefined && generation.journal === (fresh.at(-1) ?? known.last)?.record.journal) {
      while (generation.seq > number + fresh.length) {
        const { line } = yield* next
        if (line === undefined) break
        fresh.push(line)
      }
    }
    const looked = found === undefined ? known.looked : now
    if (fresh.length === 0 && index === known.index) return { ...known, date: oldest, looked }
    yield* chained([...(known.last === undefined ? [] : [known.last]), ...fresh])
    const head = eventsOf(fresh).length === 0
      ? known.head
      : stateAfter({ base: { ...known.base, state: known.head }, lines: fresh })
    const last = fresh.at(-1) ?? known.last
    return yield* together({ base: known.base, lines: [...known.lines, ...fresh], last, head }, index, oldest)
  })

  const together = Effect.fnUntraced(function*(
    known: Known,
    index: IndexFound | undefined,
    date: number
  ): Effect.fn.Return<Head, ReadFault> {
    const looked = yield* Clock.currentTimeMillis
    const { head, last } = known
    const nothing = { state: head, toolState: head, isForeign: false }
    if (index === undefined || isPublished({ index, last })) {
      return { ...shortened(known), index, ...nothing, date, looked }
    }
    if (last === undefined) {
      const isForeign = index.state.entries.length > 0
      return { ...known, index, state: index.state, toolState: index.state, isForeign, date, looked }
    }
    const named = index.generation?.journal === last.record.journal ? index.generation.seq : 0
    // The records after the one that the index names tell whether a value in the index is old or new.
    const enough = named >= known.base.number && (named > 0 || known.base.number === 0)
      ? known
      : yield* from(named, last)
    return { ...enough, index, ...foreignWord(enough, head, index, last), date, looked }
  })

  return (known: Head | undefined, strict: boolean): Effect.Effect<Head, ReadFault> =>
    known === undefined ? cold : warm(known, strict)
}

/** Without the records that are not needed as long as the index is what it should be. */
export const shortened = (known: Known): Known => {
  const { head, last, lines } = known
  if (last === undefined || lines.length <= rememberedRecords) return known
  const { number, revision } = last.record
  return { base: { number, revision, state: head }, lines: [], last, head }
}

/** The state that holds, given an index that another tool may have written. */
const foreignWord = (
  { base, lines }: Stretch,
  head: State,
  index: IndexFound,
  last: StoredRecord
): Pick<Head, "isForeign" | "state" | "toolState"> => {
  const { generation } = index
  const isOfJournal = generation?.journal === last.record.journal
  const until = (number: number): ReadonlyArray<StoredRecord> => lines.filter(({ record }) => record.number <= number)
  const from = (number: number): ReadonlyArray<StoredRecord> => lines.filter(({ record }) => record.number > number)
  const after = (number: number): State => stateAfter({ base, lines: until(number) })
  const said = (number: number) => ({ said: saidSince(after(number), eventsOf(from(number))) })
  const isBase = isOfJournal &&
    (generation.seq === base.number || lines.some((line) => isOfGroup(generation, generationOf(line))))
  const nothing = { state: head, toolState: head, isForeign: false }
  const named = isBase ? generation.seq : base.number
  const isStale = isBase && hashOfEntries(index.state) === hashOfEntries(after(named))
  const hash = sha256(index.bytes)
  const isTaken = lines.some(({ record }) => record.number > named && record.took === hash)
  if (isStale || isTaken) return nothing
  if (isBase) return { ...merge(head, index.state, said(named)), isForeign: true }
  if (isOfJournal) return { ...merge(head, index.state, { ...said(base.number), diverged: true }), isForeign: true }
  const adopted = lines[0]?.record.commits[0]?.actor === "foreign" ? base.number + 1 : base.number
  return { ...merge(head, index.state, { ...said(adopted), adopted: after(adopted) }), isForeign: true }
}
