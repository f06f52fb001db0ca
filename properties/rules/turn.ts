/** One turn of a writer, and what several of its steps do. */
import { sync } from "./durability.ts"
import type { Abort, Group, JournalRecord } from "./journal.ts"
import { answered } from "./obligations.ts"
import type { Without } from "./Rules.ts"
import { type Displaced, type FileId, fileOf, replaceAt, type State, type View, type Writer } from "./State.ts"
import { type Command, day, minute, type World } from "./World.ts"

export interface Turn {
  readonly world: World
  readonly rules: Without
  readonly command: Command
  readonly writer: Writer
  readonly k: number
}

export type Change = (draft: State, turn: Turn) => Partial<Writer> | undefined

/** The command is over: the next one begins anew. */
export const next = ({ at }: Writer): Writer => ({ phase: "idle", at: at + 1, tries: 0, answered: false, merges: 0 })

export const finish = (draft: State, { k, writer }: Turn): undefined => {
  if (draft.lock === k) draft.lock = -1
  draft.writers = replaceAt(draft.writers, k, next(writer))
}

export const need = <A>(value: A | undefined): A => {
  if (value === undefined) throw new Error("a writer is in a phase that it cannot be in")
  return value
}

export const viewOf = ({ writer }: Turn): View => need(writer.view)

export const retry = { view: undefined, record: undefined, waiting: undefined, displaced: undefined } as const

export const lookLeft = (draft: State): void => {
  draft.newCopy = false
  draft.leftIndex = draft.files[draft.index]?.bytes
}

export const removeDisplaced = (draft: State, file: FileId): void => {
  draft.displaced = draft.displaced.filter((each) => each.file !== file)
  draft.pending = [...draft.pending, { in: "displaced", kind: "remove", file }]
}

/** Rule 5. */
export const sweep = (draft: State, rules: Without, merged: ReadonlyArray<FileId>): void => {
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

export const syncBoth = (draft: State, { rules, world }: Turn): void => {
  if (!rules.has("no folder is synced before the answer")) sync(draft, "layout", world.fileSystem)
  if (rules.has("no folder is synced before the answer")) return
  if (!rules.has("the folder of displaced files is not synced")) sync(draft, "displaced", world.fileSystem)
}

export const answer = (draft: State, { command, writer }: Turn, record?: Group): void => {
  if (command[0] !== "set" || writer.answered) return
  const [, name, to] = command
  answered(draft, name, to, writer.before ?? [], writer.own)
  const own = record?.commits.find(({ by }) => by === "ours")
  if (record === undefined || own === undefined) return
  const revision = own.revision
  draft.acknowledged = [...draft.acknowledged, { revision, name, to, hash: record.hash }]
}

export const append = (draft: State, record: JournalRecord): void => {
  draft.journal = [...draft.journal, record]
}

export const syncJournal = (draft: State): void => {
  draft.syncedRecords = draft.journal.length
}

export const abortOf = ({ commits, hash, journal, number }: Group, time: number): Abort => ({
  kind: "abort",
  journal,
  number: number + 1,
  aborts: number,
  revision: commits[0]?.revision ?? 1,
  hash: `abort ${hash}`,
  time
})
