/**
 * The disk, the processes, and what has to hold. A state is a value: a step makes a new one and changes only what it
 * replaces, so every field below the first level is read-only.
 */
import { type Bytes, print, torn } from "./indexes.ts"
import { committed, type Group, type Identities, type Journal } from "./journal.ts"
import { type Content, type Entries, minute, type World } from "./World.ts"

export type FileId = number
export const nothing: FileId = 0

/** A file that is, was or may become `index.json`. */
export interface IndexFile {
  readonly bytes: Bytes
  readonly mtime: number
  readonly ctime: number
  /** How often it was written in place. */
  readonly writes: number
}

/** A file in `displaced/`; its name tells the group, by the hashes of its two indexes. */
export interface Displaced {
  readonly before: Bytes
  readonly after: Bytes
  readonly file: FileId
  readonly since: number
}

/** A change of a folder that is not durable yet. */
export type FolderChange =
  | { readonly in: "layout"; readonly kind: "replace"; readonly index: FileId }
  | { readonly in: "displaced"; readonly kind: "add"; readonly entry: Displaced }
  | { readonly in: "displaced"; readonly kind: "remove"; readonly file: FileId }
  /** The two halves of an exchange, or of a rename between the folders. */
  | { readonly in: "layout"; readonly kind: "half"; readonly index: FileId }
  | { readonly in: "displaced"; readonly kind: "half"; readonly file: FileId; readonly by: Displaced | undefined }

export interface Folders {
  readonly index: FileId
  readonly displaced: ReadonlyArray<Displaced>
}

/** What a writer saw under the lock, and what it is about to write. */
export interface View {
  readonly identity: string
  readonly bytes: Bytes
  readonly head: Entries
  readonly found: Entries
  readonly target: Entries
  readonly merged: ReadonlyArray<FileId>
  readonly foreignCommit: boolean
  readonly dirty: boolean
  /** The latest time that a file or the journal gives for the removals that were found. */
  readonly removedAt: number | undefined
  /** `blobs/` may have changed since the last listing. */
  readonly lists: boolean
}

export type Phase =
  | "idle"
  | "wait for the lock"
  | "abort what waits"
  | "sync that abort"
  | "complete content"
  | "nothing to write"
  | "write the waiting file"
  | "append the record"
  | "sync the journal"
  | "check the identity"
  | "exchange"
  | "look whether it was done"
  | "sync the folders"
  | "look at what was displaced"
  | "collect"
  | "abort"
  | "sync the abort"
  | "remove the waiting file"
  | "try again"

export interface Writer {
  readonly phase: Phase
  /** Which of its commands. */
  readonly at: number
  readonly tries: number
  /** The command has been answered; what is left is to merge what was displaced. */
  readonly answered: boolean
  readonly merges: number
  readonly view?: View | undefined
  readonly record?: Group | undefined
  readonly waiting?: FileId | undefined
  readonly displaced?: Displaced | undefined
  /** What was allowed when its command began, and its own write since the exchange. */
  readonly before?: ReadonlyArray<Write>
  readonly own?: Write
}

/** Steps of a tool are counted; this one is past its last. */
export const ended = -1

export interface ToolState {
  readonly step: number
  readonly read?: Bytes
  readonly readAt?: number
  /** It writes into this file, which said this before. */
  readonly open?: FileId
  readonly cut?: Entries
  readonly before?: ReadonlyArray<Write>
  /** It read what the last look of ours had left. */
  readonly strict?: boolean
  /** Another tool renamed over the file that it writes into. */
  readonly lost?: boolean
  readonly temporary?: boolean
  readonly kept?: ReadonlyArray<Content>
  readonly name?: string
}

export interface Reader {
  readonly phase: "index" | "end" | "waiting" | "end again" | "answer" | "done"
  readonly tries: number
  readonly file?: IndexFile
  readonly allowed?: Allowed
  readonly records?: number
  readonly waits?: boolean
  readonly answer?: Entries
  readonly missing?: ReadonlyArray<Content>
}

/** A value that a name may have at rest, with a number of its own: two writes of one value are two. */
export type Write = `${Content}#${number}`
export type Allowed = Readonly<Record<string, ReadonlyArray<Write>>>

interface Acknowledged {
  readonly revision: number
  readonly name: string
  readonly to: Content
  readonly hash: string
}

type Times = Readonly<Record<Content, number>>

export interface State {
  /** What clocks and files say, and how much time really went by. */
  clock: number
  realTime: number
  ticked: number
  killsLeft: number
  cutsLeft: number
  failuresLeft: number
  files: Readonly<Record<FileId, IndexFile>>
  lastFile: FileId
  index: FileId
  displaced: ReadonlyArray<Displaced>
  durable: Folders
  pending: ReadonlyArray<FolderChange>
  journal: Journal
  syncedRecords: number
  journals: number
  aside: ReadonlyArray<{ readonly journal: Journal; readonly time: number; readonly realTime: number }>
  newerFormat: boolean
  /** The mtime of `oci-layout`. */
  layoutWritten: number
  identities: Identities
  /** The names in `blobs/`, those whose content is not synced, those whose bytes are wrong, and when we pushed them. */
  blobs: ReadonlyArray<Content>
  unsynced: ReadonlyArray<Content>
  torn: ReadonlyArray<Content>
  touched: Times
  /** When `blobs/` changed last, and how that was when we listed it last, and when that was. */
  stamp: number
  listed: { readonly stamp: number; readonly time: number } | undefined
  /** Our second names, since when, and those that are not durable. */
  held: Times
  unsyncedHolds: ReadonlyArray<Content>
  /** What a tool pushed again while we held it: the two names are two files. */
  apart: ReadonlyArray<Content>
  trash: Times
  lock: number
  writers: ReadonlyArray<Writer>
  tools: ReadonlyArray<ToolState>
  readers: ReadonlyArray<Reader>
  // What follows no program sees.
  allowed: Allowed
  writes: number
  acknowledged: ReadonlyArray<Acknowledged>
  refused: ReadonlyArray<{ readonly name: string; readonly to: Content }>
  /** Content that other tools or a power cut took before we could have known of it. */
  excused: ReadonlyArray<Content>
  /** What the last look of ours left. */
  leftIndex: Bytes | undefined
  /** No look of ours has seen this copy yet. */
  newCopy: boolean
  wiped: boolean
}

export interface Step {
  readonly label: string
  readonly state: State
}

export const step = (state: State, label: string, change: (draft: State) => void): ReadonlyArray<Step> => {
  const draft = { ...state }
  change(draft)
  return [{ label, state: draft }]
}

export const replaceAt = <A>(all: ReadonlyArray<A>, i: number, by: A): ReadonlyArray<A> =>
  all.map((each, k) => k === i ? by : each)

export const omit = <A>(record: Readonly<Record<string, A>>, key: string): Readonly<Record<string, A>> => {
  const { [key]: _, ...rest } = record
  return rest
}

export const fileOf = (state: State, id: FileId): IndexFile => {
  const file = state.files[id]
  if (file === undefined) throw new Error(`there is no file ${id}`)
  return file
}

/** Undefined while there is no index, or a torn one. */
export const readableIndex = (state: State): IndexFile | undefined => {
  const file = state.index === nothing ? undefined : fileOf(state, state.index)
  return file?.bytes === torn ? undefined : file
}

export const createFile = (draft: State, bytes: Bytes, mtime = draft.clock): FileId => {
  draft.lastFile++
  draft.files = { ...draft.files, [draft.lastFile]: { bytes, mtime, ctime: draft.clock, writes: 0 } }
  return draft.lastFile
}

/** As a tool does that truncates and writes. */
export const writeInPlace = (draft: State, id: FileId, bytes: Bytes): void => {
  const { writes } = fileOf(draft, id)
  const file = { bytes, mtime: draft.clock, ctime: draft.clock, writes: writes + 1 }
  draft.files = { ...draft.files, [id]: file }
}

export const replaceIndex = (draft: State, index: FileId): void => {
  draft.index = index
  draft.pending = [...draft.pending, { in: "layout", kind: "replace", index }]
}

/** The file that a writer takes for the one it looked at. */
export const identityOf = (state: State): string =>
  state.index === nothing ? "" : `${state.index}.${fileOf(state, state.index).writes}`

export const waits = ({ displaced, files }: State, { after, before }: Group): boolean =>
  displaced.some((each) => each.before === before && each.after === after && files[each.file]?.bytes === after)

/** Without a last group that waits while the index says something else. */
const recordedJournal = (state: State): Journal => {
  const last = state.journal.at(-1)
  const pending = last?.kind === "group" && waits(state, last) && state.files[state.index]?.bytes !== last.after
  return pending ? state.journal.slice(0, -1) : state.journal
}

export const recordedGroups = (state: State): ReadonlyArray<Group> => committed(recordedJournal(state))

export const blobsChanged = (draft: State, blobs: Iterable<Content>): void => {
  draft.blobs = [...new Set(blobs)].toSorted()
  draft.stamp = draft.clock
}

export const initialState = (world: World): State => {
  const { entries, layers = {}, tools = [] } = world
  const manifests = [...new Set(Object.values(entries))]
  return {
    clock: 0,
    realTime: 0,
    ticked: 0,
    killsLeft: world.kills ?? 0,
    cutsLeft: world.powerCuts ?? 0,
    failuresLeft: world.failedExchanges ?? 0,
    files: { 1: { bytes: print(entries), mtime: 0, ctime: 0, writes: 0 } },
    lastFile: 1,
    index: 1,
    displaced: [],
    durable: { index: 1, displaced: [] },
    pending: [],
    journal: [],
    syncedRecords: 0,
    journals: 0,
    aside: [],
    newerFormat: false,
    layoutWritten: 0,
    identities: { blobs: 0, own: 0, layoutFile: 0 },
    blobs: [...new Set(manifests.flatMap((each) => [each, ...layers[each] ?? []]))].toSorted(),
    unsynced: [],
    torn: [],
    touched: {},
    stamp: -minute,
    listed: undefined,
    held: {},
    unsyncedHolds: [],
    apart: [],
    trash: {},
    lock: -1,
    writers: world.programs.map(() => idleWriter),
    tools: tools.map(() => ({ step: 0 })),
    readers: Array.from({ length: world.readers ?? 0 }, () => ({ phase: "index", tries: 0 })),
    allowed: Object.fromEntries(Object.entries(entries).map(([name, to]) => [name, [`${to}#0` as const]])),
    writes: 0,
    acknowledged: [],
    refused: [],
    excused: [],
    leftIndex: undefined,
    newCopy: false,
    wiped: false
  }
}

export const idleWriter: Writer = { phase: "idle", at: 0, tries: 0, answered: false, merges: 0 }
