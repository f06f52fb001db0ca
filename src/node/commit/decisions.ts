/** The members of a group: what each of them decided, and what it is answered. */
import { Effect, Exit, Option } from "effect"
import { type Event, isNote } from "../../layout/Event.ts"
import { replay } from "../../layout/evolve.ts"
import type { State } from "../../layout/State.ts"
import type { Committed, Transaction } from "../../ops/ports/LayoutStore.ts"
import type { Draft } from "./drafts.ts"

/** A decision that waits for its group. It decides anew each time that the group is tried; the last time counts. */
export interface Proposal {
  readonly actor: string
  readonly decide: (state: State) => Effect.Effect<ReadonlyArray<Event>>
}

/** A proposal without a change: the group only merges and records what other tools did. */
export const lookOnly: Proposal = { actor: "foreign", decide: () => Effect.succeed([]) }

/** The proposal of one transaction. A refusal leads to no events, and is kept for the transaction's caller. */
export const propose = <A, E, D>(
  actor: string,
  { decide, evidence }: Transaction<A, E, D>
): Proposal & { readonly refusal: Effect.Effect<void, E | D> } => {
  let last: Exit.Exit<ReadonlyArray<Event>, E | D> = Exit.succeed([])
  return {
    actor,
    decide: (state) =>
      evidence(state).pipe(
        Effect.flatMap((found) => Effect.fromResult(decide(state, found))),
        Effect.exit,
        Effect.map((exit) => {
          last = exit
          return Exit.isSuccess(exit) ? exit.value : []
        })
      ),
    refusal: Effect.suspend(() => Exit.asVoid(last))
  }
}

/** The members of a group with what each decided, on the state its predecessors left. */
export interface Decided {
  readonly before: State
  readonly after: State
  readonly draft: Draft | undefined
}

export const decideInTurn = Effect.fnUntraced(function*(
  state: State,
  members: ReadonlyArray<Proposal>
): Effect.fn.Return<ReadonlyArray<Decided>> {
  const decisions: Array<Decided> = []
  let before = state
  for (const { actor, decide } of members) {
    const events = yield* decide(before)
    const after = replay(before, events)
    decisions.push({ before, after, draft: events.length === 0 ? undefined : { actor, events } })
    before = after
    // A deletion removes its files only when it is published. The next decision must gather its evidence after that.
    if (events.some(isNote)) break
  }
  return decisions
})

export const unchanged = (state: State): Committed => ({
  before: state,
  after: state,
  events: [],
  revision: Option.none()
})

export const answers = (
  decisions: ReadonlyArray<Decided>,
  revisions: ReadonlyArray<number>
): ReadonlyArray<Committed> => {
  let next = 0
  return decisions.map(({ after, before, draft }) => ({
    before,
    after,
    events: draft?.events ?? [],
    revision: draft === undefined ? Option.none() : Option.fromUndefinedOr(revisions[next++])
  }))
}
