/** How much goes in one commit. */

/** So few, where there are not many: others wait for the lock only briefly. */
const least = 1000

/** So many commits at most: each begins with a look at all that is needed, which costs the same for few as for many. */
const most = 32

/** Items in their order, in batches whose number is bounded. */
export const inBatches = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> => {
  const size = Math.max(least, Math.ceil(items.length / most))
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size))
}
