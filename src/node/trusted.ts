/** What this process has found out about files: it holds until they are changed. */

/** Files that were hashed and found right, by identity; a changed file has another one. */
export interface Verified {
  readonly has: (identity: string) => boolean
  readonly add: (identity: string) => void
}

export const makeVerified = (limit = 65_536): Verified => {
  const known = new Set<string>()
  return {
    has: (identity) => known.has(identity),
    add: (identity) => {
      known.add(identity)
      const [oldest] = known
      if (known.size > limit && oldest !== undefined) known.delete(oldest)
    }
  }
}

/** What this process knows of files, by identity. */
export interface Trusted {
  /** Their bytes are those of their digest. */
  readonly verified: Verified
  /** They survive a power cut, as far as the layout promises that. */
  readonly durable: Verified
}

export const makeTrusted = (): Trusted => ({ verified: makeVerified(), durable: makeVerified() })
