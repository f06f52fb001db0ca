/** Bytes on their way into a file: while a piece is written it is hashed, and what was written goes on to the disk. */
import { Effect, Fiber, Stream } from "effect"
import type { FileHandle, FsError } from "../fs/LayoutFs.ts"

/** Smaller pieces are written before another thread would have been told of them, in bytes. */
const largePiece = 512 * 1024

/** How many bytes are left to the sync at the end: without syncs on the way, all of them would be. */
const unsyncedBytes = 16 * 1024 * 1024

interface Writing<E> {
  /** Where the first byte goes. */
  readonly from: number
  /** Asked before a piece is written that ends at `size`. */
  readonly approve?: (size: number) => Effect.Effect<void, E>
  /** Sees a piece, that begins at `offset`, while it is written. */
  readonly see: (piece: Uint8Array, offset: number) => void
  /**
   * How what was written is synced now and then on its way, if it is. A sync that fails makes the file worthless, also
   * where the stream has failed before: a caller that keeps what has arrived must not ask for it.
   */
  readonly syncAhead?: Effect.Effect<void, FsError> | undefined
  /** Told when all is written up to `size`. */
  readonly wrote?: (size: number) => void
}

/**
 * Writes a stream; tells where it ends. A sync on the way that fails is a failure: a later one might not tell of it.
 */
export const writePieces = Effect.fnUntraced(
  function*<E, R, F = never>(handle: FileHandle, content: Stream.Stream<Uint8Array, E, R>, {
    approve = () => Effect.void,
    from,
    see,
    syncAhead,
    wrote
  }: Writing<F>) {
    const scope = yield* Effect.scope
    let size = from
    let synced = from
    let syncing: Fiber.Fiber<void, FsError> | undefined

    const write = (piece: Uint8Array, offset: number): Effect.Effect<void, FsError> => {
      if (piece.length <= largePiece) {
        see(piece, offset)
        return handle.write(piece, offset)
      }
      return Effect.flatMap(
        Effect.forkIn(handle.write(piece, offset), scope, { startImmediately: true }),
        (writing) => {
          see(piece, offset)
          return Fiber.join(writing)
        }
      )
    }
    const isSynced = Effect.suspend(() => syncing === undefined ? Effect.void : Fiber.join(syncing))
    const goOn = Effect.suspend(() => {
      if (syncAhead === undefined || size - synced < unsyncedBytes) return Effect.void
      synced = size
      return Effect.andThen(
        isSynced,
        Effect.map(Effect.forkIn(syncAhead, scope, { startImmediately: true }), (fiber) => {
          syncing = fiber
        })
      )
    })

    yield* Stream.runForEach(content, (piece) => {
      const offset = size
      const end = offset + piece.length
      return approve(end).pipe(
        Effect.andThen(Effect.suspend(() => write(piece, offset))),
        Effect.andThen(Effect.suspend(() => {
          size = end
          wrote?.(size)
          return goOn
        }))
      )
    })
    yield* isSynced
    return size
  },
  Effect.scoped
)
