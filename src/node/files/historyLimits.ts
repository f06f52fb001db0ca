/** How much of what happened is kept, and in files of which size. */

/** How long the journal's segments become, and how many of them are kept. */
export interface HistoryLimits {
  /** Bytes after which a segment ends. */
  readonly segmentBytes: number
  /** How many times the bytes of the index it has by then at least, since each segment begins with its entries. */
  readonly segmentIndexes: number
  /** How long a commit is kept at least, in milliseconds. */
  readonly keepMillis: number
  /** How many commits are kept at least, whatever their age. */
  readonly keepCommits: number
}

export const historyLimits: HistoryLimits = {
  segmentBytes: 1024 * 1024,
  segmentIndexes: 4,
  keepMillis: 90 * 24 * 60 * 60 * 1000,
  keepCommits: 100_000
}
