/** What a process knows of a layout in a bucket: its records up to the last, and its index. */
import { Clock, Effect, Result } from "effect"
import { indexLimits } from "../../layout/Command.ts"
import type { Event } from "../../layout/Event.ts"
import { replay } from "../../layout/evolve.ts"
import { merge, saidSince } from "../../layout/reconcile.ts"
import { empty, fromIndex, type State } from "../../layout/State.ts"
import { parseIndex } from "../../node/index/indexFile.ts"
import { type Generation, genesis, isOfGroup, sha256 } from "../../node/journal/journalRecord.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { HistoryInvalid, IndexInvalid, IndexTooLarge } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { ObjectStore } from "../store/ObjectStore.ts"
import { hashOfEntries, keyOfRecord, type Line, numberOfRecord, readRecord, recordsFolder } from "./record.ts"

export const indexKey = "index.json"

/** For how long a head may be read on from: after an hour the records after it may have been folded and removed. */
const headMillis = 60 * 60 * 1000

export interface IndexFound {
  readonly etag: string
  readonly bytes: Uint8Array
  readonly hash: string
  readonly state: State
  readonly generation: Generation | undefined
}

export interface Head {
  /** All records, the first one first. */
  readonly lines: ReadonlyArray<Line>
  /** The state after the last one. */
  readonly head: State
  readonly index: IndexFound | undefined
  /** The state that holds: the head's, with what other tools wrote into the index. */
  readonly state: State
  /** What another tool's index says of its own, where it was overruled: that is put on record first. */
  readonly word: State
  /** Whether the index has words of another tool that no record took in. */
  readonly isForeign: boolean
  /** The `Date` of the oldest answer in this: milliseconds since 1970. */
  readonly date: number
  /** When that was, by this machine's clock. */
  readonly at: number
}

/** Whether the index is what the last record published. */
export const isPublished = ({ index, lines }: Head): boolean => {
  const last = lines.at(-1)
  return last === undefined
    ? index === undefined
    : isOfGroup(index?.generation, generationOf(last)) && index !== undefined &&
      hashOfEntries(index.state) === last.record.entries
}

export const generationOf = ({ record: { id, journal, number } }: Line): Generation => ({ journal, seq: number, id })

const eventsOf = (lines: ReadonlyArray<Line>): ReadonlyArray<ReadonlyArray<Event>> =>
  lines.flatMap(({ record }) => record.commits.map(({ events }) => events))

const stateAfter = (lines: ReadonlyArray<Line>, defaultRepository: Repository | undefined): State =>
  eventsOf(lines).reduce(replay, empty(defaultRepository))

/** Looks at a layout: at what came since the last look, or at all of it. */
export const makeLook = (store: ObjectStore, defaultRepository: Repository | undefined) => {
  const readLine = Effect.fnUntraced(function*(number: number) {
    const { date, value } = yield* store.get(keyOfRecord(number))
    if (value === undefined || value === "unchanged") return { date, line: undefined }
    const line = readRecord(value.bytes)
    if (Result.isFailure(line) || line.success.record.number !== number) {
      return yield* new HistoryInvalid({ reason: `cannot be read at record ${number}` })
    }
    return { date, line: line.success }
  })

  /** Some records, which are there unless they are folded away meanwhile or were removed by hand. */
  const readLines = Effect.fnUntraced(function*(from: number, to: number) {
    const numbers = Array.from({ length: Math.max(0, to - from + 1) }, (_, k) => from + k)
    const found = yield* Effect.forEach(numbers, readLine, { concurrency: 8 })
    const lines: Array<Line> = []
    for (const { line } of found) {
      if (line === undefined) return yield* new HistoryInvalid({ reason: `has no record ${from + lines.length}` })
      lines.push(line)
    }
    return lines
  })

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
    return { date, index: { etag, bytes, hash: sha256(bytes), state, generation } }
  })

  const cold = Effect.gen(function*() {
    const { date, index } = yield* readIndex(undefined)
    const listed = yield* store.list(recordsFolder, 1)
    const last = numberOfRecord(listed.value[0]?.key ?? "") ?? 0
    const lines = yield* readLines(1, last)
    yield* chained(lines)
    return yield* together(lines, stateAfter(lines, defaultRepository), index, Math.min(date, listed.date))
  })

  const warm = Effect.fnUntraced(function*(known: Head) {
    const lines = [...known.lines]
    const { date, index } = yield* readIndex(known.index)
    let oldest = date
    for (;;) {
      const next = yield* readLine(lines.length + 1)
      oldest = Math.min(oldest, next.date)
      if (next.line === undefined) break
      lines.push(next.line)
    }
    const fresh = lines.slice(known.lines.length)
    if (fresh.length === 0 && index === known.index) {
      return { ...known, date: oldest, at: yield* Clock.currentTimeMillis }
    }
    yield* chained(lines)
    return yield* together(lines, eventsOf(fresh).reduce(replay, known.head), index, oldest)
  })

  const together = Effect.fnUntraced(function*(
    lines: ReadonlyArray<Line>,
    head: State,
    index: IndexFound | undefined,
    date: number
  ): Effect.fn.Return<Head> {
    const merged = foreignWord(lines, head, index, defaultRepository)
    return { lines, head, index, ...merged, date, at: yield* Clock.currentTimeMillis }
  })

  return (known: Head | undefined): Effect.Effect<Head, ReadFault> =>
    Effect.flatMap(
      Clock.currentTimeMillis,
      (now) => known === undefined || now - known.at >= headMillis ? cold : warm(known)
    )
}

const chained = (lines: ReadonlyArray<Line>): Effect.Effect<void, HistoryInvalid> => {
  const broken = lines.findIndex(({ record }, place) => record.previous !== (lines[place - 1]?.hash ?? genesis))
  return broken < 0
    ? Effect.void
    : Effect.fail(new HistoryInvalid({ reason: `has a broken chain at record ${broken + 1}` }))
}

/** The state that holds, given an index that another tool may have written. */
const foreignWord = (
  lines: ReadonlyArray<Line>,
  head: State,
  index: IndexFound | undefined,
  defaultRepository: Repository | undefined
): Pick<Head, "isForeign" | "state" | "word"> => {
  const nothing = { state: head, word: head, isForeign: false }
  if (index === undefined) return nothing
  if (lines.length === 0) return { state: index.state, word: index.state, isForeign: index.state.entries.length > 0 }
  const { generation } = index
  const base = lines.findIndex((line) => isOfGroup(generation, generationOf(line)))
  const entries = hashOfEntries(index.state)
  const isStale = base >= 0 && lines[base]?.record.entries === entries
  const isTaken = lines.slice(Math.max(base, 0)).some(({ record }) => record.took === index.hash)
  if (isStale || isTaken) return nothing
  const since = (from: number) => ({
    said: saidSince(stateAfter(lines.slice(0, from), defaultRepository), eventsOf(lines.slice(from)))
  })
  const isOfJournal = generation?.journal === lines[0]?.record.journal
  const adopted = lines[0]?.record.commits[0]?.actor === "foreign" ? 1 : 0
  const merged = merge(
    head,
    index.state,
    base >= 0
      ? since(base + 1)
      : isOfJournal
      ? { ...since(0), diverged: true }
      : { ...since(adopted), adopted: stateAfter(lines.slice(0, adopted), defaultRepository) }
  )
  return { ...merged, isForeign: true }
}
