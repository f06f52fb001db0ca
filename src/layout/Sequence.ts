/** Entries in index order. A change costs the same however many there are: what is not changed is shared. */
import { HashMap } from "effect"
import type { Entry } from "./Entry.ts"

/** So many places are looked for one by one before a table of all of them is made. */
const fewLooks = 8

/** Where entries are. It is shared by all sequences of one list, so what it says of an added one is looked at again. */
class Places {
  readonly #list: ReadonlyArray<Entry>
  readonly #added = new WeakMap<Entry, number>()
  #table: ReadonlyMap<Entry, number> | undefined
  #looks = 0

  constructor(list: ReadonlyArray<Entry>) {
    this.#list = list
  }

  add(entry: Entry, place: number): void {
    this.#added.set(entry, place)
  }

  of(entry: Entry): number {
    const added = this.#added.get(entry)
    if (added !== undefined) return added
    if (this.#table === undefined && this.#looks++ < fewLooks) return this.#list.indexOf(entry)
    this.#table ??= new Map(this.#list.map((one, place) => [one, place]))
    return this.#table.get(entry) ?? -1
  }
}

/** What differs from the list that a sequence began with; a place without an entry is one that was left. */
type Changes = HashMap.HashMap<number, Entry | undefined>

export class Sequence {
  readonly #list: ReadonlyArray<Entry>
  readonly #places: Places
  readonly #changes: Changes
  /** After the last place. */
  readonly #end: number
  readonly length: number
  #entries: ReadonlyArray<Entry> | undefined

  private constructor(
    { changes, end, length, list, places }: {
      readonly list: ReadonlyArray<Entry>
      readonly places: Places
      readonly changes: Changes
      readonly end: number
      readonly length: number
    }
  ) {
    this.#list = list
    this.#places = places
    this.#changes = changes
    this.#end = end
    this.length = length
    if (end === list.length && HashMap.isEmpty(changes)) this.#entries = list
  }

  static of(list: ReadonlyArray<Entry>): Sequence {
    return new Sequence({
      list,
      places: new Places(list),
      changes: HashMap.empty(),
      end: list.length,
      length: list.length
    })
  }

  /** All of them as one list, which is made when it is asked for. */
  get entries(): ReadonlyArray<Entry> {
    if (this.#entries !== undefined) return this.#entries
    const all: Array<Entry | undefined> = this.#list.slice()
    all.length = this.#end
    for (const [place, entry] of this.#changes) all[place] = entry
    return this.#entries = all.filter((entry) => entry !== undefined)
  }

  append(entry: Entry): Sequence {
    this.#places.add(entry, this.#end)
    return this.#with(HashMap.set(this.#changes, this.#end, entry), this.#end + 1, this.length + 1)
  }

  /** Without this very entry; the same when it is not there. */
  remove(entry: Entry): Sequence {
    const place = this.#placeOf(entry)
    if (place < 0) return this
    const changes = place < this.#list.length
      ? HashMap.set(this.#changes, place, undefined)
      : HashMap.remove(this.#changes, place)
    return this.#with(changes, this.#end, this.length - 1)
  }

  /** With `to` in the place of this very entry; the same when it is not there. */
  replace(entry: Entry, to: Entry): Sequence {
    const place = this.#placeOf(entry)
    if (place < 0) return this
    this.#places.add(to, place)
    return this.#with(HashMap.set(this.#changes, place, to), this.#end, this.length)
  }

  /** Entries in index order, with one more of this sequence among them. */
  insertInto(ordered: ReadonlyArray<Entry>, entry: Entry): ReadonlyArray<Entry> {
    if (ordered.length === 0) return [entry]
    const place = this.#placeOf(entry)
    let low = 0
    let high = ordered.length
    // Most are added at the end.
    if (place === this.#end - 1) low = high
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = ordered[middle]
      if (other !== undefined && this.#placeOf(other) < place) low = middle + 1
      else high = middle
    }
    return ordered.toSpliced(low, 0, entry)
  }

  #with(changes: Changes, end: number, length: number): Sequence {
    const next = new Sequence({ list: this.#list, places: this.#places, changes, end, length })
    // If there are more changes than entries, a new list is made; so the average cost of a change stays constant.
    const changed = HashMap.size(changes) + end - this.#list.length
    return changed <= Math.max(this.#list.length, 32) ? next : Sequence.of(next.entries)
  }

  #placeOf(entry: Entry): number {
    const place = this.#places.of(entry)
    if (this.#at(place) === entry) return place
    // It was added to another sequence of the same list as well.
    for (const [place, other] of this.#changes) if (other === entry) return place
    return this.#list.findIndex((other, place) => other === entry && this.#at(place) === entry)
  }

  #at(place: number): Entry | undefined {
    const changed = HashMap.get(this.#changes, place)
    return changed._tag === "Some" ? changed.value : this.#list[place]
  }
}
