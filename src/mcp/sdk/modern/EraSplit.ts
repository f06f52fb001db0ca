import type { Transport, TransportSendOptions } from "@modelcontextprotocol/sdk/shared/transport.js"
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js"

/** A transport as the SDK's server sees it: without the messages of the other revision. */
export class EraSplit implements Transport {
  onmessage?: Transport["onmessage"]
  onclose?: Transport["onclose"]
  onerror?: Transport["onerror"]
  readonly #whole: Transport
  readonly #take: (message: JSONRPCMessage) => boolean

  constructor(whole: Transport, take: (message: JSONRPCMessage) => boolean) {
    this.#whole = whole
    this.#take = take
  }

  start(): Promise<void> {
    // A transport emits no events: it calls these.
    const listeners: Pick<Transport, "onclose" | "onerror" | "onmessage"> = {
      onmessage: (message, extra) => {
        if (!this.#take(message)) this.onmessage?.(message, extra)
      },
      onclose: () => this.onclose?.(),
      onerror: (error) => this.onerror?.(error)
    }
    Object.assign(this.#whole, listeners)
    return this.#whole.start()
  }

  send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    return this.#whole.send(message, options)
  }

  close(): Promise<void> {
    return this.#whole.close()
  }
}
