/** What content is needed, held, put back, collected, and taken by others: rules 15 to 19 and 21. */
import { entriesOf } from "./indexes.ts"
import { committed, type Journal, versionsOf } from "./journal.ts"
import { all, type Without } from "./Rules.ts"
import { blobsChanged, fileOf, nothing, omit, recordedGroups, type State } from "./State.ts"
import { type Content, day, type Entries, hour, week, type World } from "./World.ts"

/** A manifest, and what it reaches. */
export const reached = ({ layers }: World, contents: Iterable<Content>): ReadonlySet<Content> =>
  new Set([...contents].flatMap((each) => [each, ...layers?.[each] ?? []]))

const isThere = ({ blobs, held, trash }: State, content: Content): boolean =>
  blobs.includes(content) || content in held || content in trash

/** A second name that is a file of its own is whole whatever happens to the blob. */
export const isWhole = ({ apart, held, torn }: State, content: Content): boolean =>
  !torn.includes(content) || (apart.includes(content) && content in held)

const isReadable = (state: State, content: Content): boolean => isThere(state, content) && isWhole(state, content)

const linked = (draft: State, content: Content): void => {
  draft.apart = draft.apart.filter((each) => each !== content)
}

/** As far as it can be known: a manifest that cannot be read does not tell its layers. */
export const knownToReach = (state: State, world: World, contents: Iterable<Content>): ReadonlySet<Content> => {
  const all = [...contents]
  return new Set([...all, ...reached(world, all.filter((each) => isReadable(state, each)))])
}

type Clock = "time" | "realTime"

/** What the versions of a journal name that are within the window of undo, and the head whenever it was made. */
const namedWithin = (journal: Journal, now: number, clock: Clock, window: number): ReadonlyArray<Content> => {
  const versions = versionsOf(committed(journal))
  return versions.flatMap(({ entries }, i) => {
    const next = versions[i + 1]
    return next === undefined || now - next[clock] < window ? Object.values(entries) : []
  })
}

/** Rules 15 and 18: the contents that entries and the window of undo need, without what these reach. */
export const needed = (state: State, entries: Entries, clock: Clock = "time", window = week): ReadonlySet<Content> => {
  const now = clock === "time" ? state.clock : state.realTime
  return new Set([
    ...Object.values(entries),
    ...namedWithin(state.journal, now, clock, window),
    ...state.aside
      .filter((each) => now - each[clock] < window)
      .flatMap(({ journal }) => namedWithin(journal, now, clock, window))
  ])
}

/** Rule 17: our second name stays. */
export const putBack = (draft: State, content: Content, rules: Without = all): void => {
  if (draft.blobs.includes(content)) return
  if (content in draft.held || content in draft.trash) {
    blobsChanged(draft, [...draft.blobs, content])
    linked(draft, content)
  }
  if (content in draft.trash) {
    hold(draft, content)
    draft.trash = omit(draft.trash, content)
  }
  if (rules.has("content is put back by moving the second name")) draft.held = omit(draft.held, content)
}

const hold = (draft: State, content: Content): void => {
  if (content in draft.held) return
  draft.held = { ...draft.held, [content]: draft.clock }
  draft.unsyncedHolds = [...draft.unsyncedHolds, content]
}

/** Writes each that is not there; ours are synced and verified, those of tools are neither. */
export const push = (draft: State, contents: Iterable<Content>, by: "ours" | "a tool", rules?: Without): void => {
  for (const content of contents) {
    const isNew = !draft.blobs.includes(content)
    const repairs = by === "ours" && !(rules?.has("what is pushed again is not verified") ?? false)
    if (isNew) {
      blobsChanged(draft, [...draft.blobs, content])
      draft.touched = { ...draft.touched, [content]: draft.clock }
      draft.excused = draft.excused.filter((each) => each !== content)
      if (by === "a tool") {
        draft.unsynced = [...draft.unsynced, content]
        if (content in draft.held) draft.apart = [...draft.apart, content]
      }
    }
    if (isNew || repairs) draft.torn = draft.torn.filter((each) => each !== content)
    if (by === "ours") {
      draft.touched = { ...draft.touched, [content]: draft.clock }
      draft.held = { ...draft.held, [content]: draft.clock }
      linked(draft, content)
      draft.excused = draft.excused.filter((each) => each !== content)
      if (isNew || repairs) draft.unsynced = draft.unsynced.filter((each) => each !== content)
    }
  }
}

/** Rule 15: what the index reaches, and what was found and replaced in the same commit. */
export const holdAll = (draft: State, world: World, contents: Iterable<Content>, except: Iterable<Content>): void => {
  const moved = new Set(except)
  for (const content of knownToReach(draft, world, contents)) {
    if (draft.blobs.includes(content) && !moved.has(content)) hold(draft, content)
  }
}

/** Rules 15 and 21: before the record. What a tool pushed again beside our second name is not noticed. */
export const syncContent = (draft: State, rules: Without): void => {
  if (!rules.has("second names are not synced before the record")) draft.unsyncedHolds = []
  if (!rules.has("content of others is not synced")) {
    draft.unsynced = draft.unsynced.filter((content) => !(content in draft.held) || draft.apart.includes(content))
  }
}

/** Rule 19. `entries` are those of the look just done; `removedAt` is for programs that count from file times. */
export const collect = (
  draft: State,
  world: World,
  rules: Without,
  entries: Entries,
  head: Entries,
  removedAt: number | undefined
): void => {
  const index = draft.index === nothing ? {} : entriesOf(fileOf(draft, draft.index).bytes)
  const byFiles = removedAt !== undefined && rules.has("windows count from file times")
  const wanted = byFiles
    ? [...Object.values(index), ...draft.clock - removedAt < week ? Object.values(head) : []]
    : [...needed(draft, entries), ...Object.values(index)]
  if (wanted.some((each) => !isReadable(draft, each))) return
  const needs = knownToReach(draft, world, wanted)
  const now = draft.clock
  for (const [content, since] of Object.entries(draft.held)) {
    if (now - since < day) continue
    if (!needs.has(content) || rules.has("a hold ends after a day")) draft.held = omit(draft.held, content)
  }
  const waitsForTools = draft.tools.some(({ temporary }) => temporary) &&
    !rules.has("temporary files are not looked at")
  const enough = rules.has("a collection deletes at once")
    ? 0
    : rules.has("an hour in the trash is enough")
    ? hour
    : day
  for (const [content, since] of Object.entries(draft.trash)) {
    if (needs.has(content)) {
      putBack(draft, content)
      draft.trash = omit(draft.trash, content)
    } else if (now - since >= enough && !waitsForTools) draft.trash = omit(draft.trash, content)
  }
  if (waitsForTools) return
  for (const content of draft.blobs) {
    if (needs.has(content) || content in draft.held || now - (draft.touched[content] ?? 0) < day) continue
    blobsChanged(draft, draft.blobs.filter((each) => each !== content))
    draft.excused = draft.excused.filter((each) => each !== content)
    if (enough > 0) draft.trash = { ...draft.trash, [content]: now }
  }
}

/**
 * A collector that is not ours removes what it does not keep. What no record of ours had named by then, and nothing of
 * ours held, it has taken from its writer, and not from us.
 */
export const takeAll = (draft: State, world: World, taken: Iterable<Content>): void => {
  const recorded = recordedGroups(draft)
  const head = versionsOf(recorded).at(-1)?.entries ?? {}
  const owed = reached(world, needed({ ...draft, journal: recorded }, head))
  const isHeld = (content: Content) => draft.clock - (draft.held[content] ?? -Infinity) < day
  const all = new Set(taken)
  const excused = draft.blobs.filter((each) => all.has(each) && !owed.has(each) && !isHeld(each))
  draft.excused = [...new Set([...draft.excused, ...excused])]
  blobsChanged(draft, draft.blobs.filter((each) => !all.has(each)))
}
