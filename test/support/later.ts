/** Time that has passed for the program alone. */
import { Clock, Effect } from "effect"

/** With the clock of the program so much later; the files know nothing of it. */
export const later = (millis: number) =>
  Effect.updateService(Clock.Clock, (clock) =>
    Object.create(clock, {
      currentTimeMillisUnsafe: { value: () => clock.currentTimeMillisUnsafe() + millis },
      currentTimeMillis: { value: Effect.map(clock.currentTimeMillis, (now) => now + millis) }
    }) as Clock.Clock)
