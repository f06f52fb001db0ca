/** How many connections there are: those that have shown no token make room for others. */
import type { Server } from "node:http"
import type { Socket } from "node:net"

export interface KnownConnections {
  /** A request on this connection has shown the token; from here on it is closed for no other. */
  readonly know: (socket: Socket) => void
}

/**
 * Where there is no room, the connection that has been open for the longest without a token is closed: a client with a
 * token shows it at once. Strangers have half of the room at most, so that they do not drive out each other's
 * successors in the moment between connecting and showing it. Where all connections are known ones, a new one is
 * refused.
 *
 * @param limit connections at the same time
 */
export const limitConnections = (server: Server, limit: number): KnownConnections => {
  const all = new Set<Socket>()
  /** The oldest first. */
  const strangers = new Set<Socket>()
  const most = Math.max(1, Math.floor(limit / 2))
  server.on("connection", (socket: Socket) => {
    all.add(socket)
    strangers.add(socket)
    socket.once("close", () => {
      all.delete(socket)
      strangers.delete(socket)
    })
    for (const oldest of strangers) {
      if (all.size <= limit && strangers.size <= most) break
      all.delete(oldest)
      strangers.delete(oldest)
      oldest.destroy()
    }
  })
  return { know: (socket) => void strangers.delete(socket) }
}
