/** Which tags are kept no longer, by rules that whoever keeps a layout gives. */
import { attachedTag } from "./belonging.ts"
import type { Entry } from "./Entry.ts"
import { displayName } from "./garbage.ts"
import type { State } from "./State.ts"

/**
 * Tags that are neither among the newest nor young enough go. Of `newest` and `maxAgeMillis` one at least has to be
 * given; a tag goes when it is outside of all that are.
 */
export interface RetentionRule {
  /** The repositories it is about; `*` stands for any characters, all repositories by default. */
  readonly repository?: string | undefined
  /** The tags it is about; `*` stands for any characters, all tags by default. */
  readonly tag?: string | undefined
  /** How many of them stay in each repository, those moved last. */
  readonly newest?: number | undefined
  /** How long they stay after they were moved for the last time: milliseconds. */
  readonly maxAgeMillis?: number | undefined
}

/**
 * The entries that go, each with the rule that says so.
 *
 * @param movedAt when the tag of an entry was moved for the last time: milliseconds since 1970
 */
export const outlivedBy = (
  state: State,
  rules: ReadonlyArray<RetentionRule>,
  movedAt: (entry: Entry) => number,
  now: number
): ReadonlyMap<Entry, string> => {
  const outlived = new Map<Entry, string>()
  for (const { maxAgeMillis, newest, repository = "*", tag = "*" } of rules) {
    const [repositories, tags] = [glob(repository), glob(tag)]
    const meant = state.entries.filter(({ name }) =>
      name._tag === "Tagged" && repositories.test(name.repository) && tags.test(name.tag) &&
      attachedTag(name.tag) === undefined
    )
    if (newest === undefined && maxAgeMillis === undefined) continue
    for (const own of Map.groupBy(meant, ({ name }) => name._tag === "Tagged" ? name.repository : "").values()) {
      const tagsOf = Array.from(Map.groupBy(own, displayName).values())
      const ordered = tagsOf.flatMap((entries) => entries[0] === undefined ? [] : [{ first: entries[0], entries }])
        .toSorted((a, b) =>
          movedAt(b.first) - movedAt(a.first) || (displayName(a.first) < displayName(b.first) ? -1 : 1)
        )
      for (const [place, { entries, first }] of ordered.entries()) {
        const isNew = newest !== undefined && place < newest
        const isYoung = maxAgeMillis !== undefined && now - movedAt(first) < maxAgeMillis
        if (isNew || isYoung) continue
        const why = `${displayName(first)} is kept no longer by ${describe({ maxAgeMillis, newest })}`
        for (const entry of entries) outlived.set(entry, why)
      }
    }
  }
  return outlived
}

const describe = ({ maxAgeMillis, newest }: Pick<RetentionRule, "newest" | "maxAgeMillis">): string =>
  [
    ...(newest === undefined ? [] : [`the rule to keep the newest ${newest}`]),
    ...(maxAgeMillis === undefined ? [] : [`the rule to keep what is younger than ${maxAgeMillis / 3_600_000} hours`])
  ].join(" and ")

const glob = (pattern: string): RegExp =>
  new RegExp(`^${pattern.split("*").map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/gu, "\\$&")).join(".*")}$`, "su")
