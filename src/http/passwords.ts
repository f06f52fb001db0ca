/** Checks passwords and tokens, in a time that tells nothing of what is right about them. */
import { compare } from "bcryptjs"
import { Effect } from "effect"
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import type { Credentials } from "./credentials.ts"

/** How long a password that was right is not worked out again: milliseconds. */
const rememberedMillis = 5 * 60 * 1000

/** Passwords that are remembered at the same time. */
const rememberedPasswords = 1000

export interface Passwords {
  readonly isPassword: (user: string, password: string, now: number) => Effect.Effect<boolean>
  readonly isToken: (token: string) => boolean
}

export const makePasswords = ({ tokens, users }: Credentials): Passwords => {
  const secret = randomBytes(32)
  /** All have one length, and a comparison takes the same time wherever they differ. */
  const digestOf = (...parts: ReadonlyArray<string>): Buffer => {
    const hmac = createHmac("sha256", secret)
    for (const part of parts) hmac.update(`${part.length}:`).update(part)
    return hmac.digest()
  }
  const known = tokens.map((token) => digestOf(token))
  /**
   * Compared where there is no such user, so that this takes as long; where there are no users there is none to find.
   */
  const someHash = users.values().next().value
  /** Those that are being worked out are here too, so that a client's first requests wait for one answer. */
  const remembered = new Map<string, { readonly right: Promise<boolean>; readonly until: number }>()

  const isToken = (token: string): boolean => {
    const given = digestOf(token)
    return known.reduce((found, one) => timingSafeEqual(given, one) || found, false)
  }

  const work = async (key: string, user: string, password: string): Promise<boolean> => {
    const hash = users.get(user) ?? someHash
    const right = hash !== undefined && (await compare(password, hash))
    if (right && users.has(user)) return true
    remembered.delete(key)
    return false
  }

  const isPassword = (user: string, password: string, now: number): Promise<boolean> => {
    const key = digestOf(user, password).toString("base64")
    const there = remembered.get(key)
    if (there !== undefined && there.until > now) return there.right
    const right = work(key, user, password)
    remembered.delete(key)
    remembered.set(key, { right, until: now + rememberedMillis })
    const [oldest] = remembered.keys()
    if (oldest !== undefined && remembered.size > rememberedPasswords) remembered.delete(oldest)
    return right
  }

  return {
    isPassword: (user, password, now) => Effect.promise(() => isPassword(user, password, now)),
    isToken
  }
}
