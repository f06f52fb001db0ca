/** Stores a layer: hashed, checked and compressed on its way, and never held as a whole. */
import { Effect, type Scope, Sink, Stream } from "effect"
import { compressionOf, magicBytes } from "../../image/layers/layerType.ts"
import { layerLimits } from "../../image/limits.ts"
import { CodecFailed, type Decoder, type RunningSha256 } from "../../image/ports/LayerCodec.ts"
import { hexOf } from "../../image/table/Entry.ts"
import { TarInvalid } from "../../image/tar/numbers.ts"
import { TarReader } from "../../image/tar/TarReader.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import * as types from "../../oci/MediaType.ts"
import { InputUnsuitable } from "../../oci/OciError.ts"
import { concatenated } from "../../ops/manifests/collectBytes.ts"
import type { MakeTarget } from "../content/Made.ts"
import type { Compressing, LayerMaker } from "../ports/LayerMaker.ts"

/** What a layer is made of. */
export interface LayerInput<E = never> {
  /** A tar, compressed or not; each piece is to be kept. */
  readonly content: Stream.Stream<Uint8Array, E>
  /** What it is called in failures. */
  readonly name: string
  /** What the history says made it. */
  readonly createdBy?: string | undefined
}

/** What the history says made a layer of a folder or a tar; no path of this machine, so that it is the same everywhere. */
export const madeBy = {
  folder: (at = ""): string => `ocilayout: the files of a folder${at === "" ? "" : `, in ${at}`}`,
  tar: "ocilayout: a tar"
}

/** A layer that is stored. */
export interface LayerMade {
  readonly descriptor: Descriptor
  /** The digest of the tar. */
  readonly diffId: string
}

/** How a tar is compressed by default. */
export const usualCompressing: Compressing = { kind: "gzip" }

const mediaTypes = { none: types.layerTar, gzip: types.layerTarGzip, zstd: types.layerTarZstd } as const

/**
 * Stores a layer as a blob in one pass. What is compressed already keeps its bytes, unless it is said how it is to be
 * compressed. `InputUnsuitable` for what is no tar, or is broken; then no blob is stored.
 */
export const pushLayer = Effect.fnUntraced(
  function*<E>(
    { registry, repository }: MakeTarget,
    maker: LayerMaker,
    { content, name }: LayerInput<E>,
    how: Compressing | undefined
  ) {
    const [first, rest] = yield* Stream.peel(withHead(content), Sink.take<Uint8Array>(1))
    const whole = Stream.concat(Stream.fromIterable(first), rest)
    const given = compressionOf(first[0] ?? nothing)
    const tar = new SeenTar(maker, name)
    const isKept = given !== "none" && how === undefined
    const wanted = how ?? usualCompressing
    const stored = isKept
      ? unpackedBeside(maker, given, tar, whole)
      : maker.compress(given === "none" ? tar.seenIn(whole) : unpacked(maker, given, tar, whole), wanted)
    const checked = Stream.concat(stored, Stream.unwrap(Effect.as(tar.end, Stream.empty)))
    const mediaType = mediaTypes[isKept ? given : wanted.kind]
    const { descriptor } = yield* registry.pushBlob(repository, checked, { mediaType })
    return { descriptor, diffId: tar.digest() }
  },
  Effect.scoped
)

const nothing = new Uint8Array()

/** The stream with a first piece that is long enough to tell how it is compressed. */
const withHead = <E>(content: Stream.Stream<Uint8Array, E>): Stream.Stream<Uint8Array, E> =>
  Stream.suspend(() => {
    const held: Array<Uint8Array> = []
    let length = 0
    let isOver = false
    return content.pipe(
      Stream.flatMap((piece) => {
        if (isOver) return Stream.succeed(piece)
        held.push(piece)
        length += piece.length
        isOver = length >= magicBytes
        return isOver ? Stream.succeed(concatenated(held)) : Stream.empty
      }),
      Stream.concat(Stream.suspend(() => isOver || length === 0 ? Stream.empty : Stream.succeed(concatenated(held))))
    )
  })

/** A tar on its way: hashed, and held to the rules of tars. */
class SeenTar {
  readonly #name: string
  readonly #hash: RunningSha256
  readonly #reader = new TarReader({ begin: () => undefined, data: () => undefined, end: () => undefined })
  #size = 0

  constructor({ codec }: LayerMaker, name: string) {
    this.#name = name
    this.#hash = codec.sha256()
  }

  /** @throws TarInvalid, CodecFailed */
  see(bytes: Uint8Array): void {
    this.#size += bytes.length
    if (this.#size > layerLimits.size) throw new CodecFailed(`has more than ${layerLimits.size} bytes`)
    this.#hash.update(bytes)
    this.#reader.write(bytes)
  }

  attempt<A>(run: () => A): Effect.Effect<A, InputUnsuitable> {
    return Effect.try({
      try: run,
      catch: (error) => {
        if (!(error instanceof TarInvalid) && !(error instanceof CodecFailed)) throw error
        return new InputUnsuitable({ input: this.#name, reason: `is no tar that can be a layer: ${error.message}` })
      }
    })
  }

  seenIn<E>(content: Stream.Stream<Uint8Array, E>): Stream.Stream<Uint8Array, E | InputUnsuitable> {
    return Stream.tap(content, (bytes) => this.attempt(() => this.see(bytes)))
  }

  /** No tar is empty: it ends by two blocks of zeros. */
  get end(): Effect.Effect<void, InputUnsuitable> {
    return this.attempt(() => {
      if (this.#size === 0) throw new TarInvalid("it is empty")
      this.#reader.finish()
    })
  }

  digest(): string {
    return `sha256:${hexOf(this.#hash.digest())}`
  }
}

/** Input that is decoded at once, in bytes: what comes out is held, and may be 1,000 or 32,000 times as much. */
const pieceBytes = { gzip: 16 * 1024, zstd: 1024 } as const

const decoding = (
  { codec }: LayerMaker,
  kind: "gzip" | "zstd",
  sink: (bytes: Uint8Array) => void
): Effect.Effect<Decoder, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => codec.decode(kind, sink)),
    (decoder) => Effect.sync(() => decoder.close())
  )

/** The compressed bytes as they are, while what they unpack to is seen. */
const unpackedBeside = <E>(
  maker: LayerMaker,
  kind: "gzip" | "zstd",
  tar: SeenTar,
  content: Stream.Stream<Uint8Array, E>
): Stream.Stream<Uint8Array, E | InputUnsuitable> =>
  Stream.unwrap(Effect.map(decoding(maker, kind, (bytes) => tar.see(bytes)), (decoder) =>
    Stream.concat(
      Stream.tap(content, (bytes) => tar.attempt(() => decoder.write(bytes))),
      Stream.unwrap(Effect.as(tar.attempt(() => decoder.finish()), Stream.empty))
    )))

/** What compressed bytes unpack to. */
const unpacked = <E>(
  maker: LayerMaker,
  kind: "gzip" | "zstd",
  tar: SeenTar,
  content: Stream.Stream<Uint8Array, E>
): Stream.Stream<Uint8Array, E | InputUnsuitable> =>
  Stream.unwrap(Effect.suspend(() => {
    let found: Array<Uint8Array> = []
    const sink = (bytes: Uint8Array): void => {
      tar.see(bytes)
      // A copy, which `slice` of Node's buffers is not.
      found.push(new Uint8Array(bytes))
    }
    return Effect.map(decoding(maker, kind, sink), (decoder) => {
      const taken = (run: () => void) =>
        Stream.unwrap(Effect.map(
          tar.attempt(() => {
            run()
            const parts = found
            found = []
            return parts
          }),
          (parts) => Stream.fromIterable(parts)
        ))
      return content.pipe(
        Stream.flatMap((bytes) => Stream.fromIterable(piecesOf(bytes, pieceBytes[kind]))),
        Stream.flatMap((bytes) => taken(() => decoder.write(bytes))),
        Stream.concat(taken(() => decoder.finish()))
      )
    })
  }))

const piecesOf = function*(bytes: Uint8Array, length: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}
