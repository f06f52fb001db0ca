/** A commit, in the order of rules 3 and 4. */
import { sync } from "./durability.ts"
import { hashOf, parse, print, torn } from "./indexes.ts"
import { changesBetween, type Commit, type Group, type JournalRecord } from "./journal.ts"
import { allowWrite, newWrite } from "./obligations.ts"
import type { Without } from "./Rules.ts"
import { createFile, type Displaced, fileOf, identityOf, type State, type View } from "./State.ts"
import {
  abortOf,
  answer,
  append,
  type Change,
  finish,
  lookLeft,
  need,
  removeDisplaced,
  retry,
  sweep,
  syncBoth,
  syncJournal,
  type Turn,
  viewOf
} from "./turn.ts"

const commitsOf = (last: JournalRecord | undefined, view: View): ReadonlyArray<Commit> => {
  const first = last === undefined
    ? 1
    : last.kind === "abort"
    ? last.revision
    : (last.commits.at(-1)?.revision ?? 0) + 1
  const foreign = changesBetween(view.head, view.found)
  const ours = changesBetween(view.found, view.target)
  const commits: Array<Commit> = []
  if (foreign.length > 0 || view.foreignCommit || ours.length === 0) {
    commits.push({ revision: first, by: "foreign", changes: foreign })
  }
  if (ours.length > 0) commits.push({ revision: first + commits.length, by: "ours", changes: ours })
  return commits
}

/** Rule 18: a clock that was set back makes no record older than the one before it. */
const timeOf = ({ clock, journal }: State, rules: Without): number =>
  rules.has("times of records go back") ? clock : Math.max(clock, journal.at(-1)?.time ?? clock)

/** Rule 8: the hash leaves out `after`, and has in it who wrote the record, and for the how manieth time. */
const groupOf = (draft: State, { k, rules, writer }: Turn, view: View): Group => {
  const last = draft.journal.at(-1)
  const journal = last?.journal ?? `J${draft.journals}`
  const record = {
    kind: "group",
    journal,
    number: (last?.number ?? 0) + 1,
    before: view.bytes,
    commits: commitsOf(last, view),
    time: timeOf(draft, rules),
    realTime: draft.realTime,
    identities: draft.identities
  } as const
  const hash = hashOf(JSON.stringify([record, last?.hash, k, writer.at, writer.tries, writer.merges]))
  return { ...record, hash, after: print(view.target, { journal, number: record.number, hash }) }
}

export const writeWaitingFile: Change = (draft, turn) => {
  const record = groupOf(draft, turn, viewOf(turn))
  if (draft.journal.length === 0) draft.journals++
  const waiting = createFile(draft, record.after)
  const entry = { before: record.before, after: record.after, file: waiting, since: draft.clock }
  draft.displaced = [...draft.displaced, entry]
  draft.pending = [...draft.pending, { in: "displaced", kind: "add", entry }]
  if (parse(record.before).generation === undefined && !turn.rules.has("a first waiting file is not synced by name")) {
    sync(draft, "displaced", turn.world.fileSystem)
  }
  return { record, waiting, phase: "append the record" }
}

export const appendRecord: Change = (draft, turn) => {
  if (identityOf(draft) !== viewOf(turn).identity) return { phase: "remove the waiting file" }
  append(draft, need(turn.writer.record))
  return { phase: "sync the journal" }
}

export const syncTheJournal: Change = (draft, { rules }) => {
  if (!rules.has("the journal is not synced before the exchange")) syncJournal(draft)
  return { phase: "check the identity" }
}

export const checkIdentity: Change = (draft, turn) => {
  if (identityOf(draft) === viewOf(turn).identity) return { phase: "exchange" }
  return {
    phase: turn.rules.has("the waiting file goes before the abort record") ? "remove the waiting file" : "abort"
  }
}

export const exchange: Change = (draft, { command, world, writer }) => {
  const old = draft.index
  const waiting = need(writer.waiting)
  const entry = need(draft.displaced.find(({ file }) => file === waiting))
  const displaced: Displaced = { ...entry, file: old, since: draft.clock }
  if (world.noExchange === true) {
    draft.displaced = [...draft.displaced.filter((each) => each !== entry), displaced]
    draft.pending = [
      ...draft.pending,
      { in: "displaced", kind: "add", entry: displaced },
      { in: "layout", kind: "half", index: waiting },
      { in: "displaced", kind: "half", file: waiting, by: undefined }
    ]
  } else {
    draft.displaced = draft.displaced.map((each) => each === entry ? displaced : each)
    draft.pending = [
      ...draft.pending,
      { in: "layout", kind: "half", index: waiting },
      { in: "displaced", kind: "half", file: waiting, by: displaced }
    ]
  }
  draft.files = { ...draft.files, [old]: { ...fileOf(draft, old), ctime: draft.clock } }
  draft.index = waiting
  if (command[0] !== "set" || writer.answered) return { displaced, phase: "sync the folders" }
  const own = newWrite(draft, command[2])
  allowWrite(draft, command[1], own)
  return { displaced, own, phase: "sync the folders" }
}

/** Rule 7. */
export const lookWhetherDone: Change = (draft, { rules, writer }) => {
  const isDone = rules.has("the index decides on a failed exchange")
    ? draft.index === writer.waiting
    : !draft.displaced.some(({ file }) => file === writer.waiting)
  return { phase: isDone ? "sync the folders" : "abort" }
}

export const syncFolders: Change = (draft, turn) => {
  syncBoth(draft, turn)
  return { phase: "look at what was displaced" }
}

export const lookAtDisplaced: Change = (draft, turn) => {
  const { command, rules, writer } = turn
  const record = need(writer.record)
  const displaced = need(writer.displaced)
  answer(draft, turn, record)
  const bytes = draft.files[displaced.file]?.bytes
  const changed = bytes !== undefined && bytes !== displaced.before && bytes !== torn
  if (command[0] === "collect" && !writer.answered) return { phase: "collect" }
  sweep(draft, rules, viewOf(turn).merged)
  if (changed && writer.merges < 2) {
    return { ...retry, answered: true, merges: writer.merges + 1, tries: 0, phase: "wait for the lock" }
  }
  if (draft.files[draft.index]?.bytes === record.after) lookLeft(draft)
  return finish(draft, turn)
}

export const abort: Change = (draft, { rules, writer }) => {
  if (rules.has("no abort record is written")) return { phase: "remove the waiting file" }
  append(draft, abortOf(need(writer.record), draft.clock))
  return { phase: "sync the abort" }
}

export const syncAbort: Change = (draft, { rules }) => {
  if (!rules.has("the abort record is not synced")) syncJournal(draft)
  return {
    phase: rules.has("the waiting file goes before the abort record") ? "try again" : "remove the waiting file"
  }
}

export const removeWaitingFile: Change = (draft, { rules, writer }) => {
  removeDisplaced(draft, need(writer.waiting))
  const stands = draft.journal.at(-1)?.hash === writer.record?.hash
  return {
    phase: stands && rules.has("the waiting file goes before the abort record") ? "abort" : "try again"
  }
}

export const tryAgain: Change = (draft, turn) => {
  const { command, world, writer } = turn
  const tries = writer.tries + 1
  if (tries < (world.tries ?? 2)) return { ...retry, tries, phase: "wait for the lock" }
  if (command[0] === "set" && !writer.answered) {
    draft.refused = [...draft.refused, { name: command[1], to: command[2] }]
  }
  return finish(draft, turn)
}
