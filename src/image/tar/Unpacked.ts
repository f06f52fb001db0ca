/** The bytes of a file, from its body as a tar has it: what a sparse file leaves out is put in as zeros. */
import type { TarEntry } from "./TarEntry.ts"

/** Given again and again, so that a hole costs no memory. */
const zeros = new Uint8Array(64 * 1024)

export class Unpacked {
  readonly #parts: ReadonlyArray<readonly [offset: number, length: number]>
  readonly #size: number
  #part = 0
  /** How many bytes of the file there were, and of the current part. */
  #at = 0
  #taken = 0

  constructor({ size, sparse, stored }: Pick<TarEntry, "size" | "sparse" | "stored">) {
    this.#parts = sparse ?? [[0, stored]]
    this.#size = size
  }

  /** Bytes of the body, with the holes before them. */
  *data(bytes: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length;) {
      const [offset, length] = this.#parts[this.#part] ?? [this.#at, bytes.length - at]
      yield* this.#hole(offset + this.#taken)
      const count = Math.min(length - this.#taken, bytes.length - at)
      if (count > 0) yield bytes.subarray(at, at + count)
      at += count
      this.#at += count
      this.#taken += count
      if (this.#taken === length) {
        this.#part++
        this.#taken = 0
      }
    }
  }

  /** The body has ended: what is left of the file is a hole. */
  end(): Generator<Uint8Array> {
    return this.#hole(this.#size)
  }

  *#hole(until: number): Generator<Uint8Array> {
    while (this.#at < until) {
      const count = Math.min(zeros.length, until - this.#at)
      this.#at += count
      yield zeros.subarray(0, count)
    }
  }
}
