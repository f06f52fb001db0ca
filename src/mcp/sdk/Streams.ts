/**
 * The streams that one client is served over. They are written down here as far as they are used, so that a program needs
 * no types of Node to compile against this package; those of Node fit.
 */

/** A readable stream of bytes, as Node's `Readable` is one. */
export interface Input {
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown
  on(event: "error", listener: (error: Error) => void): unknown
  once(event: "end" | "close", listener: () => void): unknown
  off(event: "data", listener: (chunk: Uint8Array) => void): unknown
  off(event: "error", listener: (error: Error) => void): unknown
  off(event: "end" | "close", listener: () => void): unknown
  listenerCount(event: "data"): number
  pause(): unknown
  resume(): unknown
}

/** A writable stream, as Node's `Writable` is one. */
export interface Output {
  /** Bytes that were written and not taken yet. */
  readonly writableLength: number
  /** Whether more may be written before `drain`. */
  write(text: string): boolean
  on(event: "error", listener: (error: Error) => void): unknown
  once(event: "drain", listener: () => void): unknown
  setMaxListeners(count: number): unknown
}

/** What a server reads from and writes to. */
export interface Streams {
  readonly input: Input
  readonly output: Output
}
