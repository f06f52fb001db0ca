/** Layouts of a tree that stay open. */
import { Effect } from "effect"
import type { Repository } from "../../oci/Reference.ts"

/** Opens the layout of each repository when it is first asked for, and once, so that the writes of all callers share groups. */
export const openedOnce = <A extends object, E, R>(
  open: (repository: Repository) => Effect.Effect<A, E, R>
): (repository: Repository) => Effect.Effect<A, E, R> => {
  const opened = new Map<Repository, A>()
  return (repository) =>
    Effect.suspend(() => {
      const known = opened.get(repository)
      if (known !== undefined) return Effect.succeed(known)
      return Effect.map(open(repository), (one) => {
        // Two fibers may have opened it at once; all go on with the first.
        const first = opened.get(repository) ?? one
        opened.set(repository, first)
        return first
      })
    })
}
