/** The layout's lock: one writer at a time, of any process, for as long as the process lives. */
import { Clock, Duration, Effect, type Scope } from "effect"
import { hostname } from "node:os"
import { relative } from "node:path"
import { errnoOf } from "../../oci/errno.ts"
import { field } from "../../oci/field.ts"
import { LayoutLocked } from "../../oci/OciError.ts"
import { count } from "../../ops/ports/telemetry.ts"
import type { FileHandle, FsError } from "../fs/LayoutFs.ts"
import { openLock, writeNote } from "./durable.ts"
import { fallBack } from "./fallback.ts"
import { ifThere, type LayoutFiles, readAll } from "./layoutFiles.ts"

/**
 * Holds the lock until the scope closes. It belongs to the open file, so the system drops it when the process dies, and
 * two stores of one process exclude each other as well. The file is never written to and never removed.
 */
export const holdLock = Effect.fnUntraced(function*(
  files: LayoutFiles,
  waitMillis: number
): Effect.fn.Return<void, FsError | LayoutLocked, Scope.Scope> {
  const started = yield* Clock.currentTimeMillis
  if (!(yield* files.fs.nativeLock)) yield* fallBack(files, "lock")
  while (true) {
    const handle = yield* openLock(files, files.lock)
    yield* waitFor(files, handle, waitMillis - ((yield* Clock.currentTimeMillis) - started), waitMillis)
    // The file was removed meanwhile, so that another process can lock a new file of the same name.
    const named = yield* ifThere(files.fs.linkStat(files.lock))
    const held = yield* handle.stat
    if (named?.ino === held.ino && named.dev === held.dev) break
  }
  yield* count.lockWait(Duration.millis((yield* Clock.currentTimeMillis) - started))
  yield* noteHolder(files, started)
})

const waitFor = (
  files: LayoutFiles,
  handle: FileHandle,
  leftMillis: number,
  waitMillis: number
): Effect.Effect<void, FsError | LayoutLocked> =>
  Effect.flatMap(handle.tryLock, (held) =>
    held ? Effect.void : Effect.timeoutOrElse(handle.waitForLock, {
      duration: Math.max(leftMillis, 0),
      orElse: () =>
        Effect.flatMap(holderOf(files), (holder) =>
          Effect.fail(
            new LayoutLocked({
              path: relative(files.root, files.lock),
              waitedMillis: waitMillis,
              ...field("holder", holder)
            })
          ))
    }))

const host = hostname()

const noteLength = 160

/** A hint for waiting processes; the lock never depends on it. */
const noteHolder = (files: LayoutFiles, since: number): Effect.Effect<void> =>
  writeNote(files, files.holder, `process ${process.pid} on ${host} since ${new Date(since).toISOString()}`, noteLength)

const form = /^process (\d{1,10}) on (.+) since \S+$/u

/** Whether a note is of a process of this machine that is gone: another one, which has left no note, has the lock. */
const isOfTheDead = (note: string): boolean => {
  const [, pid, place] = form.exec(note) ?? []
  if (pid === undefined || place !== host) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return errnoOf(error) === "ESRCH"
  }
}

const holderOf = ({ fs, holder }: LayoutFiles): Effect.Effect<string | undefined> =>
  Effect.scoped(Effect.gen(function*() {
    const handle = yield* fs.open(holder, { access: "read" })
    const bytes = yield* readAll(handle, Math.min((yield* handle.stat).size, 300))
    const note = Buffer.from(bytes).toString("utf8").trim()
    return isOfTheDead(note) ? undefined : note
  })).pipe(Effect.orElseSucceed(() => undefined))
