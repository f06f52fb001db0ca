/**
 * Questions to the client in the middle of a call, where a server cannot ask: the call ends with them, and comes again.
 */
import type { JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js"
import { Clock, Effect, Option, Schema } from "effect"
import { field } from "../../../oci/field.ts"
import * as limits from "../../tool/limits.ts"
import { code, ProtocolError } from "./protocol.ts"

const Answer = Schema.Record(Schema.String, Schema.Unknown)

const decodeResponses = Schema.decodeUnknownOption(Schema.Struct({ question: Answer }))

/** The questions of a call in their order, and the answers so far: only the last one may have none yet. */
type Conversation = ReadonlyArray<{ readonly question: string; readonly answer?: Readonly<Record<string, unknown>> }>

interface Kept {
  /** What was called, with what, by whom. */
  readonly call: string
  readonly conversation: Conversation
  /** Milliseconds since 1970. */
  readonly expires: number
  readonly characters: number
}

/**
 * What calls that ended with a question wait for. A client gets no more of it than a random name, the `requestState`,
 * and so can make up no answer: it says which question it answers, and nothing else. A name is good for one call that
 * is the same in its tool, its arguments and its client, until it expires. A sealed state in the hands of the client
 * would need as much memory here, since only that makes it good for one use.
 */
export interface Pending {
  readonly keep: (call: string, conversation: Conversation, now: number) => string
  /** What was asked and answered before; nothing in a call that begins. A name that is not good fails with -32602. */
  readonly take: (requestState: unknown, call: string) => Effect.Effect<Conversation, ProtocolError>
}

export const makePending = (): Pending => {
  const kept = new Map<string, Kept>()
  let characters = 0
  const drop = (name: string): Kept | undefined => {
    const found = kept.get(name)
    kept.delete(name)
    characters -= found?.characters ?? 0
    return found
  }
  return {
    keep: (call, conversation, now) => {
      const name = crypto.randomUUID()
      const size = call.length + JSON.stringify(conversation).length
      kept.set(name, { call, conversation, expires: now + limits.answerMillis, characters: size })
      characters += size
      for (const oldest of kept.keys()) {
        if (kept.size <= limits.questions && characters <= limits.questionCharacters) break
        drop(oldest)
      }
      return name
    },
    take: Effect.fnUntraced(function*(requestState, call) {
      if (requestState === undefined) return []
      const found = typeof requestState === "string" ? drop(requestState) : undefined
      const now = yield* Clock.currentTimeMillis
      if (found === undefined || found.call !== call || now >= found.expires) return yield* invalid
      return found.conversation
    })
  }
}

/** One for all reasons: which of them it was helps only who guesses. */
const invalid = new ProtocolError({
  number: code.invalidParams,
  message: "Invalid requestState: unknown, used, expired, or of another call; make the call again without it"
})

/** The same text for the same call, in any order of its keys. */
export const callText = (...parts: ReadonlyArray<unknown>): string =>
  JSON.stringify(parts, (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value)

interface Asked {
  readonly answer?: Readonly<Record<string, unknown>>
  /** The result that asks for the answer, when there is none yet. */
  readonly required: () => Record<string, unknown>
}

/**
 * An answer is taken for the very question it was given to: one whose text has changed since is asked anew.
 *
 * @param keep keeps what was asked, and gives the name it goes by
 */
export const makeQuestions = (
  before: Conversation,
  inputResponses: unknown,
  keep: (conversation: Conversation) => string
) => {
  const response = Option.getOrUndefined(decodeResponses(inputResponses))?.question
  const earlier = before.map(({ answer = response, question }) => ({
    question,
    ...field("answer", answer)
  }))
  let position = 0
  return ({ method, params }: JSONRPCRequest): Asked => {
    const question = JSON.stringify({ method, params })
    const known = earlier[position]
    const required = () => ({
      resultType: "input_required",
      inputRequests: { question: { method, params } },
      requestState: keep([...earlier.slice(0, position), { question }])
    })
    if (known?.question !== question || known.answer === undefined) return { required }
    position++
    return { answer: known.answer, required }
  }
}
