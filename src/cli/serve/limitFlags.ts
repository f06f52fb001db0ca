/** The limits of a server as flags: a name, a unit and a default for each. */
import { Option } from "effect"
import { Flag } from "effect/cli"
import { defaultLimits, type HttpLimits } from "../../http/index.ts"
import { number } from "./serveFlags.ts"

interface LimitFlag {
  readonly flag: string
  /** How many of the limit's own units one of the flag's is. */
  readonly unit: number
  readonly description: string
}

export const limitNames: { readonly [Name in keyof HttpLimits]: LimitFlag } = {
  blobBytes: { flag: "max-blob-bytes", unit: 1, description: "Bytes of a blob that is pushed" },
  headerBytes: { flag: "max-header-bytes", unit: 1, description: "Bytes of a request line with its headers" },
  headersMillis: { flag: "headers-seconds", unit: 1000, description: "Time for the headers of a request to arrive" },
  stalledMillis: {
    flag: "stalled-seconds",
    unit: 1000,
    description: "Time that a body may bring nothing, or an answer find no reader"
  },
  connections: { flag: "max-connections", unit: 1, description: "Connections at the same time, of each worker" },
  requests: { flag: "max-requests", unit: 1, description: "Requests answered at the same time, by each worker" },
  listeners: { flag: "max-listeners", unit: 1, description: "Clients that listen to events, of each worker" },
  pageItems: { flag: "max-page", unit: 1, description: "Names or referrers in one page of a listing" },
  graceMillis: {
    flag: "stop-seconds",
    unit: 1000,
    description: "Time that requests get to finish when it is told to stop"
  },
  wrongLogins: {
    flag: "max-wrong-logins",
    unit: 1,
    description: "Wrong passwords or tokens from one address in a minute"
  }
}

const flagOf = (name: keyof HttpLimits) => {
  const { description, flag, unit } = limitNames[name]
  return number(flag, 1, `${description}; ${defaultLimits[name] / unit} by default`).pipe(
    Flag.map((given) => Option.getOrUndefined(Option.map(given, (value) => value * unit)))
  )
}

export const limitFlags = {
  blobBytes: flagOf("blobBytes"),
  headerBytes: flagOf("headerBytes"),
  headersMillis: flagOf("headersMillis"),
  stalledMillis: flagOf("stalledMillis"),
  connections: flagOf("connections"),
  requests: flagOf("requests"),
  listeners: flagOf("listeners"),
  pageItems: flagOf("pageItems"),
  graceMillis: flagOf("graceMillis"),
  wrongLogins: flagOf("wrongLogins")
}

/** Those that were given, and the defaults for the rest. */
export const limitsOf = (given: { readonly [Name in keyof HttpLimits]?: number | undefined }): HttpLimits => ({
  blobBytes: given.blobBytes ?? defaultLimits.blobBytes,
  headerBytes: given.headerBytes ?? defaultLimits.headerBytes,
  headersMillis: given.headersMillis ?? defaultLimits.headersMillis,
  stalledMillis: given.stalledMillis ?? defaultLimits.stalledMillis,
  connections: given.connections ?? defaultLimits.connections,
  requests: given.requests ?? defaultLimits.requests,
  listeners: given.listeners ?? defaultLimits.listeners,
  pageItems: given.pageItems ?? defaultLimits.pageItems,
  graceMillis: given.graceMillis ?? defaultLimits.graceMillis,
  wrongLogins: given.wrongLogins ?? defaultLimits.wrongLogins
})
