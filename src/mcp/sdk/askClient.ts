/** Asks the client, and through it a person, in the middle of a call; as requests that belong to that call. */
import type { Server } from "@modelcontextprotocol/sdk/server/index.js"
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js"
import {
  type ClientCapabilities,
  ElicitResultSchema,
  ErrorCode,
  ListRootsResultSchema,
  McpError,
  RootsListChangedNotificationSchema,
  type ServerNotification,
  type ServerRequest
} from "@modelcontextprotocol/sdk/types.js"
import { Effect } from "effect"
import type { Answer, Request } from "../requests/callTool.ts"
import * as limits from "../tool/limits.ts"

type Extra = Pick<RequestHandlerExtra<ServerRequest, ServerNotification>, "sendRequest">

const methodNotFound: number = ErrorCode.MethodNotFound

/** A box to tick as well as a button: some clients accept a form that no person has seen. */
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

/**
 * What a call is told of its client's roots: they are asked for by the first call that needs them, and again once the
 * client says that they have changed. A client that has roots and does not tell them gets no files.
 */
export const keepRoots = (server: Server): (extra: Extra) => Request["roots"] => {
  let known: ReadonlyArray<string> | undefined
  let changes = 0
  server.setNotificationHandler(RootsListChangedNotificationSchema, () => {
    known = undefined
    changes++
  })
  const ask = ({ sendRequest }: Extra, isTold: boolean) =>
    Effect.suspend(() => {
      if (known !== undefined) return Effect.succeed(known)
      const before = changes
      return Effect.tryPromise((signal) =>
        sendRequest({ method: "roots/list" }, ListRootsResultSchema, { signal, timeout: limits.rootsMillis })
      ).pipe(
        Effect.map(({ roots }) => {
          const uris = roots.slice(0, limits.roots).map(({ uri }) => uri)
          // They may have changed while they were on their way.
          if (isTold && changes === before) known = uris
          return uris
        }),
        Effect.catch(({ cause }) =>
          // By which a client says that it has no roots after all.
          cause instanceof McpError && cause.code === methodNotFound
            ? Effect.succeed(undefined)
            : Effect.as(Effect.logWarning("the client did not tell its roots", cause), [])
        )
      )
    })
  return (extra) => {
    const { roots } = server.getClientCapabilities() ?? {}
    return roots === undefined ? undefined : ask(extra, roots.listChanged === true)
  }
}
