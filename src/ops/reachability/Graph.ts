/**
 * The graph of a verification: which manifest names which content. It is limited, since a layout may have a million
 * manifests.
 */
import { type Entry, rawNameOf } from "../../layout/Entry.ts"
import { entriesOfDigest, type State } from "../../layout/State.ts"
import type { ContentDigest } from "../../oci/Digest.ts"
import { named } from "../../oci/quoted.ts"

/** How many names are shown that need something, and how many manifests are searched for them. */
const shownNames = 10
const climbed = 200

/** What is in the place of content that is named. */
export type Place = { readonly size: number } | "missing" | "no file"

export class Graph {
  /** Everything that is named and could be there, by its digest. */
  readonly places = new Map<ContentDigest, Place>()
  /** Those that were read as manifests. */
  readonly manifests = new Set<string>()
  /** Content that is missing, or no file, and by which kind of descriptor it is named. */
  readonly lacking = new Map<ContentDigest, { readonly place: "missing" | "no file"; readonly manifest: boolean }>()
  /** Content that is not as long as a descriptor says: there is no need to hash it as well. */
  readonly missized = new Set<string>()
  /** Manifests that were told to be damaged when they were read. */
  readonly reported = new Set<string>()
  /** Whether something could not be followed, so that what it needs is not known. */
  incomplete = false
  readonly #parents = new Map<string, Array<string>>()

  add(digest: string, by: string | undefined): void {
    if (by === undefined) return
    const parents = this.#parents.get(digest)
    if (parents === undefined) this.#parents.set(digest, [by])
    else if (parents.length < shownNames && !parents.includes(by)) parents.push(by)
  }

  /** Manifests that name it. */
  neededBy(digest: string): ReadonlyArray<string> {
    return this.#parents.get(digest) ?? []
  }

  /** Entries that reach it, tags before others and the nearest first. */
  affected(digest: string, state: State | undefined): ReadonlyArray<string> {
    if (state === undefined) return []
    const tags = new Set<string>()
    const others = new Set<string>()
    const met = new Set([digest])
    for (const one of met) {
      for (const entry of entriesOfDigest(state, one)) (entry.name._tag === "Tagged" ? tags : others).add(nameOf(entry))
      if (tags.size >= shownNames || met.size > climbed) break
      for (const parent of this.neededBy(one)) met.add(parent)
    }
    return [...tags, ...others].slice(0, shownNames)
  }
}

const nameOf = (entry: Entry): string => {
  const { digest, name } = entry
  if (name._tag === "Raw") return named(rawNameOf(entry) ?? digest)
  return name._tag === "Tagged" ? `${name.repository}:${name.tag}` : `${name.repository}@${digest}`
}
