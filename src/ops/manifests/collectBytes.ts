/** Gathers a stream that is known, or found while gathering, to be small. */
import { Effect, Stream } from "effect"

/** All bytes of a stream; `tooMany` is asked after each piece whether what has come is already too much. */
export const collectBytes = <E, R, E2>(
  content: Stream.Stream<Uint8Array, E, R>,
  tooMany: (size: number) => Effect.Effect<void, E2>
): Effect.Effect<Uint8Array, E | E2, R> =>
  Effect.suspend(() => {
    const pieces: Array<Uint8Array> = []
    let size = 0
    const gathered = Stream.runForEach(content, (piece) => {
      size += piece.length
      // The source of the stream may reuse its buffer.
      pieces.push(piece.slice())
      return tooMany(size)
    })
    return Effect.map(gathered, () => concatenated(pieces))
  })

export const concatenated = (pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(pieces.reduce((size, { length }) => size + length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
