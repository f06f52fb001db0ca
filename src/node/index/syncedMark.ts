/**
 * Which index was synced last, so that the next writer, of another process, need not sync it again. Written after the
 * sync and never itself synced: whenever it is found, it is true. It is sealed with the key of the user, since a mark
 * of another user would let a change be acknowledged that was never synced.
 */
import { Effect } from "effect"
import { writeNote } from "../files/durable.ts"
import { guard, type LayoutFiles, openRegular, readAll } from "../files/layoutFiles.ts"
import { isSealed, sealLength, sealOf, UserKey } from "../fs/userKey.ts"

const purpose = "synced index"

/**
 * Where it cannot be written, or a later change of the index could look like none, the next writer syncs once more.
 */
export const markSynced = (files: LayoutFiles, identity: string): Effect.Effect<void> =>
  Effect.flatMap(UserKey, (userKey) => {
    const key = files.durability === "power" && files.times.exact ? userKey("sealing") : undefined
    if (key === undefined) return Effect.void
    const note = writeNote(files, files.synced, sealOf(key, purpose, identity), sealLength)
    return Effect.ignore(Effect.andThen(guard(files, files.synced), note))
  })

/** Whether this very index is known to be on the disk. */
export const isMarkedSynced = (files: LayoutFiles, identity: string): Effect.Effect<boolean> =>
  Effect.scoped(Effect.gen(function*() {
    const key = (yield* UserKey)("looking")
    if (key === undefined) return false
    const { handle } = yield* openRegular(files, files.synced)
    const bytes = yield* readAll(handle, sealLength)
    return isSealed(key, purpose, identity, Buffer.from(bytes).toString("latin1"))
  })).pipe(Effect.orElseSucceed(() => false))
