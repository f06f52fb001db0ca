/** Standard output and standard error, and whether people look at them. */
import { Context, Effect } from "effect"
import process from "node:process"

export interface Streams {
  /** Waits until it is written; false where nobody reads any more. */
  readonly out: (content: Uint8Array | string) => Effect.Effect<boolean>
  /** What cannot be told is nobody's loss. */
  readonly err: (text: string) => Effect.Effect<void>
  /** Characters in a line of standard error, where it is a terminal. */
  readonly errColumns: () => number | undefined
  /** Whether questions can be asked. */
  readonly canAsk: () => boolean
}

const ofProcess: Streams = {
  out: (content) =>
    Effect.callback((resume) => {
      process.stdout.write(content, (error) => resume(Effect.succeed(error === null || error === undefined)))
    }),
  err: (text) => Effect.sync(() => void process.stderr.write(text)),
  errColumns: () => process.stderr.isTTY ? process.stderr.columns || 80 : undefined,
  canAsk: () => process.stdin.isTTY && process.stderr.isTTY
}

export const Streams: Context.Reference<Streams> = Context.Reference<Streams>("ocilayout/cli/Streams", {
  defaultValue: () => ofProcess
})
