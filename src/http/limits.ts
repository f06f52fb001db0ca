/** How much a client of the registry may use; what is more is refused, and nothing waits for ever. */
export interface HttpLimits {
  /** Bytes of a blob that is pushed. */
  readonly blobBytes: number
  /** Bytes of the request line and the headers of a request. */
  readonly headerBytes: number
  /** Milliseconds for the headers of a request to arrive. */
  readonly headersMillis: number
  /** Milliseconds that a body may bring nothing, or an answer may find no reader, before its connection is closed. */
  readonly stalledMillis: number
  /** Connections at the same time; further ones are closed at once. */
  readonly connections: number
  /** Requests being answered at the same time; further ones are told to come back. */
  readonly requests: number
  /** Clients that listen to events at the same time; further ones are told to come back. */
  readonly listeners: number
  /** Names or descriptors in one page of a listing; the rest is at its `Link`. */
  readonly pageItems: number
  /** Milliseconds that what is under way gets to finish when the server is told to stop. */
  readonly graceMillis: number
  /** Wrong passwords or tokens from one address in a minute, after which it has to wait. */
  readonly wrongLogins: number
}

export const defaultLimits: HttpLimits = {
  blobBytes: 256 * 1024 ** 3,
  headerBytes: 16 * 1024,
  headersMillis: 10_000,
  stalledMillis: 60_000,
  connections: 4096,
  requests: 1024,
  listeners: 256,
  pageItems: 1000,
  graceMillis: 10_000,
  wrongLogins: 10
}

/** Bytes that a chunk of an upload had best have at least; a hint to clients, and smaller ones are taken too. */
export const leastChunkBytes = 64 * 1024

/** Tags that one push of a manifest may set; the distribution-spec asks for 10 at least. */
export const tagsPerPush = 100

/** Milliseconds between two looks at connections that bring nothing. */
export const checkMillis = 1000

/** Milliseconds between two looks at connections that have had their last answer, while the server stops. */
export const idleCheckMillis = 20

/** Milliseconds between two signs of life to those who listen to events. */
export const keepAliveMillis = 15_000
