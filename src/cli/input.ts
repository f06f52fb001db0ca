/** Content that a command is given: a file, or standard input. */
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Effect, type Scope, type Stream } from "effect"
import { fstatSync } from "node:fs"
import { resolve } from "node:path"
import process from "node:process"
import { localFiles } from "../node/index.ts"
import { StorageError } from "../oci/OciError.ts"
import { type Failure, Mistake } from "./Failure.ts"

export interface Input {
  /** In bytes, where that is known before. */
  readonly size: number | undefined
  readonly content: Stream.Stream<Uint8Array, Failure>
}

/** What is in a file, or comes on standard input where it is `-`. */
export const open = (file: string): Effect.Effect<Input, Failure, Scope.Scope> =>
  file === "-" ? standardInput : localFiles(["/"]).read(resolve(file))

/** Node reads a folder as if it were empty. */
const isFolder = (): boolean => {
  try {
    return fstatSync(0).isDirectory()
  } catch {
    return false
  }
}

const standardInput: Effect.Effect<Input, Failure> = Effect.suspend(() =>
  process.stdin.isTTY
    ? Effect.fail(new Mistake("- is standard input, and that is a terminal; name a file or redirect one"))
    : isFolder()
    ? Effect.fail(new Mistake("- is standard input, and that is a folder; name a file or redirect one"))
    : Effect.succeed({
      size: undefined,
      content: NodeStream.fromReadable<Uint8Array, StorageError>({
        evaluate: () => process.stdin,
        onError: (cause) => new StorageError({ operation: "read", path: "-", kind: "other", cause }),
        closeOnDone: false
      })
    })
)
