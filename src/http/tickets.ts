/** Tokens that the server gives out itself, so that a client shows its password once and not with every request. */
import { Schema } from "effect"
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import type { Credentials } from "./credentials.ts"

/** How long a ticket is good for: seconds. */
export const ticketSeconds = 15 * 60

const Ticket = Schema.fromJsonString(Schema.Struct({
  /** Absent for a client that has shown no password. */
  user: Schema.optionalKey(Schema.String),
  /** Milliseconds since 1970. */
  until: Schema.Natural
}))

const decode = Schema.decodeUnknownOption(Ticket)
const encode = Schema.encodeSync(Ticket)

export interface Tickets {
  readonly issue: (user: string | undefined, now: number) => string
  /** Whose ticket it is; nothing for one that is not ours, or over. */
  readonly read: (ticket: string, now: number) => { readonly user?: string } | undefined
}

/**
 * A ticket is good for every server with the same secret and the same credentials. When a user is removed, the tickets
 * of all users become invalid.
 */
export const makeTickets = ({ tokens, users }: Credentials, secret: Buffer = randomBytes(32)): Tickets => {
  const key = createHmac("sha256", secret).update(JSON.stringify([Array.from(users), tokens])).digest()
  const sign = (text: string): string => createHmac("sha256", key).update(text).digest("base64url")
  return {
    issue: (user, now) => {
      const until = now + ticketSeconds * 1000
      const text = Buffer.from(encode(user === undefined ? { until } : { user, until })).toString("base64url")
      return `${text}.${sign(text)}`
    },
    read: (ticket, now) => {
      const [text = "", signature = "", more] = ticket.split(".")
      const expected = Buffer.from(sign(text))
      const given = Buffer.from(signature)
      if (more !== undefined || given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
      const found = decode(Buffer.from(text, "base64url").toString())
      if (found._tag === "None" || found.value.until <= now) return undefined
      return found.value.user === undefined ? {} : { user: found.value.user }
    }
  }
}
