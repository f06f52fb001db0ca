/** What a layout's index says, arranged so that a question costs the size of its answer. */
import { HashMap, type Schema } from "effect"
import type { Repository, Tag } from "../oci/Reference.ts"
import { endOfName } from "../oci/RefName.ts"
import { type Entry, readEntry } from "./Entry.ts"
import { leastBytes, mostBytes, utf8Bytes } from "./entryBytes.ts"

/** The entries of one repository. */
export interface Names {
  /** The entries of each tag, in index order: the first one counts. */
  readonly tags: HashMap.HashMap<Tag, ReadonlyArray<Entry>>
  /** How many entries the repository has, tagged and untagged. */
  readonly size: number
  /** How many of them are written as a bare tag or without a name. */
  readonly bare: number
}

export interface State {
  /** The repository that bare tags and nameless entries belong to. */
  readonly defaultRepository: Repository | undefined
  /** In index order. */
  readonly entries: ReadonlyArray<Entry>
  readonly repositories: HashMap.HashMap<Repository, Names>
  /** Every entry by the digest it is written with, valid or not. */
  readonly digests: HashMap.HashMap<string, ReadonlyArray<Entry>>
  /** No fewer bytes than the entries take in `index.json`, whatever its indentation. */
  readonly bytes: number
  /** What each entry added since `bytes` was measured is counted as; only that may be taken off again. */
  readonly counted: WeakMap<Entry, number>
}

/** A layout without entries. */
export const empty = (defaultRepository?: Repository): State => ({
  defaultRepository,
  entries: [],
  repositories: HashMap.empty(),
  digests: HashMap.empty(),
  bytes: 0,
  counted: new WeakMap()
})

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
  return new StateRead({ ...options, entries, counted: new WeakMap() }, new Arrangement(entries))
}

/** The entries of an index, arranged as far as somebody has asked. */
class Arrangement {
  readonly #entries: ReadonlyArray<Entry>
  #byEnd: ReadonlyMap<string, ReadonlyArray<Entry>> | undefined
  #byDigest: ReadonlyMap<string, ReadonlyArray<Entry>> | undefined
  #repositories: State["repositories"] | undefined
  #digests: State["digests"] | undefined

  constructor(entries: ReadonlyArray<Entry>) {
    this.#entries = entries
  }

  get repositories(): State["repositories"] {
    return this.#repositories ??= HashMap.fromIterable(
      Array.from(
        Map.groupBy(this.#entries, ({ name }) => name._tag === "Raw" ? undefined : name.repository),
        ([repository, own]) => repository === undefined ? undefined : [repository, namesOf(own)] as const
      ).filter((names) => names !== undefined)
    )
  }

  get isArranged(): boolean {
    return this.#repositories !== undefined
  }

  get digests(): State["digests"] {
    return this.#digests ??= HashMap.fromIterable(this.#ofDigests())
  }

  tagged(repository: Repository, tag: Tag): ReadonlyArray<Entry> {
    if (this.#repositories !== undefined) return taggedIn(this.#repositories, repository, tag)
    // Only an entry whose name ends in the tag can have it, so only those are read.
    this.#byEnd ??= Map.groupBy(this.#entries, ({ refName }) => endOfName(refName ?? ""))
    return (this.#byEnd.get(tag) ?? []).filter(({ name }) =>
      name._tag === "Tagged" && name.repository === repository && name.tag === tag
    )
  }

  withDigest(digest: string): ReadonlyArray<Entry> {
    return this.#ofDigests().get(digest) ?? []
  }

  #ofDigests(): ReadonlyMap<string, ReadonlyArray<Entry>> {
    return this.#byDigest ??= Map.groupBy(this.#entries, ({ digest }) => digest)
  }
}

/** A state that was read from an index: what nobody asks of a large one is not worked out. */
class StateRead implements State {
  declare readonly repositories: State["repositories"]
  declare readonly digests: State["digests"]
  readonly defaultRepository: Repository | undefined
  readonly entries: ReadonlyArray<Entry>
  readonly bytes: number
  readonly counted: State["counted"]
  readonly #arrangement: Arrangement

  constructor(
    { bytes, counted, defaultRepository, entries }: Omit<State, "repositories" | "digests">,
    arrangement: Arrangement
  ) {
    this.defaultRepository = defaultRepository
    this.entries = entries
    this.bytes = bytes
    this.counted = counted
    this.#arrangement = arrangement
    // Its own, so that a state spread into another has them.
    Object.defineProperties(this, {
      repositories: { enumerable: true, get: () => arrangement.repositories },
      digests: { enumerable: true, get: () => arrangement.digests }
    })
  }

  static arrangementOf(state: State): Arrangement | undefined {
    return state instanceof StateRead ? state.#arrangement : undefined
  }
}

/** Whether repositories are arranged, so that asking for one is cheap. */
export const isArranged = (state: State): boolean => StateRead.arrangementOf(state)?.isArranged ?? true

/** The entries of a tag in index order. */
export const entriesTagged = (state: State, repository: Repository, tag: Tag): ReadonlyArray<Entry> =>
  StateRead.arrangementOf(state)?.tagged(repository, tag) ?? taggedIn(state.repositories, repository, tag)

const taggedIn = (repositories: State["repositories"], repository: Repository, tag: Tag): ReadonlyArray<Entry> =>
  valueOr(valueOr(repositories, repository, noNames).tags, tag, [])

/** The entries that are written with a digest, in index order. */
export const entriesOfDigest = (state: State, digest: string): ReadonlyArray<Entry> =>
  StateRead.arrangementOf(state)?.withDigest(digest) ?? valueOr(state.digests, digest, [])

/** The state of these entries, wherever they are written. */
export const fromEntries = (values: ReadonlyArray<Schema.Json>, defaultRepository: Repository | undefined): State =>
  fromIndex(values, { defaultRepository, bytes: utf8Bytes(JSON.stringify([values], undefined, 8)) })

/** The same state, now that its index was written and takes so many bytes. */
export const measured = (state: State, bytes: number): State => {
  const arrangement = StateRead.arrangementOf(state)
  const counted: State["counted"] = new WeakMap()
  if (arrangement === undefined) return { ...state, bytes, counted }
  const { defaultRepository, entries } = state
  return new StateRead({ defaultRepository, entries, bytes, counted }, arrangement)
}

/** The state with `entry` at `position` of the index, at its end by default. */
export const insert = (state: State, entry: Entry, position = state.entries.length): State =>
  rearrange(state, entry, state.entries.toSpliced(position, 0, entry), 1)

/** As one `insert` after the other at the end of the index, in time that does not grow with what is there already. */
export const append = (state: State, added: ReadonlyArray<Entry>): State => {
  const digests = Map.groupBy(added, ({ digest }) => digest)
  const own = Map.groupBy(added, ({ name }) => name._tag === "Raw" ? undefined : name.repository)
  return {
    ...state,
    entries: [...state.entries, ...added],
    digests: withLists(state.digests, digests),
    repositories: HashMap.mutate(state.repositories, (repositories) => {
      for (const [repository, entries] of own) {
        if (repository === undefined) continue
        const names = valueOr(repositories, repository, noNames)
        const more = namesOf(entries)
        HashMap.set(repositories, repository, {
          tags: withLists(names.tags, more.tags),
          size: names.size + more.size,
          bare: names.bare + more.bare
        })
      }
    }),
    bytes: added.reduce((bytes, entry) => bytes + count(state, entry), state.bytes)
  }
}

const withLists = <K, V>(
  lists: HashMap.HashMap<K, ReadonlyArray<V>>,
  more: Iterable<readonly [K, ReadonlyArray<V>]>
): HashMap.HashMap<K, ReadonlyArray<V>> =>
  HashMap.mutate(lists, (lists) => {
    for (const [key, values] of more) HashMap.set(lists, key, [...valueOr(lists, key, []), ...values])
  })

/** The state without this very entry. */
export const remove = (state: State, entry: Entry): State =>
  rearrange(state, entry, state.entries.toSpliced(state.entries.indexOf(entry), 1), -1)

/** The state with `to` in the place of this very entry. */
export const replace = (state: State, entry: Entry, to: Entry): State =>
  insert(remove(state, entry), to, state.entries.indexOf(entry))

const rearrange = (state: State, entry: Entry, entries: ReadonlyArray<Entry>, more: 1 | -1): State => {
  const { name } = entry
  const change = (list: ReadonlyArray<Entry>): ReadonlyArray<Entry> =>
    more === 1 ? inOrder(entries, [...list, entry]) : list.filter((other) => other !== entry)
  return {
    ...state,
    entries,
    digests: changeList(state.digests, entry.digest, change),
    repositories: name._tag === "Raw" ?
      state.repositories :
      changeNames(state.repositories, name.repository, (names) => ({
        tags: name._tag === "Tagged" ? changeList(names.tags, name.tag, change) : names.tags,
        size: names.size + more,
        bare: names.bare + (name.dialect === "bare" ? more : 0)
      })),
    bytes: state.bytes + (more === 1 ? count(state, entry) : -leastOf(state, entry))
  }
}

/** Index order tells which of several entries counts; lists of one, nearly all of them, need no look at it. */
const inOrder = (entries: ReadonlyArray<Entry>, list: ReadonlyArray<Entry>): ReadonlyArray<Entry> =>
  list.length < 2 ? list : list.toSorted((a, b) => entries.indexOf(a) - entries.indexOf(b))

const changeList = <K, V>(
  lists: HashMap.HashMap<K, ReadonlyArray<V>>,
  key: K,
  change: (list: ReadonlyArray<V>) => ReadonlyArray<V>
): HashMap.HashMap<K, ReadonlyArray<V>> => {
  const list = change(valueOr(lists, key, []))
  return list.length === 0 ? HashMap.remove(lists, key) : HashMap.set(lists, key, list)
}

const noNames: Names = { tags: HashMap.empty(), size: 0, bare: 0 }

/** A repository exists while it has an entry. */
const changeNames = (
  repositories: State["repositories"],
  repository: Repository,
  change: (names: Names) => Names
): State["repositories"] => {
  const names = change(valueOr(repositories, repository, noNames))
  return names.size === 0
    ? HashMap.remove(repositories, repository)
    : HashMap.set(repositories, repository, names)
}

const namesOf = (entries: ReadonlyArray<Entry>): Names => {
  const tags = new Map<Tag, Array<Entry>>()
  let bare = 0
  for (const entry of entries) {
    if (entry.name._tag === "Tagged") pushTo(tags, entry.name.tag, entry)
    if (entry.name._tag !== "Raw" && entry.name.dialect === "bare") bare++
  }
  return { tags: HashMap.fromIterable(tags), size: entries.length, bare }
}

const count = ({ counted }: State, entry: Entry): number => {
  const bytes = mostBytes(entry.value)
  counted.set(entry, bytes)
  return bytes
}

/** What an entry takes at least: one that was there when the index was measured may be spelled in the fewest bytes. */
const leastOf = ({ counted }: State, entry: Entry): number => counted.get(entry) ?? leastBytes(entry.value)

const pushTo = <K, V>(lists: Map<K, Array<V>>, key: K, value: V): void => {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}

const valueOr = <K, V>(map: HashMap.HashMap<K, V>, key: K, otherwise: V): V => {
  const found = HashMap.get(map, key)
  return found._tag === "Some" ? found.value : otherwise
}
