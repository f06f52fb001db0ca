/** How the time of something grows with its size: a ratio of two sizes, of this process's own time on processors. */
import process from "node:process"

/** A size, and one that is so many times as large that a quadratic part outweighs all noise of the machine. */
const times = 32

/** The time of as many runs, on processors, at least a tick of the system's clock. */
const timeOf = (run: () => void, runs: number): number => {
  const began = process.cpuUsage()
  for (let number = 0; number < runs; number++) run()
  const { system, user } = process.cpuUsage(began)
  return Math.max(system + user, 4000)
}

/**
 * How many times as long a size takes that is 32 times as large: about 32 where it is linear, and about its square, 1024,
 * where it is quadratic.
 *
 * @param prepare makes what is needed for a size, which is not measured, and gives what is
 */
export const growthOf = (small: number, prepare: (size: number) => () => void): number => {
  const [few, many] = [prepare(small), prepare(small * times)]
  // The first runs are those of a compiler.
  timeOf(few, times)
  return times * Math.min(timeOf(many, 1), timeOf(many, 1)) / timeOf(few, times)
}

/** Between linear and quadratic, with room for caches and for garbage. */
export const mostGrowth = 8 * times
