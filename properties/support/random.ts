/** Random numbers from a seed: what draws inputs by the million, where fast-check would cost more than what is tested. */

export interface Random {
  /** A whole number from 0 up to, not including, `limit`. */
  readonly below: (limit: number) => number
  readonly pick: <A>(list: ReadonlyArray<A>) => A
  /** True once in so many times. */
  readonly once: (times: number) => boolean
}

/** The mulberry32 generator. */
export const randomOf = (seed: number): Random => {
  let state = seed | 0
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
  return {
    below,
    pick: <A>(list: ReadonlyArray<A>): A => {
      if (list.length === 0) throw new RangeError("nothing to pick from")
      return list[below(list.length)] as A
    },
    once: (times) => below(times) === 0
  }
}
