import type { EventStore } from "@modelcontextprotocol/sdk/server/streamableHttp.js"
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js"

interface Event {
  readonly stream: string
  readonly message: JSONRPCMessage
  readonly bytes: number
}

/** What an event takes in memory besides its text, about. */
const eventBytes = 200

/**
 * What a session has sent last, in memory, for a client whose connection broke. The oldest go when it gets too much. Ids
 * can be guessed, and lead to nothing that the session was not sent: whose session it is, its own id says.
 */
export class EventLog implements EventStore {
  readonly #limit: number
  /** By their ids, the oldest first. */
  readonly #events = new Map<string, Event>()
  #bytes = 0
  #next = 1

  /** @param limit bytes that are kept */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Whether what followed this event is still here; never so for the event of another session. */
  has(id: string): boolean {
    return this.#events.has(id)
  }

  storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    const id = `${stream}.${this.#next++}`
    const bytes = JSON.stringify(message).length + eventBytes
    this.#bytes += bytes
    for (const [oldest, event] of this.#events) {
      if (this.#bytes <= this.#limit) break
      this.#bytes -= event.bytes
      this.#events.delete(oldest)
    }
    this.#events.set(id, { stream, message, bytes })
    return Promise.resolve(id)
  }

  async replayEventsAfter(
    last: string,
    { send }: { send: (id: string, message: JSONRPCMessage) => Promise<void> }
  ): Promise<string> {
    const found = this.#events.get(last)
    if (found === undefined) throw new Error("no such event")
    const ids = Array.from(this.#events.keys())
    for (const id of ids.slice(ids.indexOf(last) + 1)) {
      const event = this.#events.get(id)
      // An empty message only marks where the stream began.
      if (event?.stream === found.stream && "jsonrpc" in event.message) await send(id, event.message)
    }
    return found.stream
  }
}
