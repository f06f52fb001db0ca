/** Prepares text that came from images for summaries: nothing invisible, nothing that turns a line around, not too long. */
import * as limits from "./limits.ts"

/** Controls, format and bidirectional characters, lone surrogates, and what fonts draw as nothing. */
const invisible = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/** One line of visible text of at most `length` characters; what was cut off shows as an ellipsis. */
export const clean = (text: string, length: number = limits.textCharacters): string => {
  // Cut before it is cleaned as well: labels can be megabytes long.
  const line = text.slice(0, 4 * length).replace(/[\t\n\r]+/gu, " ").replace(invisible, "")
  const cut = line.length > length || text.length > 4 * length
  // Cutting may halve a character outside the basic plane; its first half is no text.
  return cut ? `${line.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/u, "")}…` : line
}

/** Digests inside a sentence as lists show them: twelve digits tell as much as sixty-four, and cost a fifth. */
export const withShortDigests = (text: string): string =>
  text.replace(/\b(?:(sha256:[0-9a-f]{12})[0-9a-f]{52}|(sha512:[0-9a-f]{12})[0-9a-f]{116})\b/gu, "$1$2")

/**
 * Takes from lists what still fits into one result, in the order of asking.
 *
 * The cost of an item is the length of its JSON, so that no list, however long, makes a result that hosts cut.
 */
export class Allowance {
  #left: number

  constructor(characters: number = limits.partCharacters) {
    this.#left = characters
  }

  /** The longest beginning of `items` that fits. */
  take<A>(items: ReadonlyArray<A>): ReadonlyArray<A> {
    const taken: Array<A> = []
    for (const item of items) {
      const cost = JSON.stringify(item).length + 1
      if (cost > this.#left) break
      this.#left -= cost
      taken.push(item)
    }
    return taken
  }
}

/** Labels or annotations as an object of clean text, and how many were left out. */
export const cleanEntries = (
  entries: Iterable<readonly [string, string]>,
  allowance: Allowance
): { readonly shown: Readonly<Record<string, string>>; readonly omitted: number } => {
  const all = Array.from(entries)
  const few = all.slice(0, limits.textEntries).map(([key, value]) => [clean(key), clean(value)] as const)
  const shown = allowance.take(few)
  return { shown: Object.fromEntries(shown), omitted: all.length - shown.length }
}

/** A page of names, and whether more follow. */
export interface Page<A> {
  readonly items: ReadonlyArray<A>
  readonly more: boolean
}

/** At most `limit` of the items, fewer where they would not fit into one result. */
export const pageOf = <A>(items: ReadonlyArray<A>, limit: number, allowance: Allowance = new Allowance()): Page<A> => {
  const page = allowance.take(items.slice(0, limit))
  return { items: page, more: page.length < items.length }
}
