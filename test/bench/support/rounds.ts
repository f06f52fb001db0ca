/** Contestants measured in turns, since the machine is never the same twice: what is compared is measured side by side. */
import { Effect } from "effect"

/** What one turn measured, by name; a name that is missing could not be measured. */
export type Figures = Readonly<Record<string, number>>

/** @param round from 0; whatever a turn leaves behind had best be named for it */
export type Contestant<E = unknown, R = never> = (round: number) => Effect.Effect<Figures, E, R>

/**
 * The median of each figure over the rounds. Another contestant begins in every round, and every other round goes
 * backwards: what comes first or last is no better for it, nor what comes after a contestant that leaves much to be done.
 */
export const inTurns = Effect.fnUntraced(
  function*<E, R>(rounds: number, contestants: ReadonlyArray<Contestant<E, R>>): Effect.fn.Return<Figures, E, R> {
    const all = new Map<string, Array<number>>()
    for (let round = 0; round < rounds; round++) {
      const order = [
        ...contestants.slice(round % contestants.length),
        ...contestants.slice(0, round % contestants.length)
      ]
      for (const contestant of round % 2 === 0 ? order : order.toReversed()) {
        const figures = yield* contestant(round)
        for (const [name, figure] of Object.entries(figures)) {
          const list = all.get(name)
          if (list === undefined) all.set(name, [figure])
          else list.push(figure)
        }
      }
    }
    return Object.fromEntries(Array.from(all, ([name, list]) => [name, median(list)]))
  }
)

export const median = (numbers: ReadonlyArray<number>): number => quantile(numbers, 0.5)

export const quantile = (numbers: ReadonlyArray<number>, at: number): number =>
  numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * at))] ?? Number.NaN

/** How long it takes, in milliseconds. */
export const millis = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.suspend(() => {
    const began = performance.now()
    return Effect.map(effect, () => performance.now() - began)
  })

/** How long one of many takes, in milliseconds. */
export const millisEach = <A, E, R>(
  count: number,
  run: (number: number) => Effect.Effect<A, E, R>
): Effect.Effect<number, E, R> =>
  Effect.map(
    millis(Effect.gen(function*() {
      for (let number = 0; number < count; number++) yield* run(number)
    })),
    (total) => total / count
  )

/** The same of the median batch: a collection of garbage in one of them is not what many short reads are compared by. */
export const millisOfMany = <A, E, R>(
  count: number,
  run: (number: number) => Effect.Effect<A, E, R>
): Effect.Effect<number, E, R> =>
  Effect.map(
    Effect.forEach(Array.from({ length: 20 }), (_, batch) => {
      const size = count / 20
      return millisEach(size, (number) => run(batch * size + number))
    }),
    median
  )
