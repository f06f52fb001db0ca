/** Closes connections that hold a request open and bring nothing, or take nothing of its answer. */
import type { IncomingMessage, Server, ServerResponse } from "node:http"

interface Watched {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Bytes that had passed, either way, when there was last something to wait for. */
  passed: number
  since: number
}

/**
 * A connection waits for its client while a body is not complete and nothing of it is left to read here, or while there
 * is something written that has not gone out. What takes long on this side is never counted.
 *
 * @param millis that a client may keep it waiting
 * @param every milliseconds between two looks
 */
export const closeStalled = (server: Server, millis: number, every: number): { readonly stop: () => void } => {
  const open = new Set<Watched>()
  server.on("request", (request: IncomingMessage, response: ServerResponse) => watch(request, response))
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => watch(request, response))

  const watch = (request: IncomingMessage, response: ServerResponse): void => {
    const watched = { request, response, passed: 0, since: performance.now() }
    open.add(watched)
    response.once("close", () => open.delete(watched))
  }

  const look = (): void => {
    const now = performance.now()
    for (const watched of open) {
      const { request, response } = watched
      const { bytesRead, bytesWritten } = request.socket
      const waits = (!request.complete && request.readableLength === 0) || response.writableLength > 0
      const passed = bytesRead + bytesWritten
      if (!waits || passed !== watched.passed) {
        watched.passed = passed
        watched.since = now
      } else if (now - watched.since >= millis) {
        request.socket.destroy()
      }
    }
  }

  const timer = setInterval(look, every)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
