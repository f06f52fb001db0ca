/** Content on its way into a bucket, in one piece or in parts. */
import { Effect, Stream } from "effect"
import { concatenated } from "../../ops/manifests/collectBytes.ts"
import type { Changed, Changing, Dated, ObjectStore, Part, Precondition, StoreFault } from "../store/ObjectStore.ts"

/** A blob up to here is one request; a larger one is written in parts of this size, or of twice that: bytes. */
const partBytes = 8 * 1024 * 1024

/** How content becomes an object. The ETag of one and the same content is another one in each form. */
export interface Form {
  /** One part is as well an upload in parts. */
  readonly isInParts: boolean
  /** Bytes of a part. */
  readonly cut: number
}

/** An upload in parts that is under way. */
export interface Upload {
  readonly id: string
  readonly parts: Array<Part>
}

const plain: Form = { isInParts: false, cut: partBytes }

/** The form that gives another ETag than a condemned one; that is one of content of this size. */
export const formBeside = (condemned: string | undefined, size: number): Form => {
  if (condemned === undefined) return plain
  const [, parts] = /-(\d+)"?$/u.exec(condemned) ?? []
  if (size <= partBytes) return { isInParts: parts === undefined, cut: partBytes }
  return { isInParts: true, cut: Math.ceil(size / partBytes) === Number(parts) ? 2 * partBytes : partBytes }
}

/** Content cut into parts of equal size, the last one shorter. */
export const inParts = <E, R>(
  content: Stream.Stream<Uint8Array, E, R>,
  size = partBytes
): Stream.Stream<Uint8Array, E, R> =>
  Stream.suspend(() => {
    let waiting: Array<Uint8Array> = []
    let length = 0
    const taken = (): Uint8Array => {
      const all = concatenated(waiting)
      waiting = []
      length = 0
      return all
    }
    const whole = Stream.flatMap(content, (piece) => {
      const parts: Array<Uint8Array> = []
      for (let at = 0; at < piece.length;) {
        const end = Math.min(piece.length, at + size - length)
        waiting.push(piece.slice(at, end))
        length += end - at
        at = end
        if (length === size) parts.push(taken())
      }
      return Stream.fromIterable(parts)
    })
    return Stream.concat(whole, Stream.suspend(() => length > 0 ? Stream.succeed(taken()) : Stream.empty))
  })

/** Sends parts, and completes them on a condition; nothing of an upload that is not completed stays. */
export const sendParts = Effect.fnUntraced(
  function*<E, R>(
    store: ObjectStore,
    key: string,
    parts: Stream.Stream<Uint8Array, E, R>,
    options: Changing & { readonly condition?: Precondition | undefined }
  ): Effect.fn.Return<Dated<Changed>, E | StoreFault, R> {
    const id = yield* store.begin(key)
    const sent: Array<Part> = []
    return yield* Stream.runForEach(
      parts,
      (part) => Effect.map(store.part(key, id, sent.length + 1, part), (one) => void sent.push(one))
    ).pipe(
      Effect.andThen(Effect.suspend(() => store.complete(key, id, sent, options))),
      Effect.tap(({ value }) => value._tag === "Done" ? Effect.void : Effect.ignore(store.abort(key, id))),
      Effect.onError(() => Effect.ignore(store.abort(key, id)))
    )
  }
)
