/** The indexes that processes of ours have put in place, in order, with what each said. */
import { type Index, nameOf, parsedIndex } from "./indexJson.ts"

export type State = ReadonlyMap<string, string>

export interface Version {
  readonly state: State
  /** What it bore as its mark; absent where it was another tool's, which we accepted. */
  readonly generation: string | undefined
  readonly bytes: Uint8Array
  readonly atNs: bigint
}

const generationKey = "dev.ocilayout.generation"

export const stateOf = (index: Index): State =>
  new Map(index.manifests.flatMap((entry) => {
    const name = nameOf(entry)
    // Manifests without a tag say nothing about tags.
    return name === undefined || name.includes("@") ? [] : [[name, entry.digest] as const]
  }))

export const generationOf = (index: Index | undefined): string | undefined => index?.annotations?.[generationKey]

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b)

export const namesIn = (...states: ReadonlyArray<State>): ReadonlyArray<string> =>
  Array.from(new Set(states.flatMap((state) => Array.from(state.keys()))))

export class Versions {
  #all: Array<Version> = []

  get all(): ReadonlyArray<Version> {
    return this.#all
  }

  /** What there is by our account; nothing while we have not written yet. */
  get head(): State | undefined {
    return this.#all.at(-1)?.state
  }

  /** What was there when we wrote first. */
  get adopted(): State | undefined {
    return this.#all[0]?.state
  }

  /** An index of ours takes the place of one that may be another tool's, and then was accepted before. */
  add(before: Uint8Array | undefined, bytes: Uint8Array, atNs: bigint): void {
    const index = parsedIndex(bytes)
    if (index === undefined) return
    const accepted = before === undefined ? undefined : parsedIndex(before)
    const last = this.#all.at(-1)
    if (before !== undefined && accepted !== undefined && (last === undefined || !sameBytes(last.bytes, before))) {
      this.#all.push({ state: stateOf(accepted), generation: undefined, bytes: before, atNs })
    }
    this.#all.push({ state: stateOf(index), generation: generationOf(index), bytes, atNs })
  }

  /** A new layout has taken the place of this one. */
  forget(): void {
    this.#all = []
  }

  said(name: string, digest: string | undefined): boolean {
    return this.#all.some(({ state }) => state.get(name) === digest)
  }

  /** When the version with these bytes was replaced by the next one; nothing where there was none, or it still holds. */
  supersededNs(bytes: Uint8Array): bigint | undefined {
    const at = this.#all.findLastIndex((version) => sameBytes(version.bytes, bytes))
    return at === -1 ? undefined : this.#all[at + 1]?.atNs
  }

  /**
   * Whether an index that was made from that generation may say this of a name and mean nothing by it: some version
   * since then said so.
   */
  saidSince(generation: string | undefined, name: string, digest: string | undefined): boolean {
    const base = this.#all.findLastIndex((version) => generation !== undefined && version.generation === generation)
    // Without a mark the base is what we adopted, and what we have changed since is ours.
    const touched = generation === undefined && this.head?.get(name) !== this.adopted?.get(name)
    if (base === -1 && touched) return true
    return this.#all.slice(Math.max(base, 0)).some(({ state }) => state.get(name) === digest)
  }

  /** What is promised to be kept: the content of what there is, and of what there was until this time. */
  namedSince(sinceNs: bigint): ReadonlySet<string> {
    const kept = this.#all.filter((_, at) => (this.#all[at + 1]?.atNs ?? sinceNs) >= sinceNs)
    return new Set(kept.flatMap(({ bytes }) => (parsedIndex(bytes)?.manifests ?? []).map(({ digest }) => digest)))
  }
}
