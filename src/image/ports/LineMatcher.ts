/** Which lines of a text are looked for. */
import { Effect } from "effect"
import type { LimitExceeded } from "../../oci/OciError.ts"

/** A line that fits. */
export interface MatchedLine {
  /** From 1. */
  readonly line: number
  /** Cut where it is long. */
  readonly text: string
}

/** Looks for lines; one may be endless, so that it is not for the caller to wait for it. */
export interface LineMatcher {
  /**
   * The first lines of a text that fit. `LimitExceeded` where it takes too long.
   *
   * @param most how many are told
   */
  readonly search: (text: string, most: number) => Effect.Effect<ReadonlyArray<MatchedLine>, LimitExceeded>
}

/** Characters of a line that are told. */
export const lineCharacters = 500

/** Lines that have this text in them: a search that takes as long as the text is. */
export const plainMatcher = (wanted: string, ignoreCase = false): LineMatcher => {
  const needle = ignoreCase ? wanted.toLowerCase() : wanted
  return {
    search: (text, most) =>
      Effect.sync(() => {
        const found: Array<MatchedLine> = []
        const lower = ignoreCase ? text.toLowerCase() : text
        // What changes its length with its case cannot be told by its place.
        const haystack = lower.length === text.length ? lower : text
        let [line, counted] = [1, 0]
        for (let at = haystack.indexOf(needle); at >= 0 && found.length < most;) {
          for (
            let next = haystack.indexOf("\n", counted);
            next >= 0 && next < at;
            next = haystack.indexOf("\n", counted)
          ) {
            line++
            counted = next + 1
          }
          const end = haystack.indexOf("\n", at)
          const stop = end < 0 ? text.length : end
          found.push({ line, text: text.slice(counted, Math.min(stop, counted + lineCharacters)) })
          if (end < 0) break
          at = haystack.indexOf(needle, end + 1)
        }
        return found
      })
  }
}
