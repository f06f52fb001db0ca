/** How commands fail, and how that is told. */
import { Effect, Result, Runtime } from "effect"
import { resolve } from "node:path"
import { field } from "../oci/field.ts"
import type { RegistryError } from "../oci/OciError.ts"
import { printableJson, sentence } from "../oci/quoted.ts"
import { type ExitCode, exitCodeOf, exitCodes } from "./exitCodes.ts"
import { hintFor } from "./hints.ts"
import { Opened, withPlace } from "./opened.ts"
import { Screen } from "./terminal/Screen.ts"
import { Streams } from "./terminal/Streams.ts"
import { styled } from "./terminal/style.ts"

/** The command line asks for something that makes no sense. */
export class Mistake extends Error {
  readonly _tag = "Mistake"
  readonly code = "INVALID_ARGUMENT"

  constructor(message: string) {
    // It repeats what was typed, or pasted from an image.
    super(sentence(message))
  }
}

export type Failure = RegistryError | Mistake

/** What the command line says wrong, in a sentence. */
export const orMistake = <A>(read: Result.Result<A, string>): Effect.Effect<A, Mistake> =>
  Effect.fromResult(Result.mapError(read, (problem) => new Mistake(problem)))

/** Everything has been told; the process ends with this code. */
export class Ended extends Error {
  readonly _tag = "Ended"
  override readonly [Runtime.errorExitCode]: ExitCode
  override readonly [Runtime.errorReported] = false

  constructor(code: ExitCode) {
    super("ended")
    this[Runtime.errorExitCode] = code
  }
}

/** Tells on standard error, for scripts as one line of JSON, and ends. */
export const fail = Effect.fnUntraced(function*(failure: Failure, json: boolean): Effect.fn.Return<never, Ended> {
  const { err, errColumns } = yield* Streams
  const { colour } = yield* Screen
  const hint = failure._tag === "Mistake" ? undefined : hintFor(failure)
  const code = failure._tag === "StorageError" && failure.kind === "full" ? "NO_SPACE" : failure.code
  // The reader is on this machine, and need not guess where the layout is.
  const message = failure._tag === "Mistake"
    ? failure.message
    : failure._tag === "StorageError" && failure.root !== undefined
    ? failure.messageAt(resolve(failure.root, failure.path))
    : withPlace(failure, yield* Opened)
  if (json) {
    yield* err(`${printableJson({ error: { code, message, ...field("hint", hint) } })}\n`)
  } else {
    const shown = { colour: colour && errColumns() !== undefined }
    yield* err(`${styled(shown, "red", "error")}: ${message}\n`)
    if (hint !== undefined) yield* err(`${styled(shown, "dim", hint)}\n`)
  }
  return yield* Effect.fail(new Ended(failure._tag === "Mistake" ? exitCodes.invalid : exitCodeOf(failure)))
})
