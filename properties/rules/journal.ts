/** The journal, and the versions that it tells of. */
import { type Bytes, type Generation, withEntry } from "./indexes.ts"
import { absent, type Content, type Entries } from "./World.ts"

/** Which folder and files lie there; each number is an identity. */
export interface Identities {
  readonly blobs: number
  readonly own: number
  readonly layoutFile: number
}

export interface Commit {
  readonly revision: number
  readonly by: "foreign" | "ours"
  readonly changes: ReadonlyArray<readonly [name: string, from: Content, to: Content]>
}

export interface Group {
  readonly kind: "group"
  readonly journal: string
  readonly number: number
  /** The index that it replaces, and the one that it makes. */
  readonly before: Bytes
  readonly after: Bytes
  readonly hash: string
  readonly commits: ReadonlyArray<Commit>
  readonly time: number
  /** No program sees this: how much time has really gone by. */
  readonly realTime: number
  readonly identities: Identities
}

export interface Abort {
  readonly kind: "abort"
  readonly journal: string
  readonly number: number
  readonly aborts: number
  /** The revision that is free again. */
  readonly revision: number
  readonly hash: string
  readonly time: number
}

export type JournalRecord = Group | Abort
export type Journal = ReadonlyArray<JournalRecord>

/** What the names were at some time. */
export interface Version {
  readonly number: number
  readonly entries: Entries
  readonly time: number
  readonly realTime: number
  /** The last one of its group: the one that the index of the group says. */
  readonly last: boolean
}

export const generationOf = ({ hash, journal, number }: Group): Generation => ({ journal, number, hash })

const committedOf = new WeakMap<Journal, ReadonlyArray<Group>>()

/** The groups that no later record aborts. */
export const committed = (journal: Journal): ReadonlyArray<Group> => {
  const known = committedOf.get(journal)
  if (known !== undefined) return known
  const aborted = new Set(journal.flatMap((record) => record.kind === "abort" ? [record.aborts] : []))
  const groups = journal.filter((record) => record.kind === "group").filter(({ number }) => !aborted.has(number))
  committedOf.set(journal, groups)
  return groups
}

const versionsBy = new WeakMap<ReadonlyArray<Group>, ReadonlyArray<Version>>()

export const versionsOf = (groups: ReadonlyArray<Group>): ReadonlyArray<Version> => {
  const known = versionsBy.get(groups)
  if (known !== undefined) return known
  let entries: Entries = {}
  const versions = groups.flatMap(({ commits, number, realTime, time }) =>
    commits.map(({ changes }, i) => {
      for (const [name, , to] of changes) entries = withEntry(entries, name, to)
      return { number, entries, time, realTime, last: i === commits.length - 1 }
    })
  )
  versionsBy.set(groups, versions)
  return versions
}

export const headOf = (groups: ReadonlyArray<Group>): Entries => versionsOf(groups).at(-1)?.entries ?? {}

/** The index that was adopted when the journal began. */
export const adoptedOf = (groups: ReadonlyArray<Group>): Entries =>
  groups[0]?.commits[0]?.by === "foreign" ? versionsOf(groups)[0]?.entries ?? {} : {}

export const changesBetween = (from: Entries, to: Entries): Commit["changes"] =>
  [...new Set([...Object.keys(from), ...Object.keys(to)])].toSorted()
    .filter((name) => from[name] !== to[name])
    .map((name) => [name, from[name] ?? absent, to[name] ?? absent])
