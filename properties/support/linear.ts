/** Compares what a function costs on short and on long inputs: a ratio, so that the machine's speed does not count. */
import { assert } from "@effect/vitest"

/** Characters tried in all, however they are divided into inputs: long enough to be measured. */
const measured = 1 << 17

const costOf = (run: (input: string) => unknown, input: string): number => {
  const times = Math.max(1, Math.floor(measured / input.length))
  const started = process.hrtime.bigint()
  for (let time = 0; time < times; time++) run(input)
  return Number(process.hrtime.bigint() - started) / (times * input.length)
}

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.POSITIVE_INFINITY

const growth = (run: (input: string) => unknown, short: string, long: string): number => {
  const costs = [1, 2, 3, 4, 5].map(() => ({ short: costOf(run, short), long: costOf(run, long) }))
  return median(costs.map(({ long }) => long)) / median(costs.map(({ short }) => short))
}

/**
 * Asserts that a character of an input costs about the same when the input is 16 times as long. Quadratic work would
 * cost 16 times as much; the bound of 4 and several tries leave room for a busy machine.
 */
export const assertLinear = (
  name: string,
  run: (input: string) => unknown,
  inputOf: (size: number) => string,
  size: number
): void => {
  const [short, long] = [inputOf(size / 16), inputOf(size)]
  let ratio = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < 8 && ratio > 4; tries++) ratio = Math.min(ratio, growth(run, short, long))
  assert.isAtMost(ratio, 4, `${name}: each of ${size} characters costs more than each of ${size / 16}`)
}
