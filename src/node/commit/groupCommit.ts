/** Collects requests into rounds: all that arrive while one round runs are done together in the next. */
import { type Cause, Deferred, Effect, Exit, type Scope } from "effect"

interface Item<M, A, E> {
  readonly member: M
  readonly answer: Deferred.Deferred<A, E>
  /** Once it is part of a round it can no longer be withdrawn. */
  sealed: boolean
}

export interface GroupCommit<M, A, E> {
  /**
   * Waits until the round with this member is over. An interruption removes the member if its round has not begun;
   * otherwise it waits for the end of the round.
   */
  readonly submit: (member: M) => Effect.Effect<A, E>
}

export interface GroupOptions<M, A, E> {
  /** What a round holds while it runs; every waiting caller gets its failure. */
  readonly acquire: Effect.Effect<void, E, Scope.Scope>
  /** Does a round for these members in order, and answers a first part of them; the rest wait for the next. */
  readonly run: (members: ReadonlyArray<M>) => Effect.Effect<ReadonlyArray<A>, E>
}

export const makeGroupCommit = Effect.fnUntraced(
  function*<M, A, E>(options: GroupOptions<M, A, E>): Effect.fn.Return<GroupCommit<M, A, E>, never, Scope.Scope> {
    const scope = yield* Effect.scope
    const queue: Array<Item<M, A, E>> = []
    let leading = false

    const fail = (items: ReadonlyArray<Item<M, A, E>>, cause: Cause.Cause<E>): Effect.Effect<void> =>
      Effect.forEach(items, ({ answer }) => Deferred.failCause(answer, cause), { discard: true })

    /** Does a round and tells how to answer it; who is not answered waits for the next. */
    const round = Effect.suspend((): Effect.Effect<Effect.Effect<void>> => {
      const items = queue.splice(0)
      // All of them have withdrawn.
      if (items.length === 0) return Effect.succeed(Effect.void)
      for (const item of items) item.sealed = true
      return Effect.map(Effect.exit(options.run(items.map(({ member }) => member))), (exit) => {
        if (Exit.isFailure(exit)) return fail(items, exit.cause)
        const left = items.slice(exit.value.length)
        for (const item of left) item.sealed = false
        queue.unshift(...left)
        return Effect.forEach(exit.value, (answer, place) => {
          const item = items[place]
          return item === undefined ? Effect.void : Deferred.succeed(item.answer, answer)
        }, { discard: true })
      })
    })

    /** Answers are given after the round has released what it held. */
    const hold = Effect.uninterruptibleMask((restore) =>
      Effect.scoped(Effect.andThen(restore(options.acquire), round)).pipe(
        Effect.matchCauseEffect({
          onFailure: (cause) => fail(queue.splice(0), cause),
          onSuccess: (answer) => answer
        })
      )
    )

    const lead: Effect.Effect<void> = Effect.suspend(() => {
      if (queue.length > 0) return Effect.andThen(hold, lead)
      leading = false
      return Effect.void
    })

    /** Once the scope has closed there is no further round for those who wait. */
    const abandon = (exit: Exit.Exit<void>): void => {
      if (Exit.isSuccess(exit)) return
      leading = false
      for (const { answer } of queue.splice(0)) Deferred.doneUnsafe(answer, Exit.failCause(exit.cause))
    }

    return {
      submit: (member) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.gen(function*() {
            const item: Item<M, A, E> = { member, answer: Deferred.makeUnsafe<A, E>(), sealed: false }
            queue.push(item)
            if (!leading) {
              leading = true
              const leader = yield* Effect.forkIn(lead, scope)
              leader.addObserver(abandon)
            }
            return yield* Effect.onInterrupt(restore(Deferred.await(item.answer)), () => {
              if (item.sealed) return Effect.exit(Deferred.await(item.answer))
              const place = queue.indexOf(item)
              if (place >= 0) queue.splice(place, 1)
              return Effect.void
            })
          })
        )
    }
  }
)
