/** Commits before they have their numbers. */
import type { Commit } from "../layout/Commit.ts"
import { difference } from "../layout/reconcile.ts"
import type { State } from "../layout/State.ts"
import type { Observation } from "./observe.ts"

/** A commit before it has its number. */
export type Draft = Omit<Commit, "revision">

/** The actor of a commit that holds against another tool's word what is ours. */
export const overruler = "ocilayout"

/** The commit of an index that is written again as it was. */
export const nothingElse = (time: number): Draft => ({ time, actor: "foreign", events: [] })

/**
 * What other tools did since the last commit, each a commit of its own before ours: what the index says; then what we
 * hold against it, where it overrules a name of ours without knowing of it; then what was written into replaced indexes.
 * Putting all of ours back is one commit without events.
 *
 * @param merged the state that holds, with what replaced indexes say
 */
export const foreignDrafts = (
  { head, restored, state, word }: Pick<Observation, "head" | "restored" | "state" | "word">,
  merged: State,
  time: number
): ReadonlyArray<Draft> => {
  const steps = [
    { actor: "foreign", from: head, to: word },
    { actor: overruler, from: word, to: state },
    { actor: "foreign", from: state, to: merged }
  ]
  const drafts = steps.flatMap(({ actor, from, to }): ReadonlyArray<Draft> => {
    const events = from === to ? [] : difference(from, to)
    return events.length === 0 ? [] : [{ time, actor, events }]
  })
  return drafts.length === 0 && restored ? [nothingElse(time)] : drafts
}
