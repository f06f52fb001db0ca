/** The new index takes the place of the old one by an exchange, so that what the old one was is kept. */
import { Effect, Result, Schema } from "effect"
import { OutcomeUnknown } from "../../oci/OciError.ts"
import { createIn, tell } from "../files/durable.ts"
import { cannotExchange, cannotLink, fallBack } from "../files/fallback.ts"
import { identityOf } from "../files/identity.ts"
import { type LayoutFiles, statIfThere, statIndex } from "../files/layoutFiles.ts"
import type { FileHandle, FileStat, FsError } from "../fs/LayoutFs.ts"
import type { IndexOnDisk } from "../index/indexFile.ts"
import { type ReplacedIndex, replacedIndexAt } from "../index/replacedIndexes.ts"
import type { GroupRecord } from "../journal/journalRecord.ts"

/** Another tool replaced the index between our reading and our writing: read it again and decide again. */
export class Overtaken extends Schema.TaggedError<Overtaken>()("Overtaken", {}) {
  override get message(): string {
    return "the index was replaced while a change of it was written"
  }
}

/**
 * Creates the waiting file: the new index, under the name that the replaced index gets by the exchange. If `use` fails,
 * the waiting file is removed, except if the outcome is unknown (then R1 needs it), or if another file has this name
 * now.
 */
export const withWaiting = <A, E>(
  files: LayoutFiles,
  record: GroupRecord,
  use: (waiting: ReplacedIndex, handle: FileHandle) => Effect.Effect<A, E | OutcomeUnknown>
): Effect.Effect<A, E | FsError | OutcomeUnknown> =>
  Effect.flatMap(replacedIndexAt(files, record), (waiting) =>
    Effect.acquireUseRelease(
      createIn(files, waiting.path),
      (handle) =>
        use(waiting, handle).pipe(
          Effect.tapError((error) =>
            error instanceof OutcomeUnknown ? Effect.void : Effect.ignore(removeWaiting(files, waiting, handle))
          )
        ),
      (handle) => handle.close
    ))

/** What cannot be removed now is swept another time. */
const removeWaiting = Effect.fnUntraced(function*(
  { fs }: LayoutFiles,
  { path }: ReplacedIndex,
  handle: FileHandle
): Effect.fn.Return<void, FsError> {
  const own = yield* handle.stat
  const there = yield* statIfThere(fs, path)
  if (there?.ino === own.ino) yield* fs.unlink(path)
})

/** How often a change of the index gives way to a tool that replaces it without the lock. */
const patience = 5

/**
 * Fails with `Overtaken` if a tool has written the index since we read it: that write could be lost. An exchange
 * keeps that write for merging, so there a writer that has failed `patience` times goes on.
 */
export const unlessOvertaken = (
  files: LayoutFiles,
  index: IndexOnDisk,
  overtaken: number
): Effect.Effect<void, FsError | Overtaken> =>
  Effect.flatMap(statIndex(files), (stat) => {
    const insists = overtaken >= patience && !files.reported.has("exchange") && stat?.kind === "file"
    const isAsRead = stat !== undefined && identityOf(stat) === index.identity
    return isAsRead || insists ? Effect.void : Effect.fail(new Overtaken())
  })

/** The file to replace: where links are followed, what the index is a link to, so that the link stays one. */
export const placeOfIndex = ({ fs, index, symlinks }: LayoutFiles): Effect.Effect<string, FsError> =>
  symlinks === "refuse" ? Effect.succeed(index) : fs.realPath(index)

interface Replaced {
  /** Where the old index is now. */
  readonly replaced: ReplacedIndex | undefined
  /** The stat of the new index before it got the name `index.json`. */
  readonly unpublished: FileStat
}

/**
 * Puts the new index in the place of the old one, and says where that is now. A call that reports a failure may have
 * done its work all the same, as on network file systems: the waiting name decides (R7).
 */
export const replaceIndex = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { givesWay, handle, target, waiting }: {
    readonly waiting: ReplacedIndex
    readonly target: string
    readonly handle: FileHandle
    /** To be asked again where nothing can be exchanged. */
    readonly givesWay: Effect.Effect<void, FsError | Overtaken>
  }
): Effect.fn.Return<Replaced, FsError | Overtaken> {
  const { fs } = files
  const written = yield* handle.stat
  // The waiting name decides (R7): a tool may have replaced `index.json` since.
  const happened = Effect.fnUntraced(function*(error: FsError): Effect.fn.Return<void, FsError> {
    const waits = yield* statIfThere(fs, waiting.path)
    if (waits?.ino === written.ino && waits.dev === written.dev) return yield* error
  })
  const exchanged = yield* Effect.result(fs.exchange(waiting.path, target).pipe(Effect.catch(happened)))
  if (Result.isSuccess(exchanged)) return { replaced: waiting, unpublished: written }
  if (!cannotExchange.has(exchanged.failure.code)) return yield* exchanged.failure
  yield* fallBack(files, "exchange")
  yield* givesWay
  // A second name keeps what a tool writes into the old index after it was replaced.
  const kept = yield* replacedIndexAt(files, waiting)
  const linked = yield* tell(fs.link(target, kept.path), ...cannotLink)
  yield* fs.rename(waiting.path, target).pipe(Effect.catch(happened))
  return { replaced: linked === "done" ? kept : undefined, unpublished: written }
})
