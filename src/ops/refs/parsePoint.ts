/** Points in history as people write them. */
import { DateTime, Option, Result } from "effect"
import { ReferenceInvalid } from "../../oci/OciError.ts"
import type { Point } from "../api/History.ts"

/** What `-N` goes back from. */
export interface Moved {
  readonly repository: string
  readonly tag: string
}

const isTime = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/u

/**
 * A revision like `12`, a time like `2026-11-25` or `2026-11-25T20:15:00Z`, or `-1` for what a tag pointed at before it
 * was moved for the last time. A date is the beginning of its day, and without a zone UTC.
 *
 * @param of the tag that `-N` is about; without it there is nothing to go back from
 */
export const parsePoint = (text: string, of?: Moved): Result.Result<Point, ReferenceInvalid> => {
  const fail = (reason: string) =>
    Result.fail(new ReferenceInvalid({ input: text, expected: "a point in history", reason }))
  if (/^\d{1,15}$/u.test(text)) return Result.succeed({ revision: Number(text) })
  if (/^-[1-9]\d{0,14}$/u.test(text)) {
    return of === undefined
      ? fail("goes back from a tag, and there is none here; give a revision or a time")
      : Result.succeed({ previous: -Number(text), repository: of.repository, tag: of.tag })
  }
  const zoned = /T.*(?:Z|[+-]\d{2}:?\d{2})$/u.test(text) || text.length === 10 ? text : `${text}Z`
  return Option.match(isTime.test(text) ? DateTime.make(zoned.replace(" ", "T")) : Option.none(), {
    onNone: () => fail("is neither a revision (12), nor a time (2026-11-25T20:15:00Z), nor -N of a tag"),
    onSome: (time) => Result.succeed({ time })
  })
}
