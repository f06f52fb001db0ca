/** Tokens that the server gives out itself, so that a client shows its password once and not with every request. */
import { Schema } from "effect"
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import { field } from "../oci/field.ts"
import type { Credentials } from "./credentials.ts"
import type { Who } from "./rules.ts"
import { Scope } from "./scopes.ts"

/** How long a ticket is good for: seconds. */
export const ticketSeconds = 15 * 60

const Ticket = Schema.fromJsonString(Schema.Struct({
  who: Schema.Union([
    Schema.TaggedStruct("Anonymous", {}),
    Schema.TaggedStruct("User", { name: Schema.String }),
    Schema.TaggedStruct("Token", {})
  ]),
  /** Absent where it is good for all that its client may do. */
  scopes: Schema.optionalKey(Schema.Array(Scope)),
  /** Milliseconds since 1970. */
  until: Schema.Natural
}))

/** Whose it is, and what it is limited to. */
interface Ticketed {
  readonly who: Who
  readonly scopes?: ReadonlyArray<Scope> | undefined
}

const decode = Schema.decodeUnknownOption(Ticket)
const encode = Schema.encodeSync(Ticket)

export interface Tickets {
  readonly issue: (ticketed: Ticketed, now: number) => string
  /** Nothing for one that is not ours, or over. */
  readonly read: (ticket: string, now: number) => Ticketed | undefined
}

/**
 * A ticket is good for every server with the same secret and the same credentials. When a user is removed, the tickets
 * of all users become invalid.
 */
export const makeTickets = ({ tokens, users }: Credentials, secret: Buffer = randomBytes(32)): Tickets => {
  const key = createHmac("sha256", secret).update(JSON.stringify([Array.from(users), tokens])).digest()
  const sign = (text: string): string => createHmac("sha256", key).update(text).digest("base64url")
  return {
    issue: ({ scopes, who }, now) => {
      const until = now + ticketSeconds * 1000
      const text = Buffer.from(encode({ who, until, ...field("scopes", scopes) })).toString(
        "base64url"
      )
      return `${text}.${sign(text)}`
    },
    read: (ticket, now) => {
      const [text = "", signature = "", more] = ticket.split(".")
      const expected = Buffer.from(sign(text))
      const given = Buffer.from(signature)
      if (more !== undefined || given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
      const found = decode(Buffer.from(text, "base64url").toString())
      if (found._tag === "None" || found.value.until <= now) return undefined
      const { scopes, who } = found.value
      return { who, ...field("scopes", scopes) }
    }
  }
}
