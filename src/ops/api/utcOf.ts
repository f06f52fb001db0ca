/** Times as the library tells them. */
import { DateTime } from "effect"

/** The last millisecond that a date can have (ECMA-262, "Time Values and Time Range"). */
const most = 8_640_000_000_000_000

/** Milliseconds since 1970 as a time; what is read from a disk may be later than any date, and is the last one then. */
export const utcOf = (millis: number): DateTime.Utc => DateTime.makeUnsafe(Math.min(millis, most))
