/** A bar on standard error for work that takes longer than a second, where standard error is a terminal. */
import { Clock, Effect, type Scope } from "effect"
import { Streams } from "./Streams.ts"
import { bar } from "./table.ts"
import { sizeOf, spanOf } from "./units.ts"

/** How far something has got, in bytes. */
interface Step {
  readonly bytes: number
  readonly total?: number | undefined
  /** In place of the rate: what has been done. */
  readonly note?: string | undefined
}

export type Show = (step: Step) => Effect.Effect<void>

const quietMillis = 1000
const redrawMillis = 100
const barWidth = 24

const lineOf = (name: string, { bytes, note, total }: Step, millis: number): string => {
  const rate = millis > 0 ? bytes * 1000 / millis : 0
  const done = total === undefined ? sizeOf(bytes) : `${sizeOf(bytes)} of ${sizeOf(total)}`
  const left = total === undefined || rate === 0 || bytes >= total
    ? ""
    : `, ${spanOf(Math.ceil((total - bytes) / rate) * 1000)} left`
  const drawn = total === undefined || total === 0 ? "" : `[${bar(bytes / total, barWidth).padEnd(barWidth)}] `
  return `${name} ${drawn}${done}, ${sizeOf(Math.round(rate))}/s${left}${note === undefined ? "" : `, ${note}`}`
}

/**
 * What to tell how far the work has got; the line goes when the scope closes. It never waits: a terminal that does not
 * take it loses it.
 */
export const progressOf = Effect.fnUntraced(function*(name: string): Effect.fn.Return<Show, never, Scope.Scope> {
  const { err, errColumns } = yield* Streams
  if (errColumns() === undefined) return () => Effect.void
  const began = yield* Clock.currentTimeMillis
  let drawnAt = began + quietMillis - redrawMillis
  let isDrawn = false
  yield* Effect.addFinalizer(() => isDrawn ? err("\r\u{1b}[K") : Effect.void)
  return (step: Step) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      if (now - drawnAt < redrawMillis) return Effect.void
      drawnAt = now
      isDrawn = true
      const line = Array.from(lineOf(name, step, now - began)).slice(0, (errColumns() ?? 80) - 1).join("")
      return err(`\r${line}\u{1b}[K`)
    })
})
