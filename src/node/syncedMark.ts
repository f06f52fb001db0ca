/**
 * Which index was synced last, so that the next writer, of another process, need not sync it again. Written after the
 * sync and never itself synced: whoever finds it, whatever has happened since, finds the truth.
 */
import { Effect } from "effect"
import { guard, ifThere, type LayoutFiles, openRegular, readAll } from "./layoutFiles.ts"

/** All marks are equally long, so that each covers the one before; an identity has at most a hundred characters. */
const length = 128

/** Where it cannot be written, the next writer syncs once more. */
export const markSynced = (files: LayoutFiles, identity: string): Effect.Effect<void> =>
  files.durability === "power"
    ? Effect.scoped(Effect.gen(function*() {
      const { fs, synced } = files
      yield* guard(files, synced)
      const handle = (yield* ifThere(fs.open(synced, { access: "update" }))) ??
        (yield* fs.open(synced, { access: "create" }))
      yield* handle.write(Buffer.from(`${identity.padEnd(length)}\n`), 0)
    })).pipe(Effect.ignore)
    : Effect.void

/** Whether this very index is known to be on the disk. */
export const isMarkedSynced = (files: LayoutFiles, identity: string): Effect.Effect<boolean> =>
  Effect.scoped(Effect.gen(function*() {
    const { handle } = yield* openRegular(files, files.synced)
    const bytes = yield* readAll(handle, length)
    return Buffer.from(bytes).toString("utf8").trimEnd() === identity
  })).pipe(Effect.orElseSucceed(() => false))
