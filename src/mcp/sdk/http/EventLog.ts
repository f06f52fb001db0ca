import type { EventStore } from "@modelcontextprotocol/sdk/server/streamableHttp.js"
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js"

interface Event {
  readonly stream: string
  /** As JSON: what it was made from would take several times as much. */
  readonly text: string
  readonly bytes: number
}

/** What an event takes in memory besides its text, about. */
const eventBytes = 200

/** A message as it was stored. */
const parsed: (text: string) => JSONRPCMessage = JSON.parse

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

  /** How many events are kept, and the bytes that they take, at most about. */
  get kept(): { readonly events: number; readonly bytes: number } {
    return { events: this.#events.size, bytes: this.#bytes }
  }

  /** Whether what followed this event is still here; never so for the event of another session. */
  has(id: string): boolean {
    return this.#events.has(id)
  }

  storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    const id = `${stream}.${this.#next++}`
    const text = JSON.stringify(message)
    const bytes = 2 * text.length + eventBytes
    this.#bytes += bytes
    for (const [oldest, event] of this.#events) {
      if (this.#bytes <= this.#limit) break
      this.#bytes -= event.bytes
      this.#events.delete(oldest)
    }
    this.#events.set(id, { stream, text, bytes })
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
      if (event?.stream !== found.stream) continue
      const message = parsed(event.text)
      // An empty message only marks where the stream began.
      if ("jsonrpc" in message) await send(id, message)
    }
    return found.stream
  }
}
