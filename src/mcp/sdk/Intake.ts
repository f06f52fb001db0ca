/** How many requests of one client are worked on, and wait, at once: what is more stays with the client. */
import type { Transport, TransportSendOptions } from "@modelcontextprotocol/sdk/shared/transport.js"
import {
  isJSONRPCRequest,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId
} from "@modelcontextprotocol/sdk/types.js"
import * as limits from "../tool/limits.ts"
import type { Streams } from "./Streams.ts"

/** What may be held at once. */
export interface IntakeLimits {
  /** Requests that are worked on. */
  readonly requests: number
  /** Requests that wait, and the characters that they take: with as many, nothing more is read. */
  readonly waiting: number
  readonly waitingCharacters: number
  /** Subscriptions of the newer era, which are requests without an end. */
  readonly listens: number
  /** Bytes that the client has not read: with as many, no further request is begun. */
  readonly unreadBytes: number
}

export const intakeLimits: IntakeLimits = {
  requests: limits.requests,
  waiting: limits.requestsWaiting,
  waitingCharacters: limits.requestsWaitingCharacters,
  listens: limits.listens,
  unreadBytes: limits.unreadBytes
}

interface Waiting {
  readonly message: JSONRPCRequest
  readonly characters: number
}

/**
 * A transport that begins a request when there is room for it, in the order they came. Answers and notifications pass
 * at once. While a request of ours waits for the client's answer, which may come behind all that it has asked before,
 * reading goes on, and requests for which there is no room are refused.
 */
export class Intake implements Transport {
  onmessage?: Transport["onmessage"]
  onclose?: Transport["onclose"]
  onerror?: Transport["onerror"]
  readonly #whole: Transport
  readonly #streams: Streams
  readonly #limits: IntakeLimits
  /** How often each id is worked on: nothing keeps a client from using one twice. */
  readonly #working = new Map<RequestId, number>()
  readonly #listens = new Set<RequestId>()
  readonly #asked = new Set<RequestId>()
  #waiting: Array<Waiting> = []
  /** How many of them have been begun. */
  #begun = 0
  #characters = 0
  #count = 0
  #held = false
  #drains = false

  constructor(whole: Transport, streams: Streams, limits: IntakeLimits = intakeLimits) {
    this.#whole = whole
    this.#streams = streams
    // Every message that is not read at once waits for the same event; how many there are is bounded here.
    streams.output.setMaxListeners(0)
    this.#limits = limits
  }

  /** Requests that are worked on, and that wait. */
  get load(): { readonly working: number; readonly waiting: number } {
    return { working: this.#count, waiting: this.#waiting.length - this.#begun }
  }

  start(): Promise<void> {
    // A transport emits no events: it calls these.
    const listeners: Pick<Transport, "onclose" | "onerror" | "onmessage"> = {
      onmessage: (message) => this.#take(message),
      onclose: () => this.onclose?.(),
      onerror: (error) => this.onerror?.(error)
    }
    Object.assign(this.#whole, listeners)
    return this.#whole.start()
  }

  send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if ("method" in message) {
      if ("id" in message) this.#asked.add(message.id)
      // A slow reader misses some of the progress rather than filling the memory with it.
      else if (message.method === "notifications/progress" && this.#isUnread()) return Promise.resolve()
    } else if (message.id !== undefined) this.#finish(message.id)
    this.#hold()
    return this.#whole.send(message, options)
  }

  close(): Promise<void> {
    for (const { message } of this.#waiting.splice(this.#begun)) this.#refuse(message, "The server is stopping")
    return this.#whole.close()
  }

  #take(message: JSONRPCMessage): void {
    if (isJSONRPCRequest(message)) return this.#takeRequest(message)
    if (!("method" in message)) {
      if (message.id !== undefined) this.#asked.delete(message.id)
    } else if (message.method === "notifications/cancelled" && this.#cancel(message.params?.["requestId"])) return
    this.onmessage?.(message)
    this.#begin()
  }

  #takeRequest(message: JSONRPCRequest): void {
    if (message.method === "subscriptions/listen") {
      if (this.#listens.size >= this.#limits.listens) return this.#refuse(message, "Too many subscriptions at once")
      this.#listens.add(message.id)
      this.onmessage?.(message)
      return
    }
    if (this.#isFull() && this.#asked.size > 0) return this.#refuse(message, "Too many requests at once")
    const characters = this.#hasRoom() ? 0 : JSON.stringify(message).length
    this.#waiting.push({ message, characters })
    this.#characters += characters
    this.#begin()
    this.#hold()
  }

  /** Whether a request that the client no longer wants answered had not been begun. */
  #cancel(id: unknown): boolean {
    const place = this.#waiting.findIndex(({ message }, place) => place >= this.#begun && message.id === id)
    if (place >= 0) {
      for (const { characters } of this.#waiting.splice(place, 1)) this.#characters -= characters
      this.#hold()
      return true
    }
    // Its answer is not waited for any more.
    if (typeof id === "string" || typeof id === "number") this.#finish(id)
    return false
  }

  #finish(id: RequestId): void {
    if (this.#listens.delete(id)) return
    const times = this.#working.get(id)
    if (times === undefined) return
    this.#count--
    if (times > 1) this.#working.set(id, times - 1)
    else this.#working.delete(id)
    // Not now: the call that sends an answer has not ended yet.
    queueMicrotask(() => this.#begin())
  }

  #begin(): void {
    while (this.#begun < this.#waiting.length && this.#hasRoom()) {
      const next = this.#waiting[this.#begun++]
      if (next === undefined) break
      this.#characters -= next.characters
      this.#count++
      this.#working.set(next.message.id, (this.#working.get(next.message.id) ?? 0) + 1)
      this.onmessage?.(next.message)
    }
    if (this.#begun === this.#waiting.length || this.#begun > this.#limits.waiting) {
      this.#waiting = this.#waiting.slice(this.#begun)
      this.#begun = 0
    }
    this.#hold()
  }

  #hasRoom(): boolean {
    if (this.#count >= this.#limits.requests) return false
    if (!this.#isUnread()) return true
    if (!this.#drains) {
      this.#drains = true
      this.#streams.output.once("drain", () => {
        this.#drains = false
        this.#begin()
      })
    }
    return false
  }

  #isUnread(): boolean {
    return this.#streams.output.writableLength >= this.#limits.unreadBytes
  }

  #isFull(): boolean {
    return this.load.waiting >= this.#limits.waiting || this.#characters >= this.#limits.waitingCharacters
  }

  /** Stops reading, or goes on. */
  #hold(): void {
    const held = this.#isFull() && this.#asked.size === 0
    if (held === this.#held) return
    this.#held = held
    if (held) this.#streams.input.pause()
    else this.#streams.input.resume()
  }

  #refuse({ id }: JSONRPCRequest, message: string): void {
    // A message that cannot be sent is dropped.
    this.#whole.send({ jsonrpc: "2.0", id, error: { code: -32000, message } }).catch(() => undefined)
  }
}
