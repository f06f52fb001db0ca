/** A look under the lock, and the content that it completes: rules 2, 13 to 17 and 20. */
import { holdAll, knownToReach, putBack, syncContent } from "./contents.ts"
import { sync } from "./durability.ts"
import { at, parse, print, sameEntries, sameGeneration, withEntry } from "./indexes.ts"
import { committed, generationOf, type Group } from "./journal.ts"
import { type Found, found, withDisplaced } from "./merge.ts"
import type { Without } from "./Rules.ts"
import { createFile, fileOf, identityOf, nothing, replaceIndex, type State, type View } from "./State.ts"
import {
  abortOf,
  answer,
  append,
  type Change,
  finish,
  lookLeft,
  removeDisplaced,
  sweep,
  syncBoth,
  type Turn,
  viewOf
} from "./turn.ts"
import { type Entries, minute } from "./World.ts"

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

export const lookUnderLock: Change = (draft, turn) => {
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

export const abortWhatWaits: Change = (draft) => {
  const last = draft.journal.at(-1)
  if (last?.kind === "group") append(draft, abortOf(last, draft.clock))
  return { phase: "sync that abort" }
}

/** Rules 15 to 17 and 21. */
export const completeContent: Change = (draft, turn) => {
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
  const before = draft.held
  for (const content of all) putBack(draft, content, rules)
  if (!rules.has("only manifests are completed")) {
    for (const content of knownToReach(draft, world, all)) putBack(draft, content, rules)
  }
  /** What has lost its second name to the first one is taken to have it. */
  const moved = Object.keys(before).filter((content) => !(content in draft.held))
  if (view.lists) draft.listed = { stamp: draft.stamp, time: draft.clock }
  if (!rules.has("only what is pushed is held")) {
    holdAll(draft, world, Object.values(view.target), moved)
    holdAll(draft, world, Object.values(view.head), moved)
    if (!rules.has("what was found and replaced is not held")) {
      holdAll(draft, world, [...Object.values(view.found), ...Object.values(index)], moved)
    }
  }
  syncContent(draft, rules)
  if (view.dirty) return { phase: "write the waiting file" }
  return { phase: command[0] === "collect" && !writer.answered ? "collect" : "nothing to write" }
}

export const nothingToWrite: Change = (draft, turn) => {
  sweep(draft, turn.rules, [])
  answer(draft, turn)
  if (identityOf(draft) === viewOf(turn).identity) lookLeft(draft)
  return finish(draft, turn)
}
