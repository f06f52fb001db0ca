/** Bytes over a socket as no library would send them. */
import { Effect, type Scope } from "effect"
import { connect, type Socket } from "node:net"

export interface Raw {
  readonly socket: Socket
  readonly write: (text: string | Uint8Array) => void
  /** Everything that came back so far. */
  readonly received: () => string
  /** Waits until what came back fits. */
  readonly until: (form: RegExp) => Effect.Effect<string>
  /** What came back by the time that the other side closed. */
  readonly closed: Effect.Effect<string>
}

export const raw = (port: number): Effect.Effect<Raw, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() =>
        new Promise<Socket>((resolve, reject) => {
          const socket = connect(port, "127.0.0.1", () => resolve(socket))
          socket.once("error", reject)
        })
      ),
      (socket) => Effect.sync(() => void socket.destroy())
    ),
    (socket) => {
      let text = ""
      const closed = new Promise<void>((resolve) => void socket.once("close", () => resolve()))
      // The other side may well reset the connection.
      socket.on("error", () => undefined)
      socket.on("data", (chunk) => {
        text += chunk.toString("latin1")
      })
      return {
        socket,
        write: (sent) => void socket.write(sent),
        received: () => text,
        until: (form) =>
          Effect.sync(() => text).pipe(
            Effect.tap(() => Effect.sleep("5 millis")),
            Effect.repeat({ until: (so) => form.test(so) })
          ),
        closed: Effect.map(Effect.promise(() => closed), () => text)
      }
    }
  )

/** The status of each answer, in order. */
export const statusesOf = (text: string): ReadonlyArray<number> =>
  Array.from(text.matchAll(/HTTP\/1\.[01] (\d{3}) /gu), ([, status]) => Number(status))
