/** How much of what a server sends is taken, and how long it is waited for. */
import type { RemoteTiming } from "./RemoteTiming.ts"

/** Bytes of an answer that explains a failure. */
export const problemBytes = 64 * 1024

/** Bytes of an answer with a token. */
export const tokenBytes = 1024 * 1024

/** Bytes of one page of a list. */
export const pageBytes = 8 * 1024 * 1024

/** Pages of one list. */
export const pages = 10_000

/** Redirects of one request. */
export const redirects = 5

/** How long `Retry-After` is waited for: milliseconds. A server that wants more time is told of. */
export const retryAfterMillis = 60_000

/** Bytes of a chunk at most, whatever a server says that it takes at least. */
export const chunkBytes = 64 * 1024 * 1024

export const defaultTiming: RemoteTiming = {
  answerMillis: 60_000,
  idleMillis: 60_000,
  retries: 4,
  retryMillis: 200,
  chunkBytes: 8 * 1024 * 1024
}
