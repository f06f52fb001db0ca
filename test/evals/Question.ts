/** What the user of an agent asks, and the shortest way to the answer that is known. */
import type { Effect } from "effect"
import type { Output } from "./answers.ts"

/** Calls a tool, which has to succeed. */
export type Ask = (tool: string, args?: Readonly<Record<string, unknown>>) => Effect.Effect<Output>

export interface Question {
  readonly id: string
  /** As it is put to a model; it says in what form the answer is to be given. */
  readonly question: string
  /** Comes from the definition of the world, never from a tool. */
  readonly answer: string
  /** How many calls the way takes. */
  readonly calls: number
  /** How many tokens of arguments and answers it may cost: what it does, and a little room. */
  readonly tokens: number
  /** The way; what it returns is found in the answers of the tools. */
  readonly play: (ask: Ask) => Effect.Effect<string>
}
