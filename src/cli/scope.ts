/** What of a layout a command is about. */
import { Result } from "effect"
import { parseRef } from "../ops/refs/find.ts"
import { Mistake } from "./Failure.ts"
import type { Target } from "./target.ts"

/** The repository, and the tag, that a target is about. */
export const scopeOf = ({ name }: Target): Result.Result<{ repository?: string; tag?: string }, Mistake> => {
  if (name === undefined) return Result.succeed({})
  if (!/[:@]/u.test(name)) return Result.succeed({ repository: name })
  const ref = parseRef(name)
  return Result.isSuccess(ref) && ref.success.by._tag === "Tag"
    ? Result.succeed({ repository: ref.success.repository, tag: ref.success.by.tag })
    : Result.fail(new Mistake(`${name}: only a layout, a repository or a tag can be meant here`))
}
