import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect, type Socket } from "node:net"
import { initialize } from "../../../cli/support/server.ts"
import { begin, eventually, modernCall, openSession, send, type Served, serving } from "./support.ts"

/** Connections that say nothing, or not all of it, and how many of them have been closed. */
const halfOpen = Effect.fnUntraced(function*({ url }: Served, count: number, text: string = "") {
  const closed = { count: 0 }
  const sockets: ReadonlyArray<Socket> = yield* Effect.acquireRelease(
    Effect.sync(() =>
      Array.from({ length: count }, (): Socket => {
        const socket = connect(Number(url.port), "127.0.0.1")
        socket.on("error", () => undefined).once("close", () => closed.count++).resume()
        if (text !== "") socket.write(text)
        return socket
      })
    ),
    (sockets) => Effect.sync(() => sockets.forEach((socket) => socket.destroy()))
  )
  yield* eventually(() => sockets.every((socket) => !socket.connecting))
  return closed
})

describe("connections", () => {
  it.live("without a token do not keep out those with one, however many there are", () =>
    Effect.gen(function*() {
      const served = yield* serving({ limits: { connections: 8, headersMillis: 60_000 } })
      const session = yield* openSession(served)
      const stream = yield* begin(served, { method: "GET", headers: session })
      let isOpen = true
      stream.once("close", () => {
        isOpen = false
      })
      const texts = [
        "",
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nx: ",
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n",
        "GET /x HTTP/1.1\r\nhost: localhost\r\n\r\n"
      ]
      for (const text of texts) {
        const closed = yield* halfOpen(served, 40, text)
        assert.strictEqual((yield* send(served, { body: initialize })).status, 200, text)
        assert.strictEqual((yield* send(served, modernCall)).status, 200, text)
        yield* eventually(() => closed.count >= 36)
      }
      assert.isTrue(isOpen)
    }))

  it.live("with a token are a limited number, of which none is closed for another", () =>
    Effect.gen(function*() {
      const served = yield* serving({ limits: { connections: 2 } })
      for (let times = 0; times < 2; times++) {
        yield* begin(served, { method: "GET", headers: yield* openSession(served) })
      }
      const closed = yield* halfOpen(served, 1)
      yield* eventually(() => closed.count === 1)
    }))
})
