/** How much a client of the HTTP endpoint may use; what is more is refused, and nothing waits for ever. */
export interface HttpLimits {
  /** Bytes of the body of a request. */
  readonly bodyBytes: number
  /** Sessions at the same time; for a further one, the one that has been unused for the longest ends. */
  readonly sessions: number
  /** Milliseconds after which an unused session ends. */
  readonly idleMillis: number
  /** Requests being answered at the same time. */
  readonly requests: number
  /** Connections at the same time; at most half of them are ones that have shown no token. */
  readonly connections: number
  /** Milliseconds for the headers of a request to arrive, and twice that for all of it. */
  readonly headersMillis: number
  /** Bytes of messages that a session keeps for a client that comes back for them. */
  readonly replayBytes: number
  /** Milliseconds that running calls get to finish when the server is told to stop. */
  readonly graceMillis: number
}

export const defaultLimits: HttpLimits = {
  bodyBytes: 4 * 1024 * 1024,
  sessions: 64,
  idleMillis: 30 * 60 * 1000,
  requests: 128,
  connections: 256,
  headersMillis: 10_000,
  replayBytes: 4 * 1024 * 1024,
  graceMillis: 5000
}

/** Milliseconds between two signs of life on a stream that has nothing to tell. */
export const keepAliveMillis = 15_000

/** Milliseconds between two looks at connections that are too slow. */
export const checkMillis = 1000

/** Milliseconds for the last answers to be written once everything has been answered. */
export const flushMillis = 1000

/** Bytes that may wait for a slow reader before progress is left out. */
export const unreadBytes = 1024 * 1024
