/** How patient a client is. */

/** How long a registry is waited for, how often it is asked again, and in what pieces it is sent content. */
export interface RemoteTiming {
  /** How long the beginning of an answer may take: milliseconds; 60000 by default. */
  readonly answerMillis: number
  /** How long content may bring nothing: milliseconds; 60000 by default. */
  readonly idleMillis: number
  /** How often something is tried again that may be repeated; 4 by default. */
  readonly retries: number
  /** How long before it is tried again, twice as long each time: milliseconds; 200 by default. */
  readonly retryMillis: number
  /** Bytes of a chunk of an upload, held in memory until they have arrived; 8 MiB by default. */
  readonly chunkBytes: number
}
