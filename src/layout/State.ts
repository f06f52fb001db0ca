/** What a layout's index says, arranged so that a question costs the size of its answer. */
import type { Schema } from "effect"
import type { Repository, Tag } from "../oci/Reference.ts"
import { type Arrangement, ChangedArrangement, ReadArrangement } from "./Arrangement.ts"
import { type Entry, readEntry } from "./Entry.ts"
import { leastBytes, mostBytes } from "./entryBytes.ts"
import { Sequence } from "./Sequence.ts"

export type { Names } from "./Arrangement.ts"

/** A state is never changed: a changed one is another one, which shares with it what is the same. */
export class State {
  /** The repository that bare tags and nameless entries belong to. */
  readonly defaultRepository: Repository | undefined
  /** How its entries are kept. */
  readonly sequence: Sequence
  readonly arrangement: Arrangement
  /** An upper bound of the bytes that the entries take in `index.json`, with any indentation. */
  readonly bytes: number
  /** The bytes counted for each entry that was added since `bytes` was measured; `remove` subtracts exactly these. */
  readonly counted: WeakMap<Entry, number>

  constructor({ arrangement, bytes, counted, defaultRepository, sequence }: {
    readonly defaultRepository: Repository | undefined
    readonly sequence: Sequence
    readonly arrangement: Arrangement
    readonly bytes: number
    readonly counted: WeakMap<Entry, number>
  }) {
    this.defaultRepository = defaultRepository
    this.sequence = sequence
    this.arrangement = arrangement
    this.bytes = bytes
    this.counted = counted
  }

  /** In index order. */
  get entries(): ReadonlyArray<Entry> {
    return this.sequence.entries
  }

  /** The entries of each repository. */
  get repositories(): Arrangement["repositories"] {
    return this.arrangement.repositories
  }

  /** Every entry by the digest it is written with, valid or not. */
  get digests(): Arrangement["digests"] {
    return this.arrangement.digests
  }
}

/** A layout without entries. */
export const empty = (defaultRepository?: Repository): State => fromIndex([], { defaultRepository, bytes: 0 })

/**
 * The state that the `manifests` of an index describe.
 *
 * @param bytes how many bytes the elements take as they stand
 */
export const fromIndex = (
  manifests: ReadonlyArray<Schema.Json>,
  options: { readonly defaultRepository: Repository | undefined; readonly bytes: number }
): State => {
  const entries = manifests.map((value) => readEntry(value, options.defaultRepository))
  return new State({
    ...options,
    sequence: Sequence.of(entries),
    arrangement: new ReadArrangement(entries),
    counted: new WeakMap()
  })
}

/** Whether repositories are arranged, so that asking for one is cheap. */
export const isArranged = ({ arrangement }: State): boolean => arrangement.knows.repositories

/** The entries of a tag in index order. */
export const entriesTagged = ({ arrangement }: State, repository: Repository, tag: Tag): ReadonlyArray<Entry> =>
  arrangement.tagged(repository, tag)

/** The entries that are written with a digest, in index order. */
export const entriesOfDigest = ({ arrangement }: State, digest: string): ReadonlyArray<Entry> =>
  arrangement.withDigest(digest)

/** The state of these entries, without regard to where they are written. */
export const fromEntries = (values: ReadonlyArray<Schema.Json>, defaultRepository: Repository | undefined): State =>
  fromIndex(values, { defaultRepository, bytes: values.reduce<number>((sum, value) => sum + mostBytes(value), 0) })

/** The same state, now that its index was written and takes so many bytes. */
export const measured = ({ arrangement, defaultRepository, entries }: State, bytes: number): State =>
  new State({ defaultRepository, sequence: Sequence.of(entries), arrangement, bytes, counted: new WeakMap() })

/** The state with `entry` at the end of the index. */
export const insert = (state: State, entry: Entry): State => {
  const sequence = state.sequence.append(entry)
  return new State({
    ...state,
    sequence,
    arrangement: new ChangedArrangement(state.arrangement, sequence, { come: entry }),
    bytes: state.bytes + count(state, entry)
  })
}

/** As one `insert` after the other. */
export const append = (state: State, added: ReadonlyArray<Entry>): State => {
  // If many entries come, arranging all entries anew costs no more than inserting them one by one.
  if (added.length <= Math.max(state.sequence.length >> 3, 1)) return added.reduce(insert, state)
  const entries = state.entries.concat(added)
  return new State({
    ...state,
    sequence: Sequence.of(entries),
    arrangement: new ReadArrangement(entries),
    bytes: added.reduce((bytes, entry) => bytes + count(state, entry), state.bytes)
  })
}

/** The state without this very entry. */
export const remove = (state: State, entry: Entry): State => {
  const sequence = state.sequence.remove(entry)
  return new State({
    ...state,
    sequence,
    arrangement: new ChangedArrangement(state.arrangement, sequence, { gone: entry }),
    bytes: state.bytes - leastOf(state, entry)
  })
}

/** The state with `to` in the place of this very entry. */
export const replace = (state: State, entry: Entry, to: Entry): State => {
  const sequence = state.sequence.replace(entry, to)
  return new State({
    ...state,
    sequence,
    arrangement: new ChangedArrangement(state.arrangement, sequence, { gone: entry, come: to }),
    bytes: state.bytes - leastOf(state, entry) + count(state, to)
  })
}

const count = ({ counted }: State, entry: Entry): number => {
  const bytes = mostBytes(entry.value)
  counted.set(entry, bytes)
  return bytes
}

/** What an entry takes at least: one that was there when the index was measured may be spelled in the fewest bytes. */
const leastOf = ({ counted }: State, entry: Entry): number => counted.get(entry) ?? leastBytes(entry.value)
