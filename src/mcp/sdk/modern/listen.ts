/** `subscriptions/listen`: one request whose answer is a stream of notifications, until one side ends it. */
import type { JSONRPCNotification, JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js"
import { Effect, Schema, type Scope } from "effect"
import { type Connections, openInner } from "./inner.ts"
import { type Asking, code, meta, ProtocolError } from "./protocol.ts"

const Flag = Schema.optionalKey(Schema.Boolean)

const Wanted = Schema.Struct({
  notifications: Schema.Struct({
    toolsListChanged: Flag,
    promptsListChanged: Flag,
    resourcesListChanged: Flag,
    resourceSubscriptions: Schema.optionalKey(Schema.Array(Schema.String))
  })
})

/** Each kind that can be asked for, with the notification and what has to offer it. */
const kinds = [
  { kind: "toolsListChanged", method: "notifications/tools/list_changed", of: "tools" },
  { kind: "promptsListChanged", method: "notifications/prompts/list_changed", of: "prompts" },
  { kind: "resourcesListChanged", method: "notifications/resources/list_changed", of: "resources" }
] as const

/** First says what of it will be told, then tells it; answered when the server ends. */
export const listen = Effect.fnUntraced(function*(
  connections: Connections,
  asking: Asking,
  { id, params }: JSONRPCRequest,
  notify: (notification: JSONRPCNotification) => void
): Effect.fn.Return<Record<string, unknown>, ProtocolError, Scope.Scope> {
  const { notifications: wanted } = yield* Effect.mapError(
    Schema.decodeUnknownEffect(Wanted)(params),
    ({ message }) => new ProtocolError({ number: code.invalidParams, message: `Invalid params: ${message}` })
  )
  const tell = (method: string, params: Record<string, unknown> = {}): void =>
    notify({ jsonrpc: "2.0", method, params: { ...params, _meta: { [meta.subscription]: id } } })

  const announced = new Set<string>()
  let early: Array<JSONRPCNotification> | undefined = []
  const notified = (notification: JSONRPCNotification): void => {
    if (early !== undefined) early.push(notification)
    else if (announced.has(notification.method)) tell(notification.method, notification.params)
  }
  const inner = yield* openInner(connections, asking, { asked: () => undefined, notified })
  const { capabilities } = inner.introduction

  const agreed = kinds.filter(({ kind, of }) => wanted[kind] === true && capabilities[of]?.["listChanged"] === true)
  for (const { method } of agreed) announced.add(method)
  const uris = capabilities["resources"]?.["subscribe"] === true ? wanted.resourceSubscriptions ?? [] : []
  const subscribed = yield* Effect.filter(
    uris,
    (uri) =>
      Effect.match(inner.request("resources/subscribe", { uri }), { onFailure: () => false, onSuccess: () => true })
  )
  if (subscribed.length > 0) announced.add("notifications/resources/updated")

  tell("notifications/subscriptions/acknowledged", {
    notifications: {
      ...Object.fromEntries(agreed.map(({ kind }) => [kind, true])),
      ...(subscribed.length === 0 ? {} : { resourceSubscriptions: subscribed })
    }
  })
  const waiting = early
  early = undefined
  waiting.forEach(notified)

  yield* inner.ended
  return { resultType: "complete", _meta: { [meta.subscription]: id } }
})
