/** Our writers, one step at a time. */
import { collect, push } from "./contents.ts"
import { torn } from "./indexes.ts"
import { abortWhatWaits, completeContent, lookUnderLock, nothingToWrite } from "./look.ts"
import { allowedOf, allowWrite, newWrite } from "./obligations.ts"
import {
  abort,
  appendRecord,
  checkIdentity,
  exchange,
  lookAtDisplaced,
  lookWhetherDone,
  removeWaitingFile,
  syncAbort,
  syncFolders,
  syncTheJournal,
  tryAgain,
  writeWaitingFile
} from "./publish.ts"
import { older, type Without } from "./Rules.ts"
import { nothing, type Phase, readableIndex, replaceAt, type State, type Step, step, type Writer } from "./State.ts"
import { type Change, finish, next, syncJournal, type Turn, viewOf } from "./turn.ts"
import { absent, type Command, type World } from "./World.ts"

const start: Change = (draft, { command, rules, world }) => {
  if (command[0] !== "set") return { phase: "wait for the lock" }
  const [, name, to] = command
  if (to !== absent) push(draft, [...world.layers?.[to] ?? [], to], "ours", rules)
  return { phase: "wait for the lock", before: allowedOf(draft.allowed, name) }
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
  "look whether it was done": lookWhetherDone,
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
  const label = labelOf(writer, command, k)
  const steps = step(state, label, (draft) => {
    const more = changes[writer.phase](draft, turn)
    if (more !== undefined) draft.writers = replaceAt(draft.writers, k, { ...writer, ...more })
  })
  return writer.phase === "exchange" ? [...steps, ...failedExchanges(state, turn, label)] : steps
}

/** An error tells nothing: the exchange was done, or it was not. */
const failedExchanges = (state: State, turn: Turn, label: string): ReadonlyArray<Step> =>
  state.failuresLeft === 0 ?
    [] :
    [true, false].flatMap((isDone) =>
      step(state, `${label} fails, and is ${isDone ? "" : "not "}done`, (draft) => {
        draft.failuresLeft--
        const more = isDone ? exchange(draft, turn) : undefined
        const writer: Writer = { ...turn.writer, ...more, phase: "look whether it was done" }
        draft.writers = replaceAt(draft.writers, turn.k, writer)
      })
    )

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
