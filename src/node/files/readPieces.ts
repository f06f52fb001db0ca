/** The bytes of an open file as a stream: while the consumer works on a piece, the next one is read. */
import { Cause, Effect, Fiber, type Pull, type Scope, Stream } from "effect"
import type { StorageError, SymlinkRefused } from "../../oci/OciError.ts"
import type { FileHandle } from "../fs/LayoutFs.ts"
import { asStorage } from "./asStorage.ts"
import { readBytes } from "./hashFile.ts"

/** What of a file, and how. */
export interface Reading<E = never> {
  /** The first byte. */
  readonly from: number
  /** The byte after the last. */
  readonly to: number
  /**
   * Whether a piece may reuse the buffer of the one before it: for a consumer that is done with one when it takes the
   * next.
   */
  readonly passing: boolean
  /** Sees each piece before the consumer does. */
  readonly see?: (piece: Uint8Array) => void
  /** Asked before the last piece is given away, and where there is none before the end. */
  readonly approve?: Effect.Effect<void, E>
}

type ReadError = StorageError | SymlinkRefused

/** @param root what paths in errors are relative to */
export const readPieces = <E = never>(
  root: string,
  handle: FileHandle,
  reading: Reading<E>
): Stream.Stream<Uint8Array, E | ReadError> =>
  reading.to - reading.from <= readBytes
    ? Stream.unwrap(readPiece(root, handle, reading))
    : Stream.unwrap(
      Effect.map(Effect.scope, (scope) => Stream.fromPull(Effect.sync(() => pullOf(root, handle, reading, scope))))
    )

/** What is read in one piece: most ranges, and most blobs. */
const readPiece = <E>(
  root: string,
  handle: FileHandle,
  { approve = Effect.void, from, see, to }: Reading<E>
): Effect.Effect<Stream.Stream<Uint8Array>, E | ReadError> =>
  Effect.suspend(() => {
    const target = room(Math.max(0, to - from))
    return Effect.flatMap(asStorage(root)(handle.read(target, from)), (count) => {
      const piece = target.subarray(0, count)
      see?.(piece)
      return Effect.as(approve, count === 0 ? Stream.empty : Stream.succeed(piece))
    })
  })

const pullOf = <E>(
  root: string,
  handle: FileHandle,
  { approve = Effect.void, from, passing, see, to }: Reading<E>,
  scope: Scope.Scope
): Pull.Pull<readonly [Uint8Array], E | ReadError> => {
  const rooms = passing ? [room(readBytes), room(readBytes)] : []
  let turn = 0
  let offset = from
  let isOver = false
  let ahead: Fiber.Fiber<Uint8Array, ReadError> | undefined

  const read = Effect.suspend(() => {
    const size = Math.min(readBytes, to - offset)
    const target = rooms[turn++ % 2]?.subarray(0, size) ?? room(size)
    return Effect.map(asStorage(root)(handle.read(target, offset)), (count) => target.subarray(0, count))
  })
  const next = Effect.suspend(() => ahead === undefined ? read : Fiber.join(ahead))
  const readAhead = Effect.suspend(() => {
    if (isOver) return Effect.void
    return Effect.map(Effect.forkIn(read, scope, { startImmediately: true }), (fiber) => {
      ahead = fiber
    })
  })

  return Effect.suspend(() => {
    if (isOver) return Cause.done()
    return Effect.flatMap(next, (piece) => {
      offset += piece.length
      // A file that has become shorter meanwhile ends early.
      isOver = piece.length === 0 || offset >= to
      return Effect.flatMap(readAhead, () => {
        see?.(piece)
        if (!isOver) return Effect.succeed([piece] as const)
        return Effect.andThen(approve, piece.length === 0 ? Cause.done() : Effect.succeed([piece] as const))
      })
    })
  })
}

/** Its old content is overwritten before it is handed out. */
const room = (size: number): Uint8Array => new Uint8Array(Buffer.allocUnsafeSlow(size).buffer)
