/** Counts wrong passwords and tokens, so that they cannot be tried out one after the other. */

/** How long wrong ones count: milliseconds. */
const countedMillis = 60_000

/** Addresses that are counted at the same time. */
const countedAddresses = 10_000

export interface Attempts {
  /** Seconds that this address has to wait before it may try again; 0 when it may. */
  readonly wait: (address: string, now: number) => number
  readonly wrong: (address: string, now: number) => void
  readonly right: (address: string) => void
}

/** @param most wrong ones in a minute */
export const makeAttempts = (most: number): Attempts => {
  const counts = new Map<string, { readonly since: number; count: number }>()
  const current = (address: string, now: number) => {
    const found = counts.get(address)
    return found !== undefined && now - found.since < countedMillis ? found : undefined
  }
  return {
    wait: (address, now) => {
      const found = current(address, now)
      return found === undefined || found.count < most ? 0 : Math.ceil((found.since + countedMillis - now) / 1000)
    },
    wrong: (address, now) => {
      const found = current(address, now)
      if (found !== undefined) {
        found.count++
        return
      }
      counts.delete(address)
      counts.set(address, { since: now, count: 1 })
      const [oldest] = counts.keys()
      if (oldest !== undefined && counts.size > countedAddresses) counts.delete(oldest)
    },
    right: (address) => void counts.delete(address)
  }
}
