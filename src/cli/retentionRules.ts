/** Rules for tags that are kept no longer, as they are typed. */
import { Duration, Result } from "effect"
import { named } from "../oci/quoted.ts"
import type { RetentionRule } from "../ops/api/Garbage.ts"

/** `[repository:]tag=N` or `[repository:]tag=Nd`: how many of such tags stay, or for how many days. */
export const ruleOf = (text: string): Result.Result<RetentionRule, string> => {
  const [, names = "", count = "", days] = /^(.*?)=?(\d+)(d)?$/u.exec(text) ?? []
  if (count === "") {
    return Result.fail(`--keep ${named(text)}: say how many, as in 'app/*:v*=10', or for how long, as in 30d`)
  }
  const colon = names.lastIndexOf(":")
  return Result.succeed({
    repository: colon < 0 ? undefined : names.slice(0, colon),
    tag: colon < 0 ? (names === "" ? undefined : names) : names.slice(colon + 1),
    newest: days === undefined ? Number(count) : undefined,
    maxAge: days === undefined ? undefined : Duration.days(Number(count))
  })
}
