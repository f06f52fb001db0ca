/** What has to hold when everything is at rest and one of our programs looks, some time later. */
import { isWhole, needed, reached } from "./contents.ts"
import { at, entriesOf, print, sameEntries } from "./indexes.ts"
import { committed } from "./journal.ts"
import { found } from "./merge.ts"
import { allowedOf, anything, contentOf } from "./obligations.ts"
import type { Without } from "./Rules.ts"
import {
  blobsChanged,
  createFile,
  fileOf,
  idleWriter,
  nothing,
  readableIndex,
  replaceIndex,
  type State
} from "./State.ts"
import { collect, type Command, type Entries, look, minute, type World } from "./World.ts"
import { writerSteps } from "./writers.ts"

/** Far more than any command needs. */
const patience = 200

/** One of our programs alone, to its end. Undefined when it never ends. */
const runAlone = (
  state: State,
  world: World,
  rules: Without,
  commands: ReadonlyArray<Command>
): State | undefined => {
  const alone: World = { ...world, programs: [{ commands }], tools: [], readers: 0, ticks: [], tries: 3 }
  let current: State = { ...state, writers: [idleWriter], tools: [], readers: [], lock: -1 }
  for (let i = 0; i < patience; i++) {
    const [next] = writerSteps(current, alone, rules, 0)
    if (next === undefined) return current
    current = next.state
  }
  return undefined
}

const later = (state: State, time: number): State => ({
  ...state,
  clock: state.clock + time,
  realTime: state.realTime + time
})

const indexOf = (state: State): string => fileOf(state, state.index).bytes

const isBad = (state: State, content: string): boolean =>
  !state.excused.includes(content) && (!state.blobs.includes(content) || !isWhole(state, content))

/** What an entry needs and is not there. A manifest that others took does not tell its layers either. */
const missing = (state: State, world: World, entries: Entries): ReadonlyArray<string> =>
  Object.values(entries)
    .filter((content) => !state.excused.includes(content))
    .flatMap((content) => [...reached(world, [content])])
    .filter((content) => isBad(state, content))

const isGone = (state: State, content: string): boolean =>
  isBad(state, content) && (!isWhole(state, content) || (!(content in state.held) && !(content in state.trash)))

const historyFaults = (state: State): ReadonlyArray<string> => {
  const groups = [state.journal, ...state.aside.map(({ journal }) => journal)].map(committed)
  const isThere = (revision: number, hash: string) =>
    groups.flat().some((group) => group.hash === hash && group.commits.some((each) => each.revision === revision))
  const lost = state.acknowledged
    .filter(({ hash, revision }) => !isThere(revision, hash))
    .map(({ name, revision, to }) => `history: acknowledged revision ${revision} (${name} := ${to}) is not there`)
  const revisions = committed(state.journal).flatMap(({ commits }) => commits.map(({ revision }) => revision))
  const twice = new Set(revisions).size === revisions.length
    ? []
    : [`history: a revision twice: ${revisions.join(" ")}`]
  const refused = state.refused
    .filter(({ name, to }) =>
      committed(state.journal).some(({ commits }) =>
        commits.some(({ by, changes }) => by === "ours" && changes.some((each) => each[0] === name && each[2] === to))
      )
    )
    .map(({ name, to }) => `history: ${name} := ${to} was refused and is there`)
  return [...lost, ...twice, ...refused]
}

const readerFaults = (state: State, world: World): ReadonlyArray<string> =>
  state.readers.flatMap(({ allowed = {}, answer, missing = [] }) => {
    if (answer === undefined) return []
    const never = state.refused.filter(({ name, to }) => answer[name] === to)
      .map(({ name, to }) => `reader: saw ${name} = ${to}, which never happened`)
    const restores = (world.tools ?? []).some(({ kind }) => kind === "restore")
    const over = restores ? [] : Object.entries(world.entries)
      .filter(([name, to]) =>
        at(answer, name) === to && allowed[name] !== undefined && !allowed[name].some((each) => contentOf(each) === to)
      )
      .map(([name, to]) => `reader: saw ${name} = ${to}, which was over`)
    const unreadable = missing.map((content) => `reader: was told of ${content}, which it cannot read`)
    return [...never, ...over, ...unreadable]
  })

const entryFaults = (state: State, entries: Entries): ReadonlyArray<string> =>
  [...new Set([...Object.keys(state.allowed), ...Object.keys(entries)])].flatMap((name) => {
    const writes = allowedOf(state.allowed, name)
    const contents = writes.map(contentOf)
    return writes.includes(anything) || contents.includes(at(entries, name))
      ? []
      : [`entry: ${name} is ${at(entries, name)}, and has to be ${contents.join(" or ")}`]
  })

const contentFaults = (state: State, world: World, entries: Entries, when: string): ReadonlyArray<string> =>
  missing(state, world, entries).map((content) => `content: ${when}${content} is named and not under blobs/`)

const promiseFaults = (state: State, world: World, head: Entries): ReadonlyArray<string> =>
  [...needed(state, head, "realTime")]
    .filter((content) => !state.excused.includes(content))
    .flatMap((content) => [...reached(world, [content])])
    .filter((content) => isGone(state, content))
    .map((content) => `undo: ${content} is promised, and is gone`)

const reactions = {
  "collects by the index of now": (draft: State, world: World) => {
    const kept = reached(world, Object.values(entriesOf(indexOf(draft))))
    blobsChanged(draft, draft.blobs.filter((content) => kept.has(content)))
  },
  "strips annotations": (draft: State) => replaceIndex(draft, createFile(draft, print(entriesOf(indexOf(draft))))),
  "writes the same bytes": (draft: State) => replaceIndex(draft, createFile(draft, indexOf(draft)))
}

/** A tool that acts on every write of ours comes to rest with us, and changes nothing for good. */
const reactionFaults = (state: State, world: World, rules: Without): ReadonlyArray<string> =>
  Object.entries(reactions).flatMap(([what, react]) => {
    let current: State = state
    const entries = entriesOf(indexOf(state))
    let rounds = 0
    for (let before = ""; rounds < 4; rounds++) {
      before = indexOf(current)
      const draft = { ...current }
      react(draft, world)
      const looked = runAlone(draft, world, rules, [look])
      if (looked === undefined) return [`rest: a look never ends beside a tool that ${what}`]
      current = looked
      if (indexOf(current) === before || what === "strips annotations") break
    }
    return [
      ...rounds === 4 ? [`rest: none beside a tool that ${what}`] : [],
      ...sameEntries(entriesOf(indexOf(current)), entries) ? [] : [`rest: a tool that ${what} changes the entries`],
      ...missing(current, world, entriesOf(indexOf(current)))
        .map((content) => `rest: ${content} is missing beside a tool that ${what}`)
    ]
  })

const judgeLooks = (state: State, world: World, rules: Without): readonly [State, ReadonlyArray<string>] => {
  const runs: Array<State> = []
  let current = state
  for (let i = 0; i < 5; i++) {
    const next = runAlone(i < 3 && i > 0 ? later(current, minute) : current, world, rules, [look])
    if (next === undefined) return [current, ["rest: our look never ends"]]
    runs.push(next)
    current = next
  }
  const [first, , third, fourth, fifth] = runs.map(indexOf)
  const changes = sameEntries(entriesOf(first ?? ""), entriesOf(third ?? ""))
  return [current, [
    ...changes ? [] : ["rest: what our look found changes by itself"],
    ...fourth === fifth ? [] : ["rest: looks never come to rest"]
  ]]
}

/** What is wrong after our next look, `delay` after everything came to rest, with or without a collection of ours. */
export const judge = (
  rest: State,
  world: World,
  rules: Without,
  { collects, delay, reacts }: { readonly delay: number; readonly collects: boolean; readonly reacts: boolean }
): ReadonlyArray<string> => {
  if (rest.index === nothing || readableIndex(rest) === undefined) return []
  const [looked, restFaults] = judgeLooks(later(rest, delay), world, rules)
  const entries = entriesOf(indexOf(looked))
  const { entries: says, head } = found(rules, looked, fileOf(looked, looked.index))
  const collected = collects ? runAlone(looked, world, rules, [collect]) : looked
  const faults = [
    ...restFaults,
    ...sameEntries(says, entries) ? [] : ["rest: the index is not what our look found"],
    ...entryFaults({ ...looked, allowed: rest.allowed }, entries),
    ...historyFaults(looked),
    ...readerFaults(rest, world),
    ...contentFaults(looked, world, entries, ""),
    ...collected === undefined ? ["rest: our collection never ends"] : [
      ...collects ? contentFaults(collected, world, entries, "after our collection ") : [],
      ...promiseFaults(collected, world, head)
    ],
    ...reacts && !collects ? reactionFaults(looked, world, rules) : []
  ]
  return [...new Set(faults)]
}
