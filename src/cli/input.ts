/** Content that a command is given: a file, or standard input. */
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Effect, type Scope, type Stream } from "effect"
import { createReadStream, fstatSync, statSync } from "node:fs"
import { resolve } from "node:path"
import process from "node:process"
import { errnoOf } from "../oci/errno.ts"
import { FileUnknown, type StorageError } from "../oci/OciError.ts"
import { storageErrorOf } from "../oci/storageErrorOf.ts"
import { type Failure, Mistake } from "./Failure.ts"

export interface Input {
  /** In bytes, where that is known before. */
  readonly size: number | undefined
  readonly content: Stream.Stream<Uint8Array, Failure>
}

/** What is in a file, or comes on standard input where it is `-`. */
export const open = (file: string): Effect.Effect<Input, Failure, Scope.Scope> =>
  file === "-" ? standardInput : readable(resolve(file))

/** Any file that has an end: a regular file, a pipe, a device. A process substitution opens a pipe. */
const readable = Effect.fnUntraced(function*(path: string): Effect.fn.Return<Input, Failure> {
  const found = yield* Effect.try({ try: () => statSync(path), catch: (cause) => unreadable(path, cause) })
  if (found.isDirectory()) return yield* new FileUnknown({ path, reason: "is a directory, not a file" })
  return {
    size: found.isFile() ? found.size : undefined,
    content: NodeStream.fromReadable<Uint8Array, FileUnknown | StorageError>({
      evaluate: () => createReadStream(path),
      onError: (cause) => unreadable(path, cause)
    })
  }
})

const unreadable = (path: string, cause: unknown): FileUnknown | StorageError =>
  ["ENOENT", "ENOTDIR"].includes(errnoOf(cause) ?? "")
    ? new FileUnknown({ path, reason: "does not exist" })
    : storageErrorOf("read", path, cause)

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
        onError: (cause) => storageErrorOf("read", "-", cause),
        closeOnDone: false
      })
    })
)
