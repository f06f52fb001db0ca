/** Conditions of requests: an entity tag is the digest of what it stands for, in quotes. */
import { Effect } from "effect"
import type { Headers } from "effect/http/Headers"
import { Refused } from "./Refused.ts"

export const etagOf = (digest: string): string => `"${digest}"`

/** The digests of an `If-Match` or `If-None-Match`; `*` stands for itself. */
const digestsOf = (header: string): ReadonlyArray<string> =>
  header.split(",").map((part) => part.trim().replace(/^W\//u, "").replace(/^"(.*)"$/u, "$1"))

/** Whether the client has this content already. */
export const isKnown = (headers: Headers, digest: string): boolean => {
  const header = headers["if-none-match"]
  if (header === undefined) return false
  const known = digestsOf(header)
  return known.includes(digest) || known.includes("*")
}

/** What has to hold of a tag before it is set or deleted. */
export interface TagCondition {
  readonly ifDigest?: string
  readonly ifAbsent?: boolean
}

/**
 * `If-Match: "sha256:…"` demands that a tag points there, `If-Match: *` that it is there, `If-None-Match: *` that it is
 * not.
 *
 * @param current where the tag points now
 */
export const conditionOf = Effect.fnUntraced(function*<E, R>(
  headers: Headers,
  current: Effect.Effect<string, E, R>
): Effect.fn.Return<TagCondition, E | Refused, R> {
  const match = headers["if-match"]
  const none = headers["if-none-match"]
  if (none !== undefined && (none.trim() !== "*" || match !== undefined)) return yield* unclear
  if (none !== undefined) return { ifAbsent: true }
  if (match === undefined) return {}
  const [digest = "", another] = digestsOf(match)
  if (another !== undefined) return yield* unclear
  return { ifDigest: digest === "*" ? yield* current : digest }
})

const unclear = new Refused({
  status: 400,
  code: "UNSUPPORTED",
  message: "a condition is one digest in If-Match, or If-None-Match: *"
})
