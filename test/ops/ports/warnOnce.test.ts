import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { warnOnce } from "../../../src/ops/ports/warnOnce.ts"

describe("work that is repeated", () => {
  it.effect("warns of a failure once, and again after another one or after a success", () => {
    const warnings: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => warnings.push(`${logLevel} ${String(message)}`))
    const warn = warnOnce("it cannot be done")
    return Effect.gen(function*() {
      for (const outcome of ["full", "full", "locked", "full", "", "full", "full"]) {
        yield* warn(outcome === "" ? Effect.succeed(1) : Effect.fail({ message: outcome }))
      }
      assert.deepStrictEqual(warnings, [
        "Warn it cannot be done: full",
        "Warn it cannot be done: locked",
        "Warn it cannot be done: full",
        "Warn it cannot be done: full"
      ])
    }).pipe(Effect.provide(Logger.layer([logger])))
  })
})
