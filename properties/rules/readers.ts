/** Our readers, which take no lock: rule 6. */
import { found } from "./merge.ts"
import type { Without } from "./Rules.ts"
import { readableIndex, type Reader, replaceAt, type State, type Step, step, waits } from "./State.ts"

type Change = (state: State, reader: Reader, rules: Without) => Partial<Reader> | undefined

const isMissing = ({ blobs, excused, held, trash }: State, content: string): boolean =>
  !blobs.includes(content) && !(content in held) && !(content in trash) && !excused.includes(content)

const changes: Readonly<Record<Reader["phase"], Change>> = {
  "index": (state) => {
    const file = readableIndex(state)
    return file === undefined ? undefined : { file, allowed: state.allowed, phase: "end" }
  },
  "end": ({ journal }) => ({ records: journal.length, phase: "waiting" }),
  "waiting": (state, { records = 0 }, rules) => {
    const last = state.journal[records - 1]
    return {
      waits: last?.kind === "group" && waits(state, last),
      phase: rules.has("a reader reads the journal once") ? "answer" : "end again"
    }
  },
  "end again": ({ journal }, { records, tries, waits = false }) => {
    if (tries >= 2) return { phase: "done" }
    return { tries: tries + 1, phase: journal.length === records || waits ? "answer" : "index" }
  },
  "answer": (state, { file, records = 0, waits = false }, rules) => {
    if (file === undefined) return undefined
    const { entries } = found(rules, state, file, state.journal.slice(0, records), waits)
    const missing = Object.values(entries).filter((content) => isMissing(state, content))
    return { answer: entries, missing, phase: "done" }
  },
  "done": () => undefined
}

export const readerSteps = (state: State, rules: Without, k: number): ReadonlyArray<Step> => {
  const reader = state.readers[k]
  const more = reader === undefined ? undefined : changes[reader.phase](state, reader, rules)
  if (reader === undefined || more === undefined) return []
  return step(state, `reader ${k}: ${reader.phase}`, (draft) => {
    draft.readers = replaceAt(draft.readers, k, { ...reader, ...more })
  })
}
