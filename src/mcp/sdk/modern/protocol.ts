/**
 * What revision 2026-07-28 of MCP puts into every message: no handshake and no session, but in each request the version,
 * the client and what it can do.
 */
import {
  type JSONRPCErrorResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type JSONRPCResultResponse,
  SUPPORTED_PROTOCOL_VERSIONS
} from "@modelcontextprotocol/sdk/types.js"
import { Effect, Schema } from "effect"
import { field } from "../../../oci/field.ts"

/** Versions spoken without a handshake. */
export const modernVersions = ["2026-07-28"] as const

/** All versions that are spoken, the newest first: those with a handshake are the SDK's. */
export const allVersions: ReadonlyArray<string> = [...modernVersions, ...SUPPORTED_PROTOCOL_VERSIONS]

/** What a client is told that asks for another one. */
export const unsupported = (requested: string): ProtocolError =>
  new ProtocolError({
    number: code.unsupportedVersion,
    message: allVersions.includes(requested)
      ? `Protocol version ${requested} begins with initialize`
      : "Unsupported protocol version",
    data: { supported: allVersions, requested }
  })

export const meta = {
  version: "io.modelcontextprotocol/protocolVersion",
  client: "io.modelcontextprotocol/clientInfo",
  capabilities: "io.modelcontextprotocol/clientCapabilities",
  server: "io.modelcontextprotocol/serverInfo",
  subscription: "io.modelcontextprotocol/subscriptionId"
} as const

export const code = {
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  headerMismatch: -32020,
  unsupportedVersion: -32022
} as const

export type Reply = JSONRPCResultResponse | JSONRPCErrorResponse

/** A request that is answered with an error of the protocol. */
export class ProtocolError extends Schema.TaggedError<ProtocolError>()("ProtocolError", {
  number: Schema.Int,
  message: Schema.String,
  data: Schema.optionalKey(Schema.Unknown)
}) {}

export const resultOf = (id: JSONRPCRequest["id"], result: Record<string, unknown>): JSONRPCResultResponse => ({
  jsonrpc: "2.0",
  id,
  result
})

export const errorOf = (
  id: JSONRPCRequest["id"] | undefined,
  { data, message, number }: ProtocolError
): JSONRPCErrorResponse => ({
  jsonrpc: "2.0",
  ...field("id", id),
  error: { code: number, message, ...field("data", data) }
})

/** Whether a message belongs to this era: it names its version itself, or asks what only this era knows. */
export const isModern = (message: JSONRPCMessage): message is JSONRPCRequest =>
  "method" in message && "id" in message &&
  (message.method === "server/discover" || message.params?._meta?.[meta.version] !== undefined)

/** Who asks, and what it can do, as far as that is used here. */
export interface Asking {
  readonly client: { readonly name: string; readonly version: string }
  readonly elicitation: Readonly<Record<string, unknown>> | undefined
  /** Present where the client has roots, which limit it as in the other era. */
  readonly roots: Readonly<Record<string, unknown>> | undefined
  /** What it can do beyond the protocol. */
  readonly extensions: Readonly<Record<string, unknown>> | undefined
}

const Anything = Schema.Record(Schema.String, Schema.Unknown)

const Envelope = Schema.Struct({
  [meta.version]: Schema.String,
  [meta.capabilities]: Schema.Struct({
    elicitation: Schema.optionalKey(Anything),
    roots: Schema.optionalKey(Anything),
    extensions: Schema.optionalKey(Anything)
  }),
  [meta.client]: Schema.optionalKey(Schema.Struct({ name: Schema.String, version: Schema.String }))
})

const decodeEnvelope = Schema.decodeUnknownEffect(Envelope)

/** A request without these fields is malformed, and one of another version is told which ones there are. */
export const askingOf = Effect.fnUntraced(function*(request: JSONRPCRequest): Effect.fn.Return<Asking, ProtocolError> {
  const envelope = yield* Effect.mapError(
    decodeEnvelope(request.params?._meta ?? {}),
    ({ message }) => new ProtocolError({ number: code.invalidParams, message: `Invalid _meta: ${message}` })
  )
  const requested = envelope[meta.version]
  if (!modernVersions.some((version) => version === requested)) {
    return yield* unsupported(requested)
  }
  const { elicitation, extensions, roots } = envelope[meta.capabilities]
  return { client: envelope[meta.client] ?? { name: "", version: "" }, elicitation, roots, extensions }
})
