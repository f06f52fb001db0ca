/**
 * What each name may be once everybody is done.
 *
 * Every write of a name has a start and an end: of a tool, its reading of the index and the write of its own; of ours, the
 * command and its answer. Allowed is each value whose write no write follows that has started later and has ended.
 */

interface Value {
  readonly digest: string | undefined
  readonly id: number
}

/** A moment from which on what is allowed then can be replaced. */
export interface Start {
  readonly ids: ReadonlySet<number>
}

export class Names {
  readonly #allowed = new Map<string, ReadonlyArray<Value>>()
  #ids = 0

  /** @param initial what the names are at first */
  constructor(initial: ReadonlyMap<string, string>) {
    for (const [name, digest] of initial) this.#allowed.set(name, [{ digest, id: this.#ids++ }])
  }

  get all(): ReadonlyArray<string> {
    return Array.from(this.#allowed.keys())
  }

  #of(name: string): ReadonlyArray<Value> {
    const known = this.#allowed.get(name)
    if (known !== undefined) return known
    const fresh = [{ digest: undefined, id: this.#ids++ }]
    this.#allowed.set(name, fresh)
    return fresh
  }

  /** A write of these names starts. */
  start(names: Iterable<string>): Start {
    for (const name of names) this.#of(name)
    return { ids: new Set(Array.from(this.#allowed.values()).flat().map(({ id }) => id)) }
  }

  /** A write takes effect, and has not ended yet: what it replaces is allowed as well. Answers what ends it. */
  begin(name: string, digest: string | undefined): number {
    const id = this.#ids++
    this.#allowed.set(name, [...this.#of(name), { digest, id }])
    return id
  }

  /** A write has ended: what was allowed when it started is so no longer. */
  end(name: string, digest: string | undefined, start: Start, begun?: number): void {
    const id = begun ?? this.#ids++
    const rest = this.#of(name).filter((value) => !start.ids.has(value.id) && value.id !== id)
    this.#allowed.set(name, [...rest, { digest, id }])
  }

  /** One more value that no tool can be blamed for, written now: only a write that starts later replaces it. */
  allow(name: string, digest: string | undefined): void {
    const others = this.#of(name).filter((value) => value.digest !== digest)
    this.#allowed.set(name, [...others, { digest, id: this.#ids++ }])
  }

  /** Nothing but this from now on. */
  require(name: string, digest: string | undefined): void {
    this.#allowed.set(name, [{ digest, id: this.#ids++ }])
  }

  of(name: string): ReadonlyArray<string | undefined> {
    return this.#of(name).map(({ digest }) => digest)
  }
}
