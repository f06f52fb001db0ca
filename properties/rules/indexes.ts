/** The bytes of an index: entries, the generation that our programs note in it, and how it is laid out. */
import { absent, type Content, type Entries } from "./World.ts"

/** Rule 8. */
export interface Generation {
  readonly journal: string
  readonly number: number
  readonly hash: string
}

export type Bytes = string

/** What lies there while a tool that truncates has not written yet. */
export const torn: Bytes = "!"

export interface Parsed {
  readonly entries: Entries
  readonly generation: Generation | undefined
}

const parsed = new Map<Bytes, Parsed>()

export const parse = (bytes: Bytes): Parsed => {
  const known = parsed.get(bytes)
  if (known !== undefined) return known
  const [entries, generation] = JSON.parse(bytes) as [ReadonlyArray<[string, Content]>, Generation | null]
  const made: Parsed = { entries: Object.fromEntries(entries), generation: generation ?? undefined }
  parsed.set(bytes, made)
  return made
}

export const entriesOf = (bytes: Bytes): Entries => bytes === torn ? {} : parse(bytes).entries

export const print = (entries: Entries, generation?: Generation): Bytes =>
  JSON.stringify([
    Object.entries(entries).filter(([, content]) => content !== absent).toSorted(([a], [b]) => a < b ? -1 : 1),
    generation ?? null
  ])

export const at = (entries: Entries, name: string): Content => entries[name] ?? absent

export const namesOf = (...several: ReadonlyArray<Entries>): ReadonlyArray<string> =>
  [...new Set(several.flatMap((entries) => Object.keys(entries)))].toSorted()

export const sameEntries = (one: Entries, other: Entries): boolean =>
  namesOf(one, other).every((name) => at(one, name) === at(other, name))

export const withEntry = (entries: Entries, name: string, to: Content): Entries => {
  const { [name]: _, ...rest } = entries
  return to === absent ? rest : { ...rest, [name]: to }
}

export const sameGeneration = (one: Generation | undefined, other: Generation | undefined): boolean =>
  one?.journal === other?.journal && one?.number === other?.number && one?.hash === other?.hash

/** Short and stable; only equality matters. */
export const hashOf = (text: string): string => {
  let hash = 2166136261
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619)
  return (hash >>> 0).toString(36)
}
