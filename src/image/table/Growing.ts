/** Bytes that are written one after another, and numbers of seven bits a byte. */

export class Growing {
  #bytes: Uint8Array<ArrayBuffer>
  length = 0

  /** @param size bytes that there is room for before it grows */
  constructor(size = 64 * 1024) {
    this.#bytes = new Uint8Array(size)
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }

  #room(count: number): void {
    if (this.length + count <= this.#bytes.length) return
    const size = Math.max(this.#bytes.length * 2, this.length + count)
    // Moved, so that nothing of what it was stays behind until it is collected.
    this.#bytes = new Uint8Array(this.#bytes.buffer.transfer(size))
  }

  /** A whole number from 0 to 2^53 - 1. */
  number(value: number): void {
    this.#room(8)
    let rest = value
    while (rest >= 0x80) {
      this.#bytes[this.length++] = rest % 0x80 | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.length++] = rest
  }

  /** Lets go of its memory; what `bytes` gave is gone with it. */
  free(): void {
    this.#bytes = new Uint8Array(this.#bytes.buffer.transfer(0))
    this.length = 0
  }

  put(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.length)
    this.length += bytes.length
  }
}

/** Thrown by `Taking` where there are fewer bytes than were written. */
export class TableCut extends Error {
  override readonly name = "TableCut"
}

export class Taking {
  readonly bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  number(): number {
    let value = 0
    for (let scale = 1;; scale *= 0x80) {
      const byte = this.bytes[this.at++]
      if (byte === undefined) throw new TableCut()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }

  take(count: number): Uint8Array {
    const end = this.at + count
    if (end > this.bytes.length) throw new TableCut()
    const taken = this.bytes.subarray(this.at, end)
    this.at = end
    return taken
  }
}
