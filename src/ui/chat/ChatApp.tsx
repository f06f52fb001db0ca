/** The result of one tool, as a picture beside what the agent says of it. */
import type { VNode } from "preact"
import { useEffect, useState } from "preact/hooks"
import { Failed, Waiting } from "../parts/Notice.tsx"
import { HasViews } from "../parts/Place.tsx"
import { CollectedCard } from "./CollectedCard.tsx"
import { ComparedCard } from "./ComparedCard.tsx"
import { HappenedCard } from "./HappenedCard.tsx"
import { connect } from "./host.ts"
import { InspectedCard } from "./InspectedCard.tsx"
import { isCollected, isCompared, isHappened, isInspected } from "./outputs.ts"

type State =
  | { readonly _tag: "Waiting" }
  | { readonly _tag: "Cancelled"; readonly reason: string }
  | { readonly _tag: "Answered"; readonly value: unknown }

export const ChatApp = (): VNode => {
  const [state, setState] = useState<State>({ _tag: "Waiting" })
  useEffect(() =>
    connect({
      result: (value) => setState({ _tag: "Answered", value }),
      cancelled: (reason) => setState({ _tag: "Cancelled", reason })
    }), [])
  return (
    <HasViews.Provider value={false}>
      <main class="chat">{shown(state)}</main>
    </HasViews.Provider>
  )
}

const shown = (state: State): VNode => {
  if (state._tag === "Waiting") return <Waiting what="waiting for the result" />
  if (state._tag === "Cancelled") return <Failed message={state.reason} />
  const { value } = state
  if (isHappened(value)) return <HappenedCard happened={value} />
  if (isCompared(value)) return <ComparedCard compared={value} />
  if (isCollected(value)) return <CollectedCard collected={value} />
  if (isInspected(value)) return <InspectedCard inspected={value} />
  return <p class="dim">There is no picture of this result.</p>
}
