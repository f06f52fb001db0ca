/** Asks the client, and through it a person, in the middle of a call; as requests that belong to that call. */
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js"
import {
  type ClientCapabilities,
  ElicitResultSchema,
  type ServerNotification,
  type ServerRequest
} from "@modelcontextprotocol/sdk/types.js"
import { Effect } from "effect"
import type { Answer, Request } from "./Dispatch.ts"
import * as limits from "./limits.ts"

type Extra = Pick<RequestHandlerExtra<ServerRequest, ServerNotification>, "sendRequest">

/** A box to tick as well as a button: some clients accept what nobody has looked at. */
const requestedSchema = {
  type: "object" as const,
  properties: { confirm: { type: "boolean" as const, title: "Yes, do it", default: false } },
  required: ["confirm"]
}

/** How a person is asked whether to go on; absent where the client offers no forms. */
export const asking = (client: ClientCapabilities | undefined, { sendRequest }: Extra): Request["ask"] => {
  const { elicitation } = client ?? {}
  // Before there were other kinds of questions, forms were not mentioned.
  const canAsk = elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined)
  if (!canAsk) return undefined
  return (message) =>
    Effect.tryPromise((signal) =>
      sendRequest({ method: "elicitation/create", params: { message, requestedSchema } }, ElicitResultSchema, {
        signal,
        timeout: limits.answerMillis
      })
    ).pipe(
      Effect.map(({ action, content }): Answer =>
        action === "cancel" ? "none" : action === "accept" && content?.["confirm"] === true ? "agreed" : "declined"
      ),
      Effect.catch((error) =>
        Effect.as(Effect.logWarning("the client did not ask the person", error.cause), "none" as const)
      )
    )
}
