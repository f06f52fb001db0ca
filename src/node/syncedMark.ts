/**
 * Which index was synced last, so that the next writer, of another process, need not sync it again. Written after the
 * sync and never itself synced: whoever finds it, whatever has happened since, finds the truth.
 */
import { Effect } from "effect"
import { writeNote } from "./durable.ts"
import { guard, type LayoutFiles, openRegular, readAll } from "./layoutFiles.ts"

/** An identity has at most a hundred characters. */
const length = 128

/** Where it cannot be written, the next writer syncs once more. */
export const markSynced = (files: LayoutFiles, identity: string): Effect.Effect<void> =>
  files.durability === "power"
    ? Effect.ignore(Effect.andThen(guard(files, files.synced), writeNote(files, files.synced, identity, length)))
    : Effect.void

/** Whether this very index is known to be on the disk. */
export const isMarkedSynced = (files: LayoutFiles, identity: string): Effect.Effect<boolean> =>
  Effect.scoped(Effect.gen(function*() {
    const { handle } = yield* openRegular(files, files.synced)
    const bytes = yield* readAll(handle, length)
    return Buffer.from(bytes).toString("utf8").trimEnd() === identity
  })).pipe(Effect.orElseSucceed(() => false))
