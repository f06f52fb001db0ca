/**
 * What each name may say at rest. Every write of a name has a start (the tool's read of the index, our command) and an
 * end (exit 0, our answer); allowed is each value whose write no later-started, ended write of the same name follows. No
 * program sees any of this.
 */
import { at, entriesOf, type Generation, namesOf, parse } from "./indexes.ts"
import { committed, headOf, versionsOf } from "./journal.ts"
import { goesBack } from "./merge.ts"
import { all } from "./Rules.ts"
import { type Allowed, nothing, recordedGroups, type State, type Write } from "./State.ts"
import { absent, type Content, type Entries } from "./World.ts"

export const anything: Write = "*#0"

export const allowedOf = (allowed: Allowed, name: string): ReadonlyArray<Write> => allowed[name] ?? [`${absent}#0`]

export const contentOf = (write: Write): Content => write.slice(0, write.indexOf("#"))

const allow = (draft: State, name: string, writes: ReadonlyArray<Write>): void => {
  draft.allowed = { ...draft.allowed, [name]: writes }
}

export const newWrite = (draft: State, to: Content): Write => `${to}#${++draft.writes}`

/** A write that ended takes the place of all that were there when it began. */
export const ends = (draft: State, name: string, to: Content, before: ReadonlyArray<Write>): void =>
  allow(draft, name, [
    ...allowedOf(draft.allowed, name).filter((each) => !before.includes(each)),
    newWrite(draft, to)
  ])

export const alsoAllow = (draft: State, name: string, to: Content): void => ends(draft, name, to, [])

export const allowWrite = (draft: State, name: string, write: Write): void =>
  allow(draft, name, [...allowedOf(draft.allowed, name).filter((each) => each !== write), write])

/** Our answer: the write that became visible at the exchange, or one that changed nothing. */
export const answered = (
  draft: State,
  name: string,
  to: Content,
  before: ReadonlyArray<Write>,
  own: Write | undefined
): void => {
  const write = own ?? newWrite(draft, to)
  const rest = allowedOf(draft.allowed, name).filter((each) => !before.includes(each) && each !== write)
  allow(draft, name, [...rest, write])
}

/** Everything is written anew, as by `rm -rf` or when a restored copy is honoured. */
export const writesAll = (draft: State, entries: Entries): void => {
  for (const name of namesOf(draft.allowed as Readonly<Record<string, never>>, entries)) {
    ends(draft, name, at(entries, name), allowedOf(draft.allowed, name))
  }
}

/**
 * A tool writes a whole index, and with it names that it never meant to touch: those it has written back. Where that
 * takes the word of another tool that no commit of ours had recorded, both may hold: two tools lose to each other. Where
 * it says the same, but by the rules says nothing with it, ours may hold.
 */
export const writesOver = (draft: State, over: Entries, bytes: string, own: string | undefined): void => {
  const { entries, generation } = parse(bytes)
  const versions = versionsOf(recordedGroups(draft))
  const head = versions.at(-1)?.entries ?? {}
  const isKnown = (name: string) => versions.some((version) => at(version.entries, name) === at(entries, name))
  for (const name of namesOf(over, entries, head)) {
    if (name === own) continue
    if (at(over, name) === at(entries, name)) {
      if (at(over, name) !== at(head, name)) mayBeKept(draft, generation, name, at(entries, name))
      continue
    }
    if (name in entries && !isKnown(name)) alsoAllow(draft, name, at(entries, name))
    if (at(over, name) === at(versions.length === 0 ? entries : head, name)) continue
    alsoAllow(draft, name, at(entries, name))
    alsoAllow(draft, name, at(head, name))
  }
  const first = versions[0]?.entries
  if (generation !== undefined || first === undefined) return
  /** An adopted name that we never changed is believed to be as the index says. */
  for (const name of namesOf(first)) {
    const untouched = at(head, name) === at(first, name)
    if (name !== own && untouched && at(entries, name) !== at(first, name)) alsoAllow(draft, name, at(entries, name))
  }
}

/** What the index says on which a tool writes, or what it said before that tool truncated it. */
export const writtenOver = (state: State): Entries =>
  state.index === nothing ? {} : entriesOf(state.files[state.index]?.bytes ?? "!")

/** The groups there are, with and without the last one, which may yet be aborted. */
const possibleGroups = ({ journal }: State) =>
  (journal.at(-1)?.kind === "group" ? [journal, journal.slice(0, -1)] : [journal]).map(committed)
    .filter((groups) => groups.length > 0)

/**
 * Where the rules take no word from a tool although it ended: what a version since its base said, a name of ours beside
 * an index without generation (rule 10), a removal in an index of a diverged copy (rule 9). Then ours may be back.
 */
export const mayBeKept = (
  draft: State,
  generation: Generation | undefined,
  name: string,
  to: Content
): void => {
  for (const groups of possibleGroups(draft)) {
    const { adopted, lackSaysNothing, to: versions } = goesBack(all, generation, groups)
    const head = headOf(groups)
    const kept = (adopted !== undefined && at(head, name) !== at(adopted, name)) ||
      (lackSaysNothing && to === absent) ||
      versions.some((entries) => at(entries, name) === to)
    if (kept) alsoAllow(draft, name, at(head, name))
  }
}

/** The same, for whether what was allowed before stays so. */
export const isTwofold = (state: State, generation: Generation | undefined, name: string, to: Content): boolean => {
  const groups = committed(state.journal)
  if (groups.length === 0) return false
  const { adopted, to: versions } = goesBack(all, generation, groups)
  const head = headOf(groups)
  return (adopted !== undefined && at(head, name) !== at(adopted, name)) ||
    versions.some((entries) => at(entries, name) === to)
}
