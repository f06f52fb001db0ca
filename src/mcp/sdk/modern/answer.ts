/**
 * Answers requests of revision 2026-07-28, each on its own: a request opens a connection to the server inside this
 * process, asks there, and closes it. What the server offers to clients that shake hands is so offered here as well.
 */
import type { JSONRPCNotification, JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js"
import { Cause, Clock, Deferred, Effect } from "effect"
import { field } from "../../../oci/field.ts"
import { type Connections, type Inner, openInner } from "./inner.ts"
import { listen } from "./listen.ts"
import {
  type Asking,
  askingOf,
  code,
  errorOf,
  meta,
  modernVersions,
  ProtocolError,
  type Reply,
  resultOf
} from "./protocol.ts"
import { callText, makeQuestions } from "./questions.ts"

/** The methods that mean the same in both eras. */
const relayed = new Set([
  "completion/complete",
  "prompts/get",
  "prompts/list",
  "resources/list",
  "resources/read",
  "resources/templates/list",
  "tools/call",
  "tools/list"
])

/** How many milliseconds a client may keep a result: what is offered stays while the server runs, content may change. */
const lifetimes: Readonly<Record<string, number>> = {
  "prompts/list": 300_000,
  "resources/list": 0,
  "resources/read": 0,
  "resources/templates/list": 300_000,
  "server/discover": 300_000,
  "tools/list": 300_000
}

type Notify = (notification: JSONRPCNotification) => void

/**
 * Interruption is the client's cancellation, after which nothing may be sent any more; when the server ends instead, what
 * was running is still answered.
 */
export const answer = (connections: Connections, request: JSONRPCRequest, notify: Notify): Effect.Effect<Reply> =>
  Effect.scoped(resultFor(connections, request, notify)).pipe(
    Effect.match({
      onFailure: (error): Reply => errorOf(request.id, error),
      onSuccess: (result) => resultOf(request.id, result)
    }),
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause) ? Effect.interrupt : Effect.as(
        Effect.logError(`${request.method} failed unexpectedly`, cause),
        errorOf(request.id, new ProtocolError({ number: code.internal, message: "Internal error" }))
      )
    )
  )

const resultFor = Effect.fnUntraced(function*(connections: Connections, request: JSONRPCRequest, notify: Notify) {
  const asking = yield* askingOf(request)
  if (request.method === "server/discover") return yield* discovered(connections, asking)
  if (request.method === "subscriptions/listen") return yield* listen(connections, asking, request, notify)
  if (relayed.has(request.method)) return yield* relay(connections, asking, request, notify)
  return yield* new ProtocolError({ number: code.methodNotFound, message: "Method not found" })
})

const discovered = Effect.fnUntraced(function*(connections: Connections, asking: Asking) {
  const inner = yield* openInner(connections, asking, { asked: () => undefined, notified: () => undefined })
  const { capabilities, instructions } = inner.introduction
  return complete(inner, "server/discover", {
    supportedVersions: modernVersions,
    capabilities,
    ...field("instructions", instructions)
  })
})

/** A question in the middle of a call ends it; the client asks again, with the answer. */
const relay = Effect.fnUntraced(
  function*(connections: Connections, asking: Asking, { method, params = {} }: JSONRPCRequest, notify: Notify) {
    const { _meta, inputResponses, requestState, ...own } = params
    const call = callText(method, own, asking.client)
    const clock = yield* Clock.Clock
    const questions = makeQuestions(
      yield* connections.pending.take(requestState, call),
      inputResponses,
      (conversation) => connections.pending.keep(call, conversation, clock.currentTimeMillisUnsafe())
    )
    const unanswered = yield* Deferred.make<Record<string, unknown>>()
    const inner = yield* openInner(connections, asking, {
      notified: notify,
      asked: (question) => {
        const { answer, required } = questions(question)
        if (answer === undefined) Deferred.doneUnsafe(unanswered, Effect.succeed(required()))
        return answer
      }
    })
    const progressToken = _meta?.progressToken
    const answered = inner.request(method, {
      ...own,
      ...(progressToken === undefined ? {} : { _meta: { progressToken } })
    })
    return yield* Effect.raceFirst(
      Effect.map(answered, (result) => complete(inner, method, result)),
      Deferred.await(unanswered)
    )
  }
)

const complete = ({ introduction }: Inner, method: string, { _meta, ...result }: Record<string, unknown>) => {
  const ttlMs = lifetimes[method]
  return {
    resultType: "complete",
    ...result,
    ...(ttlMs === undefined ? {} : { ttlMs, cacheScope: "private" }),
    _meta: { ...(typeof _meta === "object" ? _meta : {}), [meta.server]: introduction.serverInfo }
  }
}
