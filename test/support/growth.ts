/** How the time of something grows with its size. What is measured is a ratio of two sizes in one process. */

/** A size, and one that is so many times as large that a quadratic part outweighs all noise of the machine. */
export const times = 16

const fastest = (run: () => void, rounds: number): number => {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const began = performance.now()
    run()
    best = Math.min(best, performance.now() - began)
  }
  return best
}

/**
 * How many times as long a size takes that is `times` as large: about `times` where it is linear, and about its square,
 * 256, where it is quadratic.
 *
 * @param prepare makes what is needed for a size, which is not measured, and gives what is
 */
export const growthOf = (small: number, prepare: (size: number) => () => void): number => {
  const [few, many] = [prepare(small), prepare(small * times)]
  // The first runs are those of a compiler.
  fastest(few, 5)
  return fastest(many, 2) / fastest(few, 7)
}

/** Between linear and quadratic, with room for caches and for garbage. */
export const mostGrowth = 6 * times
