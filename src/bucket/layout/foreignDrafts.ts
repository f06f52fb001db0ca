/** What other tools did, as commits. */
import { difference } from "../../layout/reconcile.ts"
import type { State } from "../../layout/State.ts"
import type { Committed } from "../../ops/ports/LayoutStore.ts"
import type { Head } from "./head.ts"

export const lastRevision = ({ last }: Pick<Head, "last">): number => last?.record.revision ?? 0

/** What other tools did, as the commits that it will be: their word first, and then what holds against it. */
export const foreignDrafts = (
  { head, isForeign, state, toolState }: Pick<Head, "head" | "isForeign" | "state" | "toolState">
): ReadonlyArray<{ readonly actor: string; readonly events: Committed["events"] }> => {
  if (!isForeign) return []
  const steps: ReadonlyArray<readonly [actor: string, from: State, to: State]> = [
    ["foreign", head, toolState],
    ["ocilayout", toolState, state]
  ]
  return steps.flatMap(([actor, from, to]) => {
    const events = from === to ? [] : difference(from, to)
    return events.length === 0 ? [] : [{ actor, events }]
  })
}
