/** How much of what happened is kept, and in files of which size. */

/** How long the journal's segments become, and how many of them are kept. */
export interface HistoryLimits {
  /** Bytes after which a segment ends; with a large index four times the bytes of that, since each begins with it. */
  readonly segmentBytes: number
  /** How long a commit is kept at least, in milliseconds. */
  readonly keepMillis: number
  /** How many commits are kept at least, whatever their age. */
  readonly keepCommits: number
}

export const historyLimits: HistoryLimits = {
  segmentBytes: 1024 * 1024,
  keepMillis: 90 * 24 * 60 * 60 * 1000,
  keepCommits: 100_000
}
