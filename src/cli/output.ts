/** Standard output: answers for people or as JSON, and bytes as they are. */
import { Effect, Schema, type Scope, Stream } from "effect"
import { userInfo } from "node:os"
import process from "node:process"
import type { StorageError } from "../oci/OciError.ts"
import { printableJson } from "../oci/quoted.ts"
import { Actor } from "../ops/api/Actor.ts"
import { exitCodes } from "./exitCodes.ts"
import { Ended, fail, type Failure } from "./Failure.ts"
import { Opened } from "./opened.ts"
import { Screen } from "./terminal/Screen.ts"
import { Streams } from "./terminal/Streams.ts"

/** How a command is to answer. */
export interface Wanted {
  /** One JSON document, or one on each line where there is no end of them. */
  readonly json: boolean
  /** Nothing but the answer; and of commands that change something not even that. */
  readonly quiet: boolean
}

/** What a command answers: how scripts get it, and how people. */
export interface Answer<O> {
  readonly schema: Schema.ConstraintCodec<O, unknown>
  /** Lines without the last line break; nothing to print where it is empty. */
  readonly show: (value: O, screen: Screen) => string
}

/** Waits until it is written; ends the command when the reader has ended. */
export const write = Effect.fnUntraced(
  function*(content: Uint8Array | string): Effect.fn.Return<void, Ended | StorageError> {
    const { out } = yield* Streams
    if (!(yield* out(content))) return yield* Effect.fail(new Ended(exitCodes.readerGone))
  }
)

const printed = <O>(
  { schema, show }: Answer<O>,
  { json }: Wanted
): (value: O) => Effect.Effect<void, Ended | StorageError> => {
  const encode = Schema.encodeSync(Schema.toCodecJson(schema))
  return Effect.fnUntraced(function*(value) {
    const text = json ? printableJson(encode(value)) : show(value, yield* Screen)
    if (text !== "") yield* write(`${text}\n`)
  })
}

const actor = (): string => {
  try {
    return `cli:${userInfo().username}`
  } catch {
    // An id without a name, as containers have them.
    return `cli:${process.getuid?.() ?? "unknown"}`
  }
}

/** Runs a command to its end: its user is who did it, and its failures are told. */
const asCommand = <A, R>(
  work: Effect.Effect<A, Failure | Ended, R>,
  { json }: Pick<Wanted, "json">
): Effect.Effect<A, Ended, Exclude<R, Scope.Scope>> =>
  Effect.scoped(work).pipe(
    Effect.catch((failure) => failure._tag === "Ended" ? Effect.fail(failure) : fail(failure, json)),
    Effect.provideService(Actor, actor()),
    (command) => Effect.suspend(() => Effect.provideService(command, Opened, []))
  )

/** Prints what the work answers. */
export const answer = <O, R>(
  answer: Answer<O>,
  wanted: Wanted,
  work: Effect.Effect<O, Failure | Ended, R>
): Effect.Effect<void, Ended, Exclude<R, Scope.Scope>> =>
  asCommand(Effect.flatMap(work, printed(answer, wanted)), wanted)

/** As `answer`, for commands that change something: `--quiet` leaves the answer out. */
export const report = <O, R>(
  answer: Answer<O>,
  wanted: Wanted,
  work: Effect.Effect<O, Failure | Ended, R>
): Effect.Effect<void, Ended, Exclude<R, Scope.Scope>> =>
  asCommand(
    Effect.flatMap(work, (value) => wanted.quiet ? Effect.void : printed(answer, wanted)(value)),
    wanted
  )

/** Prints each answer as it comes. */
export const answers = <O, R>(
  answer: Answer<O>,
  wanted: Wanted,
  stream: Stream.Stream<O, Failure | Ended, R>
): Effect.Effect<void, Ended, Exclude<R, Scope.Scope>> =>
  asCommand(Stream.runForEach(stream, printed(answer, wanted)), wanted)

/** Prints bytes exactly as they are; `wanted` is how a failure is told. */
export const bytes = <R>(
  stream: Stream.Stream<Uint8Array, Failure | Ended, R>,
  wanted: Pick<Wanted, "json"> = { json: false }
): Effect.Effect<void, Ended, Exclude<R, Scope.Scope>> => asCommand(Stream.runForEach(stream, write), wanted)
