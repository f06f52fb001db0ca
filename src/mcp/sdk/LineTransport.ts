/** Messages by the line. The SDK's own transport says nothing to a client whose line it does not understand. */
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js"
import { type JSONRPCMessage, JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js"
import { field } from "../../oci/field.ts"
import * as limits from "../tool/limits.ts"
import type { Input, Output } from "./Streams.ts"

const newline = 0x0a

/** What answers a line that is no message. */
interface Fault {
  readonly code: number
  readonly message: string
  readonly id?: string | number
}

export class LineTransport implements Transport {
  onmessage?: Transport["onmessage"]
  onclose?: Transport["onclose"]
  onerror?: Transport["onerror"]
  readonly #input: Input
  readonly #output: Output
  /** What has come of a line that has not ended. */
  #parts: Array<Uint8Array> = []
  #size = 0
  #closed = false

  constructor(input: Input, output: Output) {
    this.#input = input
    this.#output = output
  }

  start(): Promise<void> {
    this.#input.on("data", this.#read)
    this.#input.on("error", this.#fail)
    return Promise.resolve()
  }

  /** Settles when more can be written. */
  send(message: JSONRPCMessage): Promise<void> {
    return new Promise((resolve) => {
      if (this.#output.write(`${JSON.stringify(message)}\n`)) resolve()
      else this.#output.once("drain", resolve)
    })
  }

  close(): Promise<void> {
    this.#input.off("data", this.#read)
    this.#input.off("error", this.#fail)
    if (this.#input.listenerCount("data") === 0) this.#input.pause()
    this.#parts = []
    this.#size = 0
    this.#closed = true
    this.onclose?.()
    return Promise.resolve()
  }

  readonly #fail = (error: Error): void => this.onerror?.(error)

  readonly #read = (chunk: Uint8Array): void => {
    let begin = 0
    while (!this.#closed) {
      const end = chunk.indexOf(newline, begin)
      const part = chunk.subarray(begin, end < 0 ? undefined : end)
      this.#parts.push(part)
      this.#size += part.length
      if (this.#size > limits.lineBytes) {
        this.#fail(new Error(`a line exceeded maximum size of ${limits.lineBytes} bytes`))
        void this.close()
        return
      }
      if (end < 0) return
      const line = Buffer.concat(this.#parts).toString("utf8")
      this.#parts = []
      this.#size = 0
      begin = end + 1
      this.#take(line)
    }
  }

  #take(line: string): void {
    if (line.trim() === "") return
    const message = parsed(line)
    if ("jsonrpc" in message) this.onmessage?.(message)
    else this.#refuse(message)
  }

  #refuse({ id, ...error }: Fault): void {
    this.#fail(new Error(error.message))
    // Who reads none of it is told no more.
    if (this.#output.writableLength >= limits.unreadBytes) return
    void this.send({ jsonrpc: "2.0", ...field("id", id), error })
  }
}

const parsed = (line: string): JSONRPCMessage | Fault => {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    return { code: -32700, message: `Parse error: ${error instanceof Error ? error.message.slice(0, 200) : "no JSON"}` }
  }
  const message = JSONRPCMessageSchema.safeParse(value)
  return message.success
    ? message.data
    : { code: -32600, message: "Invalid Request: not one JSON-RPC message", ...idIn(value) }
}

/** What is no request has no id that the client would look for among its own. */
const idIn = (value: unknown): { readonly id?: string | number } => {
  if (typeof value !== "object" || value === null || !("id" in value) || !("method" in value)) return {}
  return typeof value.id === "string" || typeof value.id === "number" ? { id: value.id } : {}
}
