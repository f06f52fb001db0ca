/** Several files of a layer, by decompressing each part of it once. */
import { Effect, Stream } from "effect"
import type { LayerInvalid } from "../../oci/OciError.ts"
import type { LookError } from "../../ops/api/errors.ts"
import { checkpointSpan } from "../limits.ts"
import type { LayerCodec, RunningSha256 } from "../ports/LayerCodec.ts"
import { digestOf, type Entry, hexOf, type LayerTable } from "../table/Entry.ts"
import { Unpacked } from "../tar/Unpacked.ts"
import type { LayerSource } from "./LayerSource.ts"
import { notAsTold, readTar } from "./readFile.ts"

/** What is told of each file, in their order in the layer; what it throws ends the reading and is passed on. */
export interface EntryHandler<W extends Wanted> {
  readonly begin: (wanted: W) => void
  /** Bytes of the file, holes included; good during the call only. */
  readonly data: (wanted: W, bytes: Uint8Array) => void
  /** The file is whole, and is what it was at the first look. */
  readonly end: (wanted: W) => void
}

export interface Wanted {
  readonly entry: Entry
}

/** Between two files that are further apart, the layer is not decompressed. */
const gapBytes = 2 * checkpointSpan

/**
 * Reads files of a layer. `LayerInvalid` where one is not what it was at the first look.
 *
 * @param attempt runs what the handler does, and tells its failures
 */
export const readEntries = <W extends Wanted, E>(
  source: LayerSource,
  table: LayerTable,
  wanted: ReadonlyArray<W>,
  handler: EntryHandler<W>,
  attempt: (run: () => void) => Effect.Effect<void, E>
): Effect.Effect<void, LookError | E> =>
  Effect.forEach(runsOf(wanted), ({ files, from, to }) =>
    Effect.suspend(() => {
      const cut = new Cut(source.codec, table, files, from, handler)
      return Effect.andThen(
        Stream.runForEach(readTar(source, table, from, to), (bytes) => attempt(() => cut.take(bytes))),
        Effect.andThen(
          attempt(() => cut.take(nothing)),
          Effect.suspend(() => cut.failure === undefined ? Effect.void : Effect.fail(cut.failure))
        )
      )
    }), { discard: true })

const nothing = new Uint8Array()

interface Run<W> {
  readonly files: Array<W>
  readonly from: number
  to: number
}

const runsOf = <W extends Wanted>(wanted: ReadonlyArray<W>): ReadonlyArray<Run<W>> => {
  const runs: Array<Run<W>> = []
  for (const one of wanted.toSorted((a, b) => a.entry.offset - b.entry.offset)) {
    const { offset, stored } = one.entry
    const last = runs.at(-1)
    if (last !== undefined && offset - last.to < gapBytes) {
      last.files.push(one)
      last.to = Math.max(last.to, offset + stored)
    } else runs.push({ files: [one], from: offset, to: offset + stored })
  }
  return runs
}

/** Cuts a part of a layer into the files that are wanted of it. */
class Cut<W extends Wanted> {
  readonly #codec: LayerCodec
  readonly #table: LayerTable
  readonly #files: ReadonlyArray<W>
  readonly #handler: EntryHandler<W>
  #next = 0
  /** Where in the layer the next byte is. */
  #at: number
  #current: { readonly unpacked: Unpacked; readonly hash: RunningSha256 } | undefined
  #wrong = false

  constructor(
    codec: LayerCodec,
    table: LayerTable,
    files: ReadonlyArray<W>,
    from: number,
    handler: EntryHandler<W>
  ) {
    this.#codec = codec
    this.#table = table
    this.#files = files
    this.#handler = handler
    this.#at = from
  }

  /** Why it is not what it was at the first look. */
  get failure(): LayerInvalid | undefined {
    if (!this.#wrong && this.#next === this.#files.length) return undefined
    return notAsTold(this.#table)
  }

  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const wanted = this.#upTo()
      if (wanted === undefined) return
      const { offset, stored } = wanted.entry
      const skipped = Math.min(bytes.length - at, Math.max(0, offset - this.#at))
      at += skipped
      this.#at += skipped
      const count = Math.min(bytes.length - at, offset + stored - this.#at)
      if (count <= 0) continue
      this.#put(wanted, this.#begun(wanted).unpacked.data(bytes.subarray(at, at + count)))
      at += count
      this.#at += count
    }
    this.#upTo()
  }

  /** The file that the next byte is of, or before; those that have ended are finished. */
  #upTo(): W | undefined {
    for (;;) {
      const wanted = this.#wrong ? undefined : this.#files[this.#next]
      if (wanted === undefined || this.#at < wanted.entry.offset + wanted.entry.stored) return wanted
      this.#finish(wanted)
    }
  }

  #begun(wanted: W) {
    if (this.#current === undefined) {
      this.#handler.begin(wanted)
      this.#current = { unpacked: new Unpacked(wanted.entry), hash: this.#codec.sha256() }
    }
    return this.#current
  }

  #put(wanted: W, pieces: Iterable<Uint8Array>): void {
    const { hash } = this.#begun(wanted)
    for (const piece of pieces) {
      hash.update(piece)
      this.#handler.data(wanted, piece)
    }
  }

  #finish(wanted: W): void {
    const { hash, unpacked } = this.#begun(wanted)
    this.#put(wanted, unpacked.end())
    this.#current = undefined
    this.#wrong = `sha256:${hexOf(hash.digest())}` !== digestOf(this.#table, wanted.entry)
    if (this.#wrong) return
    this.#next++
    this.#handler.end(wanted)
  }
}
