/** What a history tells before the place where it was damaged. */
import { Effect, Stream } from "effect"
import { HistoryInvalid } from "../../oci/OciError.ts"

/** The commits that can be told of, and why there are no more where that is not the beginning of the history. */
export const knownCommits = Effect.fnUntraced(
  function*<A, E, R>(history: Stream.Stream<A, E | HistoryInvalid, R>): Effect.fn.Return<
    { readonly commits: ReadonlyArray<A>; readonly damage: HistoryInvalid | undefined },
    Exclude<E, HistoryInvalid>,
    R
  > {
    const commits: Array<A> = []
    const damage = yield* Stream.runForEach(history, (commit) => Effect.sync(() => void commits.push(commit))).pipe(
      Effect.as(undefined),
      Effect.catchIf((error) => error instanceof HistoryInvalid, Effect.succeed)
    )
    return { commits, damage }
  }
)
