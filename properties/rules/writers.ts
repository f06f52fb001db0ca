/** Our writers, one step at a time, as rules 1 to 5, 13 and 20 order their steps. */
import { collect, holdAll, knownToReach, push, putBack, syncContent } from "./contents.ts"
import { sync } from "./durability.ts"
import { at, hashOf, parse, print, sameEntries, sameGeneration, torn, withEntry } from "./indexes.ts"
import {
  type Abort,
  changesBetween,
  type Commit,
  committed,
  generationOf,
  type Group,
  type JournalRecord
} from "./journal.ts"
import { type Found, found, withDisplaced } from "./merge.ts"
import { allowedOf, allowWrite, answered, newWrite } from "./obligations.ts"
import { older, type Without } from "./Rules.ts"
import {
  createFile,
  type Displaced,
  type FileId,
  fileOf,
  identityOf,
  nothing,
  type Phase,
  readableIndex,
  replaceAt,
  replaceIndex,
  type State,
  type Step,
  step,
  type View,
  type Writer
} from "./State.ts"
import { absent, type Command, day, type Entries, minute, type World } from "./World.ts"

interface Turn {
  readonly world: World
  readonly rules: Without
  readonly command: Command
  readonly writer: Writer
  readonly k: number
}

type Change = (draft: State, turn: Turn) => Partial<Writer> | undefined

/** The command is over: the next one begins anew. */
const next = ({ at }: Writer): Writer => ({ phase: "idle", at: at + 1, tries: 0, answered: false, merges: 0 })

const finish = (draft: State, { k, writer }: Turn): undefined => {
  if (draft.lock === k) draft.lock = -1
  draft.writers = replaceAt(draft.writers, k, next(writer))
}

const need = <A>(value: A | undefined): A => {
  if (value === undefined) throw new Error("a writer is in a phase that it cannot be in")
  return value
}

const viewOf = ({ writer }: Turn): View => need(writer.view)

const retry = { view: undefined, record: undefined, waiting: undefined, displaced: undefined } as const

const lookLeft = (draft: State): void => {
  draft.newCopy = false
  draft.leftIndex = draft.files[draft.index]?.bytes
}

/** Journal and displaced files of what was here before are kept, for as long as the window of undo. */
const putAside = (draft: State, rules: Without): void => {
  draft.aside = [...draft.aside, { journal: draft.journal, time: draft.clock, realTime: draft.realTime }]
  draft.journal = []
  draft.syncedRecords = 0
  if (rules.has("displaced files stay when the journal is put aside")) return
  draft.displaced = []
  draft.durable = { ...draft.durable, displaced: [] }
  draft.pending = draft.pending.filter((change) => change.in === "layout")
}

const removeDisplaced = (draft: State, file: FileId): void => {
  draft.displaced = draft.displaced.filter((each) => each.file !== file)
  draft.pending = [...draft.pending, { in: "displaced", kind: "remove", file }]
}

/** Rule 5. */
const sweep = (draft: State, rules: Without, merged: ReadonlyArray<FileId>): void => {
  const last = draft.journal.at(-1)
  const isOver = ({ after, before, file, since }: Displaced): boolean => {
    if (merged.includes(file)) return true
    if (draft.clock - since < minute) return false
    const decides = last?.kind === "group" && last.before === before && last.after === after
    if (decides && !rules.has("a sweep takes a file that still decides")) return false
    const { bytes } = fileOf(draft, file)
    return bytes === after || bytes === before || draft.clock - since >= day
  }
  for (const { file } of draft.displaced.filter(isOver)) removeDisplaced(draft, file)
}

const syncBoth = (draft: State, { rules, world }: Turn): void => {
  if (!rules.has("no folder is synced before the answer")) sync(draft, "layout", world.fileSystem)
  if (rules.has("no folder is synced before the answer")) return
  if (!rules.has("the folder of displaced files is not synced")) sync(draft, "displaced", world.fileSystem)
}

const answer = (draft: State, { command, writer }: Turn, record?: Group): void => {
  if (command[0] !== "set" || writer.answered) return
  const [, name, to] = command
  answered(draft, name, to, writer.before ?? [], writer.own)
  const own = record?.commits.find(({ by }) => by === "ours")
  if (record === undefined || own === undefined) return
  const revision = own.revision
  draft.acknowledged = [...draft.acknowledged, { revision, name, to, hash: record.hash }]
}

const start: Change = (draft, { command, rules, world }) => {
  if (command[0] !== "set") return { phase: "wait for the lock" }
  const [, name, to] = command
  if (to !== absent) push(draft, [...world.layers?.[to] ?? [], to], "ours", rules)
  return { phase: "wait for the lock", before: allowedOf(draft.allowed, name) }
}

/** Rule 16: whether `blobs/` may have changed since the last listing. */
const mustList = ({ clock, listed, stamp }: State, rules: Without): boolean =>
  listed === undefined || listed.stamp !== stamp ||
  (listed.time - stamp < minute && !rules.has("a young stamp is trusted")) || stamp > clock

const targetOf = ({ command, writer }: Turn, entries: Entries): Entries =>
  command[0] === "set" && !writer.answered ? withEntry(entries, command[1], command[2]) : entries

/** Whether there is something to write. */
const isDirty = (
  { identities }: State,
  rules: Without,
  { bytes, entries, head, target, top }: {
    readonly bytes: string
    readonly head: Entries
    readonly entries: Entries
    readonly target: Entries
    readonly top: Group | undefined
  }
): boolean => {
  const index = parse(bytes)
  const moved = top !== undefined && JSON.stringify(top.identities) !== JSON.stringify(identities)
  const old = top !== undefined && !sameGeneration(index.generation, generationOf(top))
  return !sameEntries(target, head) || !sameEntries(target, index.entries) || !sameEntries(entries, index.entries) ||
    (moved && !rules.has("the folders of a copy are not recorded anew")) ||
    (old && !rules.has("the generation is not renewed"))
}

/** Rule 2: under the lock, a file that decides wrongly is removed before anything is answered. */
const removeWrongFile = (draft: State, { rules, world }: Turn, { unpublished, waits }: Found): void => {
  const last = draft.journal.at(-1)
  if (unpublished || !waits || last?.kind !== "group" || rules.has("a file that decides wrongly is left")) return
  const wrong = draft.displaced.filter(({ after, file }) => after === last.after && fileOf(draft, file).bytes === after)
  for (const { file } of wrong) removeDisplaced(draft, file)
  sync(draft, "displaced", world.fileSystem)
}

const lookUnderLock: Change = (draft, turn) => {
  const { k, rules, world } = turn
  draft.lock = k
  if (draft.index === nothing) {
    if (draft.journal.length > 0) putAside(draft, rules)
    replaceIndex(draft, createFile(draft, print({})))
    sync(draft, "layout", world.fileSystem)
  }
  if (world.programs[k]?.older === true) {
    if (draft.newerFormat && !rules.has("an older program goes on")) return finish(draft, turn)
  } else draft.newerFormat = true
  const file = fileOf(draft, draft.index)
  const result = found(rules, draft, file)
  const merges = !result.newLayout || rules.has("displaced files stay when the journal is put aside")
  const { entries, merged } = merges
    ? withDisplaced(rules, draft, result)
    : { entries: result.entries, merged: [] }
  syncBoth(draft, turn)
  removeWrongFile(draft, turn, result)
  if (result.newLayout) putAside(draft, rules)
  const target = targetOf(turn, entries)
  const { head } = result
  const top = committed(result.unpublished ? draft.journal.slice(0, -1) : draft.journal).at(-1)
  const dirty = isDirty(draft, rules, { bytes: file.bytes, head, entries, target, top })
  const plainRemoval = sameEntries(result.entries, parse(file.bytes).entries) && !sameEntries(head, entries)
  const view: View = {
    identity: identityOf(draft),
    bytes: file.bytes,
    head,
    found: entries,
    target,
    merged,
    foreignCommit: !sameEntries(parse(file.bytes).entries, entries),
    dirty,
    removedAt: plainRemoval ? Math.max(file.mtime, draft.journal.at(-1)?.time ?? 0) : undefined,
    lists: dirty || mustList(draft, rules)
  }
  const aborts = dirty && result.unpublished && !result.newLayout
  return { view, phase: aborts ? "abort what waits" : "complete content" }
}

const append = (draft: State, record: JournalRecord): void => {
  draft.journal = [...draft.journal, record]
}

const abortOf = ({ commits, hash, journal, number }: Group, time: number): Abort => ({
  kind: "abort",
  journal,
  number: number + 1,
  aborts: number,
  revision: commits[0]?.revision ?? 1,
  hash: `abort ${hash}`,
  time
})

const abortWhatWaits: Change = (draft) => {
  const last = draft.journal.at(-1)
  if (last?.kind === "group") append(draft, abortOf(last, draft.clock))
  return { phase: "sync that abort" }
}

const syncJournal = (draft: State): void => {
  draft.syncedRecords = draft.journal.length
}

/** Rules 15 to 17 and 21. */
const completeContent: Change = (draft, turn) => {
  const { command, rules, world, writer } = turn
  const view = viewOf(turn)
  const index = parse(view.bytes).entries
  const all = Object.entries(view.target)
    .filter(([name, content]) =>
      (command[0] === "set" && command[1] === name) ||
      (!rules.has("nothing is completed") &&
        (at(index, name) !== content || (view.lists && !rules.has("only entries that come back are completed"))))
    )
    .map(([, content]) => content)
  for (const content of all) putBack(draft, content)
  if (!rules.has("only manifests are completed")) {
    for (const content of knownToReach(draft, world, all)) putBack(draft, content)
  }
  if (view.lists) draft.listed = { stamp: draft.stamp, time: draft.clock }
  if (!rules.has("only what is pushed is held")) {
    holdAll(draft, world, Object.values(view.target))
    holdAll(draft, world, Object.values(view.head))
    if (!rules.has("what was found and replaced is not held")) {
      holdAll(draft, world, [...Object.values(view.found), ...Object.values(index)])
    }
  }
  syncContent(draft, rules)
  if (view.dirty) return { phase: "write the waiting file" }
  return { phase: command[0] === "collect" && !writer.answered ? "collect" : "nothing to write" }
}

const nothingToWrite: Change = (draft, turn) => {
  sweep(draft, turn.rules, [])
  answer(draft, turn)
  if (identityOf(draft) === viewOf(turn).identity) lookLeft(draft)
  return finish(draft, turn)
}

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

/** Rule 8: the hash leaves out `after`, and has in it who wrote the record, and for the how manieth time. */
const groupOf = (draft: State, { k, writer }: Turn, view: View): Group => {
  const last = draft.journal.at(-1)
  const journal = last?.journal ?? `J${draft.journals}`
  const record = {
    kind: "group",
    journal,
    number: (last?.number ?? 0) + 1,
    before: view.bytes,
    commits: commitsOf(last, view),
    time: draft.clock,
    realTime: draft.realTime,
    identities: draft.identities
  } as const
  const hash = hashOf(JSON.stringify([record, last?.hash, k, writer.at, writer.tries, writer.merges]))
  return { ...record, hash, after: print(view.target, { journal, number: record.number, hash }) }
}

const writeWaitingFile: Change = (draft, turn) => {
  const record = groupOf(draft, turn, viewOf(turn))
  if (draft.journal.length === 0) draft.journals++
  const waiting = createFile(draft, record.after)
  const entry = { before: record.before, after: record.after, file: waiting, since: draft.clock }
  draft.displaced = [...draft.displaced, entry]
  draft.pending = [...draft.pending, { in: "displaced", kind: "add", entry }]
  return { record, waiting, phase: "append the record" }
}

const appendRecord: Change = (draft, turn) => {
  if (identityOf(draft) !== viewOf(turn).identity) return { phase: "remove the waiting file" }
  append(draft, need(turn.writer.record))
  return { phase: "sync the journal" }
}

const syncTheJournal: Change = (draft, { rules }) => {
  if (!rules.has("the journal is not synced before the exchange")) syncJournal(draft)
  return { phase: "check the identity" }
}

const checkIdentity: Change = (draft, turn) => {
  if (identityOf(draft) === viewOf(turn).identity) return { phase: "exchange" }
  return {
    phase: turn.rules.has("the waiting file goes before the abort record") ? "remove the waiting file" : "abort"
  }
}

const abort: Change = (draft, { rules, writer }) => {
  if (rules.has("no abort record is written")) return { phase: "remove the waiting file" }
  append(draft, abortOf(need(writer.record), draft.clock))
  return { phase: "sync the abort" }
}

const syncAbort: Change = (draft, { rules }) => {
  if (!rules.has("the abort record is not synced")) syncJournal(draft)
  return {
    phase: rules.has("the waiting file goes before the abort record") ? "try again" : "remove the waiting file"
  }
}

const removeWaitingFile: Change = (draft, { rules, writer }) => {
  removeDisplaced(draft, need(writer.waiting))
  const stands = draft.journal.at(-1)?.hash === writer.record?.hash
  return {
    phase: stands && rules.has("the waiting file goes before the abort record") ? "abort" : "try again"
  }
}

const tryAgain: Change = (draft, turn) => {
  const { command, world, writer } = turn
  const tries = writer.tries + 1
  if (tries < (world.tries ?? 2)) return { ...retry, tries, phase: "wait for the lock" }
  if (command[0] === "set" && !writer.answered) {
    draft.refused = [...draft.refused, { name: command[1], to: command[2] }]
  }
  return finish(draft, turn)
}

const exchange: Change = (draft, { command, world, writer }) => {
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

const syncFolders: Change = (draft, turn) => {
  syncBoth(draft, turn)
  return { phase: "look at what was displaced" }
}

const lookAtDisplaced: Change = (draft, turn) => {
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

const collectUnderLock: Change = (draft, turn) => {
  const { head, removedAt, target } = viewOf(turn)
  collect(draft, turn.world, turn.rules, target, head, removedAt)
  return finish(draft, turn)
}

const changes: Readonly<Record<Phase, Change>> = {
  "idle": start,
  "wait for the lock": lookUnderLock,
  "abort what waits": abortWhatWaits,
  "sync that abort": (draft) => {
    syncJournal(draft)
    return { phase: "complete content" }
  },
  "complete content": completeContent,
  "nothing to write": nothingToWrite,
  "write the waiting file": writeWaitingFile,
  "append the record": appendRecord,
  "sync the journal": syncTheJournal,
  "check the identity": checkIdentity,
  "exchange": exchange,
  "sync the folders": syncFolders,
  "look at what was displaced": lookAtDisplaced,
  "collect": collectUnderLock,
  "abort": abort,
  "sync the abort": syncAbort,
  "remove the waiting file": removeWaitingFile,
  "try again": tryAgain
}

const isBlocked = (state: State, { phase, displaced }: Writer, k: number): boolean => {
  if (phase === "wait for the lock") {
    return (state.lock !== -1 && state.lock !== k) || (state.index !== nothing && readableIndex(state) === undefined)
  }
  if (phase !== "look at what was displaced" || displaced === undefined) return false
  return state.files[displaced.file]?.bytes === torn && state.tools.some(({ open }) => open === displaced.file)
}

const labelOf = ({ phase }: Writer, command: Command, k: number): string =>
  `program ${k}: ${phase === "idle" ? command.join(" ") : phase === "wait for the lock" ? "lock, look" : phase}`

export const writerSteps = (state: State, world: World, rules: Without, k: number): ReadonlyArray<Step> => {
  const writer = state.writers[k]
  const program = world.programs[k]
  const command = writer === undefined ? undefined : program?.commands[writer.at]
  if (writer === undefined || command === undefined || isBlocked(state, writer, k)) return []
  const turn: Turn = {
    world,
    rules: program?.older === true ? new Set([...older, ...rules]) : rules,
    command,
    writer,
    k
  }
  return step(state, labelOf(writer, command, k), (draft) => {
    const more = changes[writer.phase](draft, turn)
    if (more !== undefined) draft.writers = replaceAt(draft.writers, k, { ...writer, ...more })
  })
}

/** The process dies: its command is as good as refused, or as done, and the lock is free. */
export const killWriter = (draft: State, world: World, k: number): void => {
  const writer = draft.writers[k]
  const command = writer === undefined ? undefined : world.programs[k]?.commands[writer.at]
  if (writer === undefined || command === undefined) return
  if (draft.lock === k) draft.lock = -1
  const undecided = writer.record !== undefined && !writer.answered && writer.own === undefined
  if (command[0] === "set" && undecided) allowWrite(draft, command[1], newWrite(draft, command[2]))
  draft.writers = replaceAt(draft.writers, k, next(writer))
}
