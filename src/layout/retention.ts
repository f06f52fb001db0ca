/** Which tags are not kept, by the rules of a retention policy. */
import { fits } from "../oci/glob.ts"
import { attachedTag } from "./belonging.ts"
import type { Entry } from "./Entry.ts"
import { displayName } from "./garbage.ts"
import type { State } from "./State.ts"

/**
 * Tags that are neither among the newest nor young enough go. Of `newest` and `maxAgeMillis` one at least has to be
 * given; a tag goes when it is outside of all that are. Tags that say to what they belong are not touched by any rule.
 */
export interface AgedRule {
  /** The repositories it is about; `*` stands for any characters, `?` for one; all by default. */
  readonly repository?: string | undefined
  /** The tags it is about; written as `repository` is; all by default. */
  readonly tag?: string | undefined
  /** How many of them stay in each repository, those moved last; tags whose order is not known stay together. */
  readonly newest?: number | undefined
  /** How long they stay after they were moved for the last time: milliseconds. */
  readonly maxAgeMillis?: number | undefined
}

/** A time that tells how old a tag is. */
export interface Age {
  /** Milliseconds since 1970. */
  readonly time: number
  /** The same as people read it. */
  readonly text: string
  /**
   * `history`: the tag was moved then, as the journal says. `annotation`: the entry or manifest says that it was
   * created then. `config`: the image says so, or the newest of an index. `file`: the manifest was written then.
   */
  readonly source: "history" | "annotation" | "config" | "file"
}

/** What a rule says of the entries of a tag, each in a sentence without a capital. */
export interface Retained {
  readonly goes: ReadonlyMap<Entry, string>
  readonly stays: ReadonlyMap<Entry, string>
}

/** Files that were written within so many milliseconds may have been copied in any order. */
const copiedTogetherMillis = 60_000

/**
 * The entries that rules are about.
 *
 * @param agesOf what is known of the age of a tag, the best first; nothing where nothing is known, and then it stays
 */
export const retainedBy = (
  state: State,
  rules: ReadonlyArray<AgedRule>,
  agesOf: (entry: Entry) => ReadonlyArray<Age>,
  now: number
): Retained => {
  const goes = new Map<Entry, string>()
  const stays = new Map<Entry, string>()
  for (const rule of rules) {
    const { maxAgeMillis, newest, repository = "*", tag = "*" } = rule
    const [fitsRepository, fitsTag] = [fits(repository), fits(tag)]
    const meant = state.entries.filter(({ name }) =>
      name._tag === "Tagged" && fitsRepository(name.repository) && fitsTag(name.tag) &&
      attachedTag(name.tag) === undefined
    )
    if (newest === undefined && maxAgeMillis === undefined) continue
    for (const own of Map.groupBy(meant, ({ name }) => name._tag === "Tagged" ? name.repository : "").values()) {
      const ordered = Array.from(Map.groupBy(own, displayName).values(), (entries) => aged(entries, agesOf))
        .toSorted(newestFirst)
      const last = newest === undefined || newest < 1 ? undefined : ordered[newest - 1]
      for (const [place, one] of ordered.entries()) {
        const because = reasonToStay(one, { ...rule, now, isNew: newest !== undefined && place < newest, last })
        for (const entry of one.entries) {
          if (because !== undefined) stays.set(entry, because)
          else goes.set(entry, `${displayName(entry)} is kept no longer by ${describe(rule)}${dated(one)}`)
        }
      }
    }
  }
  for (const entry of goes.keys()) stays.delete(entry)
  return { goes, stays }
}

interface Aged {
  readonly entries: ReadonlyArray<Entry>
  readonly ages: ReadonlyArray<Age>
}

/** The first entry of a tag is the one that counts. */
const aged = (entries: ReadonlyArray<Entry>, agesOf: (entry: Entry) => ReadonlyArray<Age>): Aged => ({
  entries,
  ages: entries[0] === undefined ? [] : agesOf(entries[0])
})

const newestFirst = (a: Aged, b: Aged): number => {
  for (const place of [0, 1]) {
    const difference = (b.ages[place]?.time ?? Infinity) - (a.ages[place]?.time ?? Infinity)
    if (difference !== 0 && !Number.isNaN(difference)) return difference
  }
  return 0
}

/** Whether it is known which of two is the newer. */
const isOrdered = (a: Aged, b: Aged): boolean => {
  for (const place of [0, 1]) {
    const [one, other] = [a.ages[place], b.ages[place]]
    if (one === undefined || other === undefined) return false
    const doubt = one.source === "file" || other.source === "file" ? copiedTogetherMillis : 0
    if (Math.abs(one.time - other.time) > doubt) return true
  }
  return false
}

const reasonToStay = (
  one: Aged,
  { isNew, last, maxAgeMillis, newest, now }: AgedRule & {
    readonly now: number
    readonly isNew: boolean
    /** The oldest tag that the rule keeps as one of the newest. */
    readonly last: Aged | undefined
  }
): string | undefined => {
  const [best] = one.ages
  if (best === undefined) return "nothing tells how old the tag is"
  if (isNew) return `it is one of the newest ${newest}${dated(one)}`
  if (maxAgeMillis !== undefined && now - best.time < maxAgeMillis) {
    return `it is younger than ${maxAgeMillis / 3_600_000} hours${dated(one)}`
  }
  const [other] = last?.entries ?? []
  return last === undefined || other === undefined || isOrdered(last, one)
    ? undefined
    : `nothing tells whether it is older than ${displayName(other)}, which is one of the newest ${newest}${dated(one)}`
}

const sources: Readonly<Record<Age["source"], string>> = {
  history: "moved",
  annotation: "created, by its annotation,",
  config: "created, by its config,",
  file: "written, by its file,"
}

const dated = ({ ages: [best] }: Aged): string => best === undefined ? "" : `: ${sources[best.source]} ${best.text}`

const describe = ({ maxAgeMillis, newest }: AgedRule): string =>
  [
    ...(newest === undefined ? [] : [`the rule to keep the newest ${newest}`]),
    ...(maxAgeMillis === undefined ? [] : [`the rule to keep what is younger than ${maxAgeMillis / 3_600_000} hours`])
  ].join(" and ")
