/** What index, journal and displaced files say together: rules 1, 2 and 8 to 14. */
import {
  at,
  type Bytes,
  entriesOf,
  type Generation,
  namesOf,
  parse,
  sameGeneration,
  torn,
  withEntry
} from "./indexes.ts"
import { adoptedOf, committed, generationOf, type Group, headOf, type Journal, versionsOf } from "./journal.ts"
import type { Without } from "./Rules.ts"
import { type FileId, fileOf, type IndexFile, type State, waits } from "./State.ts"
import { absent, type Content, day, type Entries, hour, minute } from "./World.ts"

export interface Found {
  /** As the last committed group left it, and with what others wrote since. */
  readonly head: Entries
  readonly entries: Entries
  readonly groups: ReadonlyArray<Group>
  /** The last group did not happen. */
  readonly unpublished: boolean
  readonly waits: boolean
  readonly newLayout: boolean
}

/** What a foreign index may go back to without having said anything. */
export interface GoesBack {
  readonly to: ReadonlyArray<Entries>
  /** What it lacks says nothing. */
  readonly lackSaysNothing: boolean
  /** Without generation: the adopted index. What we changed since then is ours. */
  readonly adopted: Entries | undefined
}

/** Rules 8, 9 and 10. `upTo` is the last group that its writer can have seen. */
export const goesBack = (
  rules: Without,
  generation: Generation | undefined,
  groups: ReadonlyArray<Group>,
  upTo = Infinity
): GoesBack => {
  const versions = versionsOf(groups).filter(({ number }) => number <= upTo)
  const only = (to: ReadonlyArray<Entries>) =>
    rules.has("a foreign index is merged with its base alone") ? to.slice(0, 1) : to
  if (generation !== undefined && generation.journal === groups[0]?.journal) {
    const base = groups.find(({ hash, number }) =>
      number === generation.number && number <= upTo &&
      (hash === generation.hash || rules.has("a generation is known by its number alone"))
    )
    const seen = base === undefined
      ? versions
      : versions.filter(({ last, number }) => number > base.number || (number === base.number && last))
    return {
      to: only(seen.map(({ entries }) => entries)),
      lackSaysNothing: base === undefined,
      adopted: undefined
    }
  }
  const adopted = adoptedOf(groups)
  return {
    to: only([adopted, ...versions.map(({ entries }) => entries)]),
    lackSaysNothing: false,
    adopted: rules.has("without a generation its word wins") ? undefined : adopted
  }
}

/** Whether an index has said nothing of a name, so that it stays as we have it. */
const saysNothing = (name: string, foreign: Entries, head: Entries, { adopted, lackSaysNothing, to }: GoesBack) =>
  (lackSaysNothing && at(foreign, name) === absent) ||
  (adopted !== undefined && at(head, name) !== at(adopted, name)) ||
  to.some((entries) => at(entries, name) === at(foreign, name))

const merge = (head: Entries, foreign: Entries, back: GoesBack): Entries =>
  Object.fromEntries(
    namesOf(head, foreign, ...back.to)
      .map((name) => [name, at(saysNothing(name, foreign, head, back) ? head : foreign, name)] as const)
      .filter(([, content]) => content !== absent)
  )

/** When the version with these bytes was superseded, if it was one. */
const supersededAt = (groups: ReadonlyArray<Group>, bytes: Bytes): number | undefined => {
  const times = groups.flatMap(({ after, before, time }, i) =>
    after === bytes ? [groups[i + 1]?.time ?? Infinity] : before === bytes ? [time] : []
  )
  return times.length === 0 ? undefined : Math.max(...times)
}

/** A tool wrote `oci-layout` beside it. An older file that lay beside it in its time is none of that. */
const isByOwnHand = (rules: Without, { layoutWritten }: State, { mtime }: IndexFile, superseded: number): boolean =>
  Math.abs(mtime - layoutWritten) < minute &&
  (mtime > superseded || rules.has("oci-layout counts beside an old file")) &&
  !rules.has("the stamp of oci-layout is not looked at")

/** Rule 12. */
const isRestored = (rules: Without, state: State, file: IndexFile, groups: ReadonlyArray<Group>): boolean => {
  const superseded = supersededAt(groups, file.bytes)
  if (superseded === undefined) return false
  if (rules.has("bytes of an earlier version are taken as they are")) return true
  if (rules.has("a restored copy is never honoured")) return false
  if (isByOwnHand(rules, state, file, superseded)) return false
  const last = groups.at(-1)?.identities
  if (last?.own !== state.identities.own && !rules.has("the file times of a copy count")) return false
  const enough = rules.has("an hour is enough") ? hour : day
  if (rules.has("the age counts from when the version was made")) {
    return state.clock - (groups.find(({ after }) => after === file.bytes)?.time ?? 0) >= enough
  }
  if (rules.has("the age counts up to our look")) return state.clock - superseded >= enough
  return file.ctime - superseded >= enough &&
    (file.mtime <= superseded || file.mtime - superseded >= enough)
}

/** Rule 14. */
const isNewLayout = (rules: Without, state: State, foreign: Entries, head: Entries, last: Group): boolean => {
  if (rules.has("a new layout is never seen")) return false
  const contents: ReadonlyArray<Content> = Object.values(head)
  const lacks = (content: Content) => !state.blobs.includes(content)
  if (rules.has("a new layout is one that shares nothing and lacks content")) {
    return contents.length > 0 && contents.every(lacks) &&
      namesOf(foreign).every((name) => head[name] !== foreign[name])
  }
  const { blobs, layoutFile, own } = state.identities
  const { identities: then } = last
  if (blobs === then.blobs) return false
  if (own !== then.own && !rules.has("the identity of .ocilayout is not looked at")) return false
  return (layoutFile !== then.layoutFile && !rules.has("the identity of oci-layout is not looked at")) ||
    contents.some((content) => lacks(content) && !Object.values(foreign).includes(content))
}

/** Rules 1 and 2. */
const isUnpublished = (rules: Without, last: Group, file: IndexFile, waiting: boolean): boolean => {
  if (last.after === file.bytes) return false
  if (rules.has("the bytes of the index decide on the last line") && last.before === file.bytes) return true
  return waiting && !sameGeneration(parse(file.bytes).generation, generationOf(last))
}

/** `waiting` is what a reader saw of the waiting file, where it is not the state that says so. */
export const found = (
  rules: Without,
  state: State,
  file: IndexFile,
  journal: Journal = state.journal,
  waiting?: boolean
): Found => {
  const { entries: foreign, generation } = parse(file.bytes)
  const last = journal.at(-1)
  const lastWaits = last?.kind === "group" && (waiting ?? waits(state, last))
  const unpublished = last?.kind === "group" && isUnpublished(rules, last, file, lastWaits)
  const groups = committed(unpublished ? journal.slice(0, -1) : journal)
  const head = headOf(groups)
  const top = groups.at(-1)
  const result = (entries: Entries, newLayout = false): Found => ({
    head: newLayout ? {} : head,
    entries,
    groups,
    unpublished,
    waits: lastWaits,
    newLayout
  })
  if (top === undefined) return result(foreign)
  if (top.after === file.bytes) return result(head)
  if (isRestored(rules, state, file, groups)) return result(foreign)
  if (generation?.journal !== top.journal && isNewLayout(rules, state, foreign, head, top)) return result(foreign, true)
  if (generation === undefined && rules.has("the adopted index is forgotten after an hour")) {
    if (state.clock - (groups[0]?.time ?? 0) >= hour) return result(foreign)
  }
  const back = goesBack(rules, generation, groups)
  if (back.lackSaysNothing && rules.has("what a diverged copy says is laid over ours")) {
    return result({ ...head, ...foreign })
  }
  return result(merge(head, foreign, back))
}

/** Rule 11: with what others wrote into indexes that were displaced. */
export const withDisplaced = (
  rules: Without,
  state: State,
  { entries, groups }: Found
): { readonly entries: Entries; readonly merged: ReadonlyArray<FileId> } => {
  let result = entries
  const merged: Array<FileId> = []
  for (const { after, before, file } of state.displaced) {
    const { bytes } = fileOf(state, file)
    if (bytes === torn || bytes === after || bytes === before) continue
    merged.push(file)
    const foreign = entriesOf(bytes)
    const group = groups.findLast((each) => each.before === before && each.after === after)
    if (group === undefined) {
      for (const name of namesOf(foreign)) {
        if (at(result, name) === absent) result = withEntry(result, name, at(foreign, name))
      }
      continue
    }
    const then = versionsOf(groups).findLast(({ number }) => number <= group.number)?.entries ?? {}
    const out = merge(then, foreign, goesBack(rules, parse(bytes).generation, groups, group.number))
    for (const name of namesOf(then, out)) {
      const changed = at(out, name) !== at(then, name) && at(then, name) === at(result, name)
      if (!changed || (at(out, name) === absent && rules.has("removals in displaced files do not count"))) continue
      result = withEntry(result, name, at(out, name))
    }
  }
  return { entries: result, merged }
}
