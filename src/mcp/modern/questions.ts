/** Questions to the client in the middle of a call, where a server cannot ask: the call ends with them, and comes again. */
import type { JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js"
import { Option, Schema } from "effect"

const Answer = Schema.Record(Schema.String, Schema.Unknown)

/** What goes to the client and comes back with its call: the questions in their order, and the answers so far. */
const State = Schema.fromJsonString(
  Schema.Array(Schema.Struct({ question: Schema.String, answer: Schema.optionalKey(Answer) }))
)

const decodeState = Schema.decodeUnknownOption(State)
const decodeResponses = Schema.decodeUnknownOption(Schema.Struct({ question: Answer }))

interface Asked {
  readonly answer?: Readonly<Record<string, unknown>>
  /** The result that asks for the answer, when there is none yet. */
  readonly required: Record<string, unknown>
}

/**
 * An answer is taken for the very question it was given to: one whose text has changed since is asked anew. The state is
 * not sealed, since a client that changes it does no more than answer its own questions.
 */
export const makeQuestions = (requestState: unknown, inputResponses: unknown) => {
  const response = Option.getOrUndefined(decodeResponses(inputResponses))?.question
  const earlier = Option.getOrElse(decodeState(requestState), () => []).map(({ answer = response, question }) => ({
    question,
    ...(answer === undefined ? {} : { answer })
  }))
  let position = 0
  return ({ method, params }: JSONRPCRequest): Asked => {
    const question = JSON.stringify({ method, params })
    const known = earlier[position]
    if (known?.question === question && known.answer !== undefined) {
      position++
      return { answer: known.answer, required: {} }
    }
    return {
      required: {
        resultType: "input_required",
        inputRequests: { question: { method, params } },
        requestState: JSON.stringify([...earlier.slice(0, position), { question }])
      }
    }
  }
}
