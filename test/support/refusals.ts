/** What every refusal owes its caller: a typed error that says what and where, and a layout as it was. */
import { assert } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import { leftovers, outside } from "./folders.ts"

interface Failure {
  readonly _tag: string
  readonly message: string
}

/** Fields of an error; a regular expression stands for the texts it matches, a function for what it says yes to. */
export type Fields = Readonly<Record<string, unknown>>

/** The one typed error that an effect fails with; anything else fails the test. */
const failureOf = <A, E extends Failure, R>(operation: Effect.Effect<A, E, R>): Effect.Effect<E, never, R> =>
  Effect.map(Effect.exit(operation), (exit) => {
    if (Exit.isSuccess(exit)) return assert.fail(`it succeeded with ${JSON.stringify(exit.value) ?? "nothing"}`)
    const [reason, ...others] = exit.cause.reasons
    if (reason === undefined || others.length > 0 || !Cause.isFailReason(reason)) {
      return assert.fail(`no typed error: ${Cause.pretty(exit.cause)}`)
    }
    return reason.error
  })

const assertError = (error: Failure, expected: Fields): void => {
  for (const [field, value] of Object.entries(expected)) {
    const actual: unknown = Reflect.get(error, field)
    const place = `${field} of ${error._tag}: ${error.message}`
    if (value instanceof RegExp) assert.match(String(actual), value, place)
    else assert.deepStrictEqual(actual, value, place)
  }
  assertReadable(error.message)
}

/** One line, printable, of a length that people read, and without the marks of a message put together badly. */
const assertReadable = (message: string): void => {
  assert.match(message, /^\P{C}{10,1500}$/u)
  assert.notMatch(message, /undefined|\[object|Error:/u)
}

/** The operation fails as expected, and the layout is as it was, without a trace of the attempt. */
export const assertRefused = <A, E extends Failure, R>(
  layout: string,
  operation: Effect.Effect<A, E, R>,
  expected: Fields & { readonly _tag: E["_tag"] }
): Effect.Effect<E, never, R> =>
  Effect.gen(function*() {
    const before = outside(layout)
    const error = yield* failureOf(operation)
    assertError(error, expected)
    assert.deepStrictEqual(outside(layout), before, "nothing but our own folder may change")
    assert.deepStrictEqual(leftovers(layout), [], "nothing unfinished stays")
    return error
  })
