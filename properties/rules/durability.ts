/** What of the changes of folders a sync makes durable, and what a power cut can leave. */
import type { Displaced, FolderChange, Folders, State } from "./State.ts"
import type { FileSystem } from "./World.ts"

const withoutFile = (displaced: ReadonlyArray<Displaced>, file: number): ReadonlyArray<Displaced> =>
  displaced.filter((each) => each.file !== file)

const carriedOut = (folders: Folders, change: FolderChange): Folders => {
  if (change.in === "layout") return { ...folders, index: change.index }
  const { displaced, index } = folders
  switch (change.kind) {
    case "add":
      return { index, displaced: [...displaced, change.entry] }
    case "remove":
      return { index, displaced: withoutFile(displaced, change.file) }
    case "half":
      return {
        index,
        displaced: displaced.flatMap((each) =>
          each.file !== change.file ? [each] : change.by === undefined ? [] : [change.by]
        )
      }
  }
}

export const allCarriedOut = (folders: Folders, changes: ReadonlyArray<FolderChange>): Folders =>
  changes.reduce(carriedOut, folders)

const isHalf = ({ kind }: FolderChange): boolean => kind === "half"

/** The changes that a sync of one folder makes durable. */
const syncedBy = (
  pending: ReadonlyArray<FolderChange>,
  folder: FolderChange["in"],
  fileSystem: FileSystem
): ReadonlyArray<boolean> => {
  const last = pending.findLastIndex((change) => change.in === folder)
  if (fileSystem === "ordered") return pending.map((_, i) => i <= last)
  /** One transaction has both halves, and what came before in the other folder. */
  const halves = fileSystem === "by folder" && folder === "layout"
    ? pending.findLastIndex((change) => change.in === "layout" && isHalf(change)) + 1
    : -1
  return pending.map((change, i) => change.in === folder || i <= halves)
}

export const sync = (draft: State, folder: FolderChange["in"], fileSystem: FileSystem): void => {
  const synced = syncedBy(draft.pending, folder, fileSystem)
  draft.durable = allCarriedOut(draft.durable, draft.pending.filter((_, i) => synced[i]))
  draft.pending = draft.pending.filter((_, i) => !synced[i])
}

/** Every selection of changes that a power cut can leave. */
export const survivors = (
  pending: ReadonlyArray<FolderChange>,
  fileSystem: FileSystem
): ReadonlyArray<ReadonlyArray<FolderChange>> => {
  const upTo = <A>(all: ReadonlyArray<A>) => Array.from({ length: all.length + 1 }, (_, i) => all.slice(0, i))
  if (fileSystem === "ordered") return upTo(pending)
  const ofLayout = upTo(pending.filter((change) => change.in === "layout"))
  const ofDisplaced = upTo(pending.filter((change) => change.in === "displaced"))
  const halvesOf = (changes: ReadonlyArray<FolderChange>) => changes.filter(isHalf).length
  return ofLayout.flatMap((some) =>
    ofDisplaced
      .filter((others) => fileSystem === "loose" || halvesOf(some) === halvesOf(others))
      .map((others) => [...some, ...others])
  )
}
