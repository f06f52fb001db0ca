/** Standard output and standard error, and whether people look at them. */
import { Context, Effect } from "effect"
import process from "node:process"
import { errnoOf } from "../../oci/errno.ts"
import type { StorageError } from "../../oci/OciError.ts"
import { storageErrorOf } from "../../oci/storageErrorOf.ts"

export interface Streams {
  /** Waits until it is written; false when the reader has ended. */
  readonly out: (content: Uint8Array | string) => Effect.Effect<boolean, StorageError>
  /** A line that cannot be written is dropped. */
  readonly err: (text: string) => Effect.Effect<void>
  /** Characters in a line of standard error, where it is a terminal. */
  readonly errColumns: () => number | undefined
  /** Whether questions can be asked. */
  readonly canAsk: () => boolean
}

/** What a pipe says whose reader has gone, and a stream that has told so already. */
const gone = new Set<unknown>(["EPIPE", "ECONNRESET", "ERR_STREAM_DESTROYED", "ERR_STREAM_WRITE_AFTER_END"])

const outcomeOf = (error: Error | null | undefined): Effect.Effect<boolean, StorageError> => {
  if (error === null || error === undefined) return Effect.succeed(true)
  return gone.has(errnoOf(error))
    ? Effect.succeed(false)
    : Effect.fail(storageErrorOf("write", "standard output", error))
}

const ofProcess: Streams = {
  out: (content) =>
    Effect.callback((resume) => {
      process.stdout.write(content, (error) => resume(outcomeOf(error)))
    }),
  err: (text) => Effect.sync(() => void process.stderr.write(text)),
  errColumns: () => process.stderr.isTTY ? process.stderr.columns || 80 : undefined,
  canAsk: () => process.stdin.isTTY && process.stderr.isTTY
}

export const Streams: Context.Reference<Streams> = Context.Reference<Streams>("ocilayout/cli/Streams", {
  defaultValue: () => ofProcess
})
