/** Commits before they have their numbers. */
import { type Commit, ourselves } from "../../layout/Commit.ts"
import { difference } from "../../layout/reconcile.ts"
import type { State } from "../../layout/State.ts"
import type { LayoutView } from "../index/layoutView.ts"

/** A commit before it has its number and its time. */
export type Draft = Omit<Commit, "revision" | "time">

/** A commit without events: the index is written again with the same entries (R13). */
export const nothingElse: Draft = { actor: ourselves, events: [] }

/**
 * What other tools did since the last commit, as up to three commits that come before ours: (1) `foreign`: what the
 * index says; (2) `ocilayout`: our values again, for names that R10 keeps ours; (3) `foreign`: what was written into
 * replaced indexes.
 *
 * @param merged the state that holds, with what replaced indexes say
 */
export const foreignDrafts = (
  { head, state, toolState }: Pick<LayoutView, "head" | "state" | "toolState">,
  merged: State
): ReadonlyArray<Draft> => {
  const steps = [
    { actor: "foreign", from: head, to: toolState },
    { actor: ourselves, from: toolState, to: state },
    { actor: "foreign", from: state, to: merged }
  ]
  return steps.flatMap(({ actor, from, to }): ReadonlyArray<Draft> => {
    const events = from === to ? [] : difference(from, to)
    return events.length === 0 ? [] : [{ actor, events }]
  })
}
