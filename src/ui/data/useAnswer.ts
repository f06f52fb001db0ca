/** A question whose answer is shown, kept for the way back, and asked for anew after commits. */
import { useLayoutEffect, useState } from "preact/hooks"
import { addressOf, type Answers, ask, isAnswer, messageOf, type Query } from "./api.ts"
import { useBeat } from "./live.ts"

export interface Loaded<A> {
  /** The last answer to this question. */
  readonly value: A | undefined
  readonly failure: string | undefined
  readonly isLoading: boolean
}

/** The last answers, the latest at the end. */
const kept = new Map<string, unknown>()
const mostKept = 60

const keep = (address: string, value: unknown): void => {
  kept.delete(address)
  kept.set(address, value)
  for (const first of kept.keys()) {
    if (kept.size <= mostKept) return
    kept.delete(first)
  }
}

interface Held<A> extends Loaded<A> {
  readonly address: string | undefined
}

const heldOf = <Name extends keyof Answers>(name: Name, address: string | undefined): Held<Answers[Name]> => {
  const value = address === undefined ? undefined : kept.get(address)
  return {
    address,
    value: isAnswer(name, value) ? value : undefined,
    failure: undefined,
    isLoading: address !== undefined
  }
}

/**
 * @param query nothing where there is nothing to ask yet
 * @param isLive whether commits change the answer
 */
export const useAnswer = <Name extends keyof Answers>(
  name: Name,
  query: Query | undefined,
  isLive = true
): Loaded<Answers[Name]> => {
  const beat = useBeat()
  const address = query === undefined ? undefined : addressOf(name, query)
  const [held, setHeld] = useState(() => heldOf(name, address))
  // Not after the next frame: a view may ask in turn for what depends on the answer.
  useLayoutEffect(() => {
    if (query === undefined || address === undefined) return undefined
    const control = new AbortController()
    setHeld((before) => before.address === address ? { ...before, isLoading: true } : heldOf(name, address))
    ask(name, query, control.signal).then(
      (value) => {
        keep(address, value)
        return setHeld({ address, value, failure: undefined, isLoading: false })
      },
      (error: unknown) => {
        if (control.signal.aborted) return
        setHeld({ address, value: undefined, failure: messageOf(error), isLoading: false })
      }
    )
    return () => control.abort()
  }, [address, isLive ? beat : 0])
  return held.address === address ? held : heldOf(name, address)
}
