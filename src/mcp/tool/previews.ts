/** What was shown before it is done: a call that reports gives a token, and the call that does it brings the token back. */
import { Clock, Effect } from "effect"
import type { NameChange } from "../../layout/changes.ts"
import * as limits from "./limits.ts"
import { type InvalidArgument, invalidArgument } from "./SurfaceError.ts"

interface Preview {
  /** What was asked for; a token is good for nothing else. */
  readonly request: string
  readonly changes: ReadonlyArray<NameChange>
  /** Milliseconds since 1970. */
  readonly expires: number
  readonly characters: number
}

export interface Previews {
  /** Keeps what was shown, and names it at random: a client can make up no token. */
  readonly keep: (
    request: string,
    changes: ReadonlyArray<NameChange>
  ) => Effect.Effect<{ readonly token: string; readonly expires: string }>
  /** What was shown for this token and request. It stays good until it is used up. */
  readonly find: (token: string, request: string) => Effect.Effect<ReadonlyArray<NameChange>, InvalidArgument>
  readonly useUp: (token: string) => void
}

/** One per server: it is shared by its connections, and forgotten when the server ends. */
export const makePreviews = (): Previews => {
  const kept = new Map<string, Preview>()
  let characters = 0
  const drop = (token: string): void => {
    characters -= kept.get(token)?.characters ?? 0
    kept.delete(token)
  }
  return {
    keep: (request, changes) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const token = crypto.randomUUID()
        const expires = now + limits.previewMillis
        const size = request.length + JSON.stringify(changes).length
        kept.set(token, { request, changes, expires, characters: size })
        characters += size
        for (const oldest of kept.keys()) {
          if (kept.size <= limits.previews && characters <= limits.previewCharacters || oldest === token) break
          drop(oldest)
        }
        return { token, expires: new Date(expires).toISOString() }
      }),
    find: Effect.fnUntraced(function*(token, request) {
      const preview = kept.get(token)
      const now = yield* Clock.currentTimeMillis
      if (preview === undefined || preview.request !== request || now >= preview.expires) return yield* invalid
      return preview.changes
    }),
    useUp: drop
  }
}

/** One for all reasons: which of them it was helps only who guesses. */
const invalid = invalidArgument(
  "token: unknown, used, expired, or of another call; nothing was changed. Call without token to look again"
)
