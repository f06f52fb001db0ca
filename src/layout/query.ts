/** What can be asked of a state. */
import { HashMap, Option } from "effect"
import type { Digest } from "../oci/Digest.ts"
import type { Repository, Tag } from "../oci/Reference.ts"
import { type Entry, rawNameOf } from "./Entry.ts"
import { entriesOfDigest, entriesTagged, isArranged, type Names, type State } from "./State.ts"

/** A page of a listing in lexical byte order. */
export interface Page {
  /** The last name of the page before; it need not exist. */
  readonly startAfter?: string | undefined
  /** At most so many; all when absent or not positive, as in the Go interface. */
  readonly limit?: number | undefined
}

export const names = (state: State, repository: Repository): Option.Option<Names> =>
  HashMap.get(state.repositories, repository)

/** The entries of a tag in index order: the first one counts, a change touches all. */
export const tagged: (state: State, repository: Repository, tag: Tag) => ReadonlyArray<Entry> = entriesTagged

/** The entries of a digest in a repository, tagged and untagged. */
export const withDigest = (state: State, repository: Repository, digest: Digest): ReadonlyArray<Entry> =>
  entriesOfDigest(state, digest).filter(({ name }) => name._tag !== "Raw" && name.repository === repository)

/**
 * The entries by which a digest is reached from a repository: its own and, from the default repository, those whose
 * name fits no grammar.
 */
export const reaching = (state: State, repository: Repository, digest: Digest): ReadonlyArray<Entry> =>
  entriesOfDigest(state, digest).filter(({ descriptor, name }) =>
    name._tag === "Raw"
      ? descriptor !== undefined && repository === state.defaultRepository
      : name.repository === repository
  )

/** The manifests of a repository that no tag of it names, in index order, each once. */
export const untagged = (state: State, repository: Repository): ReadonlyArray<Entry> => {
  const own = entriesOf(state, repository)
  const met = new Set(own.flatMap(({ digest, name }) => name._tag === "Tagged" ? [digest] : []))
  const strangers = repository === state.defaultRepository ? unnamed(state) : []
  return [...own, ...strangers].filter(({ descriptor, digest }) => {
    if (descriptor === undefined || met.has(digest)) return false
    met.add(digest)
    return true
  })
}

/**
 * The entries of exactly this name, in index order: those that are written so and called so, as skopeo and umoci
 * address them, or else those that their full image name calls so, or else those that are written so.
 */
export const allNamed = ({ entries }: State, name: string): ReadonlyArray<Entry> => {
  const written = entries.filter(({ refName }) => refName === name)
  const exact = written.filter((entry) => rawNameOf(entry) === name)
  if (exact.length > 0) return exact
  const called = entries.filter((entry) => rawNameOf(entry) === name)
  return called.length > 0 ? called : written
}

/** The first entry of exactly this name. */
export const named = (state: State, name: string): Option.Option<Entry> =>
  Option.fromUndefinedOr(allNamed(state, name)[0])

/** All entries of a repository, in index order. */
export const entriesOf = (state: State, repository: Repository): ReadonlyArray<Entry> =>
  remembered(entriesByRepository, state, () => {
    const lists = new Map<Repository, Array<Entry>>()
    for (const entry of state.entries) {
      if (entry.name._tag === "Raw") continue
      const list = lists.get(entry.name.repository)
      if (list === undefined) lists.set(entry.name.repository, [entry])
      else list.push(entry)
    }
    return lists
  }).get(repository) ?? []

/**
 * An object that is the same as long as the repository is unchanged: the key of caches about it. None for an unknown
 * repository.
 */
export const constantOf = (state: State, repository: Repository): object | undefined => {
  if (isArranged(state)) return Option.getOrUndefined(names(state, repository))
  const entries = entriesOf(state, repository)
  return entries.length === 0 ? undefined : entries
}

/**
 * The entries of no repository: their name fits no grammar or, in the layout of one repository, belongs to another one.
 */
export const unnamed = (state: State, layout?: Repository): ReadonlyArray<Entry> =>
  state.entries.filter(({ name }) => name._tag === "Raw" || (layout !== undefined && name.repository !== layout))

/** The repositories that have an entry. */
export const repositories = (state: State, page: Page = {}): ReadonlyArray<Repository> =>
  pageOf(remembered(sortedRepositories, state.repositories, () => sorted(HashMap.keys(state.repositories))), page)

/** The tags of a repository. */
export const tags = ({ tags }: Names, page: Page = {}): ReadonlyArray<Tag> =>
  pageOf(remembered(sortedTags, tags, () => sorted(HashMap.keys(tags))), page)

/** The names after `startAfter`, at most `limit` of them, out of names in lexical order. */
export const pageOf = <A extends string>(all: ReadonlyArray<A>, { limit, startAfter }: Page): ReadonlyArray<A> => {
  const from = startAfter === undefined ? 0 : after(all, startAfter)
  return limit === undefined || limit <= 0 ? all.slice(from) : all.slice(from, from + limit)
}

/** Where the names greater than `name` begin. */
const after = (all: ReadonlyArray<string>, name: string): number => {
  let low = 0
  let high = all.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((all[middle] ?? "") <= name) low = middle + 1
    else high = middle
  }
  return low
}

// States are immutable, so what was once sorted or gathered for one stays right for as long as the state lives.
const sortedRepositories = new WeakMap<State["repositories"], ReadonlyArray<Repository>>()
const sortedTags = new WeakMap<Names["tags"], ReadonlyArray<Tag>>()
const entriesByRepository = new WeakMap<State, ReadonlyMap<Repository, ReadonlyArray<Entry>>>()

const remembered = <K extends object, V>(known: WeakMap<K, V>, key: K, make: () => V): V => {
  const found = known.get(key)
  if (found !== undefined) return found
  const made = make()
  known.set(key, made)
  return made
}

/** Repository names and tags are ASCII, so the order of code units is the order of bytes. */
const sorted = <A extends string>(all: Iterable<A>): ReadonlyArray<A> =>
  Array.from(all).toSorted((a, b) => a < b ? -1 : a > b ? 1 : 0)
