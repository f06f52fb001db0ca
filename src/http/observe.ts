/** What a request came to, once its answer has gone out or its client has gone. */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { Socket } from "node:net"
import { field } from "../oci/field.ts"
import type { Route } from "./names.ts"

export interface Observed {
  /** When its headers had come: milliseconds since 1970. */
  readonly began: number
  readonly method: string
  /** Without its query. */
  readonly path: string
  /** `none` where the path leads nowhere. */
  readonly route: Route["_tag"] | "none"
  /** `gone` where the client did not wait for all of the answer. */
  readonly status: number | "gone"
  /** From its headers to the end of its answer. */
  readonly seconds: number
  /** What came over the connection, headers included. */
  readonly bytesIn: number
  readonly bytesOut: number
  /** The address of the client, or of the proxy before it. */
  readonly address: string
  /** Who asked; absent where that was not to be found out, or not right. */
  readonly user?: string
  readonly agent: string
}

/** What is found out while a request is answered. */
export interface Seen {
  route: Observed["route"]
  user?: string
}

interface Passed {
  read: number
  written: number
}

/** What had passed over a connection by the end of the answer before. */
const passed = new WeakMap<Socket, Passed>()

/** @param done is called once, when nothing more of the answer will go out */
export const observe = (request: HttpServerRequest, seen: Seen, done: (observed: Observed) => void): void => {
  const began = performance.now()
  const time = Date.now()
  const incoming = NodeHttpServerRequest.toIncomingMessage(request)
  const response = NodeHttpServerRequest.toServerResponse(request)
  const { socket } = incoming
  response.once("close", () => {
    const before = passed.get(socket) ?? { read: 0, written: 0 }
    const now = { read: socket.bytesRead, written: socket.bytesWritten }
    passed.set(socket, now)
    done({
      began: time,
      method: request.method,
      path: request.url.replace(/\?.*$/su, ""),
      route: seen.route,
      status: response.writableFinished ? response.statusCode : "gone",
      seconds: (performance.now() - began) / 1000,
      bytesIn: now.read - before.read,
      bytesOut: now.written - before.written,
      address: socket.remoteAddress ?? "",
      ...field("user", seen.user),
      agent: request.headers["user-agent"] ?? ""
    })
  })
}
