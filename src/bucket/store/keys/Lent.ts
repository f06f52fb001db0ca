/** Keys that are lent for a while: asked for once for all who need them, and again before they end. */
import { Clock, Effect, Redacted, type Schema, Semaphore } from "effect"
import type { HttpClient } from "effect/http/HttpClient"
import { fieldOf, isJsonObject } from "../../../oci/Descriptor.ts"
import type { StoreFault } from "../ObjectStore.ts"
import type { Keys } from "../sign.ts"

export interface Lent {
  readonly keys: Keys
  /** Milliseconds since 1970. */
  readonly until: number
}

/** Asks a lender for keys. */
export type Lender = Effect.Effect<Lent, StoreFault, HttpClient>

/** Where keys come from that hold now. */
export type KeySource = Effect.Effect<Keys, StoreFault, HttpClient>

export const keysOf = (
  accessKeyId: string | undefined,
  secretAccessKey: string | undefined,
  sessionToken: string | undefined
): Keys | undefined =>
  accessKeyId === undefined || secretAccessKey === undefined
    ? undefined
    : {
      accessKeyId,
      secretAccessKey: Redacted.make(secretAccessKey),
      ...(sessionToken === undefined ? {} : { sessionToken: Redacted.make(sessionToken) })
    }

/** Keys without an end hold for good. */
export const lentOf = (keys: Keys | undefined, expiration: string | number | undefined): Lent | undefined => {
  if (keys === undefined) return undefined
  const until = typeof expiration === "number" ? expiration : Date.parse(expiration ?? "")
  return { keys, until: Number.isNaN(until) ? Number.POSITIVE_INFINITY : until }
}

/** A field of a JSON answer that is text. */
export const textIn = (value: Schema.Json | undefined, name: string): string | undefined => {
  const field = isJsonObject(value) ? fieldOf(value, name) : undefined
  return typeof field === "string" && field !== "" ? field : undefined
}

/** The answer of `credential_process`, of a container's endpoint and of an instance. */
export const lentIn = (value: Schema.Json | undefined, token: "SessionToken" | "Token"): Lent | undefined =>
  lentOf(
    keysOf(textIn(value, "AccessKeyId"), textIn(value, "SecretAccessKey"), textIn(value, token)),
    textIn(value, "Expiration")
  )

/** How long before their end keys are asked for anew: milliseconds. */
const earlyMillis = 300_000
/** How long a lender is left alone at least after it was asked, as long as there are keys: milliseconds. */
const restMillis = 30_000

/** Callers that come while the lender is asked wait for its answer, which may be a failure. */
export const kept = (ask: Lender): KeySource => {
  const turn = Semaphore.makeUnsafe(1)
  let last: (Lent & { readonly asked: number }) | undefined
  let answers = 0
  let failure: StoreFault | undefined
  const held = Effect.map(
    Clock.currentTimeMillis,
    (now) => last !== undefined && now < Math.max(last.until - earlyMillis, last.asked + restMillis) ? last : undefined
  )
  const renewed = Effect.gen(function*() {
    const asked = yield* Clock.currentTimeMillis
    const lent = yield* ask.pipe(
      Effect.tapError((fault) =>
        Effect.sync(() => {
          failure = fault
          answers++
        })
      ),
      Effect.catch((fault) => {
        if (last === undefined || last.until <= asked) return Effect.fail(fault)
        const ends = new Date(last.until).toISOString()
        return Effect.as(
          Effect.logWarning(`keys could not be renewed, those before end at ${ends}: ${fault.message}`),
          last
        )
      })
    )
    last = { keys: lent.keys, until: lent.until, asked }
    return lent.keys
  })
  return Effect.gen(function*() {
    const now = yield* held
    if (now !== undefined) return now.keys
    const before = answers
    return yield* turn.withPermit(Effect.gen(function*() {
      const meanwhile = yield* held
      if (meanwhile !== undefined) return meanwhile.keys
      if (answers !== before && failure !== undefined) return yield* failure
      return yield* renewed
    }))
  })
}

const sources = new Map<string, KeySource>()

/** The same source for the same name, in this process: a command opens a bucket several times, and a server many prefixes. */
export const shared = (name: ReadonlyArray<string | undefined>, ask: Lender): KeySource => {
  const id = JSON.stringify(name)
  const known = sources.get(id) ?? kept(ask)
  sources.set(id, known)
  return known
}
