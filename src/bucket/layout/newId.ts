/** Random names. */
import { Effect, Random } from "effect"

/** So many hexadecimal digits. */
export const randomHex = (digits: number): Effect.Effect<string> =>
  Effect.map(
    Effect.all(Array.from({ length: digits }, () => Random.nextIntBetween(0, 15))),
    (all) => all.map((digit) => digit.toString(16)).join("")
  )

export const newId: Effect.Effect<string> = randomHex(32)
