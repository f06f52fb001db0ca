/** Syncs of folders that many wait for at the same time. */
import { Deferred, Effect } from "effect"
import type { FsError } from "../fs/LayoutFs.ts"

interface Syncing {
  readonly running: Deferred.Deferred<void, FsError>
  /** The one that begins when this one is over. */
  next: Deferred.Deferred<void, FsError> | undefined
}

/** The folders that are being synced. */
export type Syncs = Map<string, Syncing>

/**
 * Syncs a folder. While it is being synced, all who come wait for one more sync together: the one that runs may have
 * begun before their names were there.
 */
export const sharedSync = (
  syncs: Syncs,
  folder: string,
  sync: Effect.Effect<void, FsError>
): Effect.Effect<void, FsError> => {
  const run = (answer: Deferred.Deferred<void, FsError>) =>
    Effect.suspend(() => {
      const own: Syncing = { running: answer, next: undefined }
      syncs.set(folder, own)
      return Effect.onExit(sync, (exit) =>
        Effect.sync(() => {
          if (own.next === undefined) syncs.delete(folder)
          Deferred.doneUnsafe(answer, exit)
        }))
    })
  return Effect.suspend(() => {
    const there = syncs.get(folder)
    if (there?.next !== undefined) return Deferred.await(there.next)
    const answer = Deferred.makeUnsafe<void, FsError>()
    // Others wait for it as well: an interruption of this one does not stop it.
    if (there === undefined) return Effect.uninterruptible(run(answer))
    there.next = answer
    return Effect.uninterruptible(Effect.andThen(Effect.exit(Deferred.await(there.running)), run(answer)))
  })
}
