/** Entries by repository, tag and digest; each order is worked out when it is first needed. */
import { HashMap } from "effect"
import type { Repository, Tag } from "../oci/Reference.ts"
import type { Entry } from "./Entry.ts"
import type { Sequence } from "./Sequence.ts"

/** The entries of one repository. */
export interface Names {
  /** The entries of each tag, in index order: the first one counts. */
  readonly tags: HashMap.HashMap<Tag, ReadonlyArray<Entry>>
  /** How many entries the repository has, tagged and untagged. */
  readonly size: number
  /** How many of them are written as a bare tag or without a name. */
  readonly bare: number
}

type Repositories = HashMap.HashMap<Repository, Names>
type Digests = HashMap.HashMap<string, ReadonlyArray<Entry>>

export interface Arrangement {
  readonly repositories: Repositories
  /** Every entry by the digest it is written with, valid or not. */
  readonly digests: Digests
  /** Whether `repositories`, and whether `digests`, are worked out already. */
  readonly knows: { readonly repositories: boolean; readonly digests: boolean }
  /** Changes since the last arrangement that was worked out from entries. */
  readonly depth: number
  /** In index order. */
  readonly tagged: (repository: Repository, tag: Tag) => ReadonlyArray<Entry>
  /** In index order. */
  readonly withDigest: (digest: string) => ReadonlyArray<Entry>
}

/** So many questions are answered by looking at every entry before a table of the answers is made. */
const fewLooks = 16

/** Entries by one of their features. */
class Table {
  readonly #entries: ReadonlyArray<Entry>
  readonly #keyOf: (entry: Entry) => string
  #table: ReadonlyMap<string, ReadonlyArray<Entry>> | undefined
  #looks = 0

  constructor(entries: ReadonlyArray<Entry>, keyOf: (entry: Entry) => string) {
    this.#entries = entries
    this.#keyOf = keyOf
  }

  get(key: string): ReadonlyArray<Entry> {
    return this.#table === undefined && this.#looks++ < fewLooks
      ? this.#entries.filter((entry) => this.#keyOf(entry) === key)
      : this.all.get(key) ?? []
  }

  get all(): ReadonlyMap<string, ReadonlyArray<Entry>> {
    return this.#table ??= Map.groupBy(this.#entries, this.#keyOf)
  }
}

/** Of the entries of an index as they were read. */
export class ReadArrangement implements Arrangement {
  readonly #entries: ReadonlyArray<Entry>
  readonly #byTag: Table
  readonly #byDigest: Table
  #repositories: Repositories | undefined
  #digests: Digests | undefined
  readonly depth = 0

  constructor(entries: ReadonlyArray<Entry>) {
    this.#entries = entries
    this.#byTag = new Table(entries, ({ name }) => name._tag === "Tagged" ? name.tag : "")
    this.#byDigest = new Table(entries, ({ digest }) => digest)
  }

  get knows(): Arrangement["knows"] {
    return { repositories: this.#repositories !== undefined, digests: this.#digests !== undefined }
  }

  get repositories(): Repositories {
    return this.#repositories ??= HashMap.fromIterable(
      Array.from(
        Map.groupBy(this.#entries, ({ name }) => name._tag === "Raw" ? undefined : name.repository),
        ([repository, own]) => repository === undefined ? undefined : [repository, namesOf(own)] as const
      ).filter((names) => names !== undefined)
    )
  }

  get digests(): Digests {
    return this.#digests ??= HashMap.fromIterable(this.#byDigest.all)
  }

  tagged(repository: Repository, tag: Tag): ReadonlyArray<Entry> {
    if (this.#repositories !== undefined) return taggedIn(this.#repositories, repository, tag)
    return this.#byTag.get(tag).filter(isTagged(repository, tag))
  }

  withDigest(digest: string): ReadonlyArray<Entry> {
    return this.#byDigest.get(digest)
  }
}

/** After this many changes in a row, the tables are built again. */
const fewChanges = 8

/** Of entries of which one has gone, or come, or both in one place. */
export class ChangedArrangement implements Arrangement {
  /** What was changed; needed no longer once all is worked out. */
  #before: Arrangement | undefined
  readonly #sequence: Sequence
  readonly #gone: Entry | undefined
  readonly #come: Entry | undefined
  #repositories: Repositories | undefined
  #digests: Digests | undefined
  readonly depth: number

  constructor(
    before: Arrangement,
    sequence: Sequence,
    { come, gone }: { readonly gone?: Entry; readonly come?: Entry }
  ) {
    this.#before = before
    this.#sequence = sequence
    this.#gone = gone
    this.#come = come
    this.depth = before.depth + 1
    const { digests, repositories } = before.knows
    const isDeep = this.depth >= fewChanges
    if (repositories || isDeep) this.#workOutRepositories(before)
    if (digests || isDeep) this.#workOutDigests(before)
    if (this.#before === undefined) this.depth = 0
  }

  get knows(): Arrangement["knows"] {
    return { repositories: this.#repositories !== undefined, digests: this.#digests !== undefined }
  }

  get repositories(): Repositories {
    return this.#repositories ?? this.#workOutRepositories(this.#before)
  }

  get digests(): Digests {
    return this.#digests ?? this.#workOutDigests(this.#before)
  }

  tagged(repository: Repository, tag: Tag): ReadonlyArray<Entry> {
    if (this.#repositories !== undefined) return taggedIn(this.#repositories, repository, tag)
    return this.#changed(this.#before?.tagged(repository, tag) ?? [], isTagged(repository, tag))
  }

  withDigest(digest: string): ReadonlyArray<Entry> {
    if (this.#digests !== undefined) return valueOr(this.#digests, digest, [])
    return this.#changed(this.#before?.withDigest(digest) ?? [], (entry) => entry.digest === digest)
  }

  #workOutRepositories(before: Arrangement | undefined): Repositories {
    let repositories = before?.repositories ?? HashMap.empty()
    for (const [entry, more] of [[this.#gone, -1], [this.#come, 1]] as const) {
      if (entry === undefined) continue
      const { name } = entry
      if (name._tag === "Raw") continue
      repositories = changeNames(repositories, name.repository, (names) => ({
        tags: name._tag === "Tagged"
          ? changeList(names.tags, name.tag, (list) => this.#changed(list, isTagged(name.repository, name.tag)))
          : names.tags,
        size: names.size + more,
        bare: names.bare + (name.dialect === "bare" ? more : 0)
      }))
    }
    this.#repositories = repositories
    this.#forgetBefore()
    return repositories
  }

  #workOutDigests(before: Arrangement | undefined): Digests {
    let digests = before?.digests ?? HashMap.empty()
    for (const entry of [this.#gone, this.#come]) {
      if (entry === undefined) continue
      digests = changeList(
        digests,
        entry.digest,
        (list) => this.#changed(list, (other) => other.digest === entry.digest)
      )
    }
    this.#digests = digests
    this.#forgetBefore()
    return digests
  }

  #forgetBefore(): void {
    if (this.#repositories !== undefined && this.#digests !== undefined) this.#before = undefined
  }

  /** A list without what has gone, and with what has come, if it is one of the list. */
  #changed(list: ReadonlyArray<Entry>, isOne: (entry: Entry) => boolean): ReadonlyArray<Entry> {
    const [gone, come] = [this.#gone, this.#come]
    const rest = gone === undefined || !list.includes(gone) ? list : list.filter((entry) => entry !== gone)
    return come === undefined || !isOne(come) || rest.includes(come) ? rest : this.#sequence.insertInto(rest, come)
  }
}

const isTagged = (repository: Repository, tag: Tag) => ({ name }: Entry): boolean =>
  name._tag === "Tagged" && name.repository === repository && name.tag === tag

const taggedIn = (repositories: Repositories, repository: Repository, tag: Tag): ReadonlyArray<Entry> =>
  valueOr(valueOr(repositories, repository, noNames).tags, tag, [])

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
  repositories: Repositories,
  repository: Repository,
  change: (names: Names) => Names
): Repositories => {
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

const pushTo = <K, V>(lists: Map<K, Array<V>>, key: K, value: V): void => {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}

const valueOr = <K, V>(map: HashMap.HashMap<K, V>, key: K, otherwise: V): V => {
  const found = HashMap.get(map, key)
  return found._tag === "Some" ? found.value : otherwise
}
