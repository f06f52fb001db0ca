/** What commits did, as users see it: which names moved from which digest to which. */
import type { Schema } from "effect"
import type { Repository, Tag } from "../oci/Reference.ts"
import { type Entry, rawNameOf, readEntry } from "./Entry.ts"
import { Event } from "./Event.ts"

/** One name of the layout, or one blob, before and after. */
export interface NameChange {
  /** Absent for a blob, and for an entry whose name cannot be understood. */
  readonly repository?: Repository
  /** Absent when a manifest was given to, or taken from, a repository without a tag. */
  readonly tag?: Tag
  /** The name as written, where it cannot be understood. */
  readonly refName?: string
  /** What it was before; absent when it is new. */
  readonly from?: string
  /** What it is now; absent when it is gone. */
  readonly to?: string
}

/** What events did, name by name, in their order. */
export const changesOf = (
  events: ReadonlyArray<Event>,
  defaultRepository: Repository | undefined
): ReadonlyArray<NameChange> => {
  const read = (value: Schema.Json): Entry => readEntry(value, defaultRepository)
  return events.flatMap((event) =>
    Event.match(event, {
      BlobCollected: ({ digest }): ReadonlyArray<NameChange> => [{ from: digest }],
      BlobDeleted: ({ digest }) => [{ from: digest }],
      EntryAdded: ({ value }) => {
        const entry = read(value)
        return [{ ...nameIn(entry), to: entry.digest }]
      },
      EntryRemoved: ({ value }) => {
        const entry = read(value)
        return [{ ...nameIn(entry), from: entry.digest }]
      },
      EntryReplaced: ({ from, to }) => {
        const [before, after] = [read(from), read(to)]
        return sameName(before, after)
          ? [{ ...nameIn(after), from: before.digest, to: after.digest }]
          : [{ ...nameIn(before), from: before.digest }, { ...nameIn(after), to: after.digest }]
      }
    })
  )
}

const nameIn = (entry: Entry): Pick<NameChange, "repository" | "tag" | "refName"> => {
  const { name } = entry
  const refName = rawNameOf(entry)
  if (name._tag === "Raw") return refName === undefined ? {} : { refName }
  return name._tag === "Tagged" ? { repository: name.repository, tag: name.tag } : { repository: name.repository }
}

const sameName = (a: Entry, b: Entry): boolean => JSON.stringify(nameIn(a)) === JSON.stringify(nameIn(b))

/** Whether a change is about a repository, or a tag of it. */
export const isAbout = (
  change: NameChange,
  { repository, tag }: { readonly repository?: Repository | undefined; readonly tag?: Tag | undefined }
): boolean =>
  (repository === undefined || change.repository === repository) && (tag === undefined || change.tag === tag)

/**
 * Whether a commit moved a tag: what came and went within it does not count. Where a tag has several entries, of which
 * only the first counts, one that comes or goes behind it looks like a move as well.
 */
export const movesTag = (changes: ReadonlyArray<NameChange>, repository: Repository, tag: Tag): boolean => {
  const balance = new Map<string, number>()
  for (const { from, to } of changes.filter((change) => isAbout(change, { repository, tag }))) {
    if (from !== undefined) balance.set(from, (balance.get(from) ?? 0) - 1)
    if (to !== undefined) balance.set(to, (balance.get(to) ?? 0) + 1)
  }
  return Array.from(balance.values()).some((count) => count !== 0)
}
