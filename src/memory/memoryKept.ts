/** Pins, plans and what was found out about layers, in memory. */
import { Clock, Effect, Option } from "effect"
import type { ContentDigest } from "../oci/Digest.ts"
import { PlanExpired } from "../oci/OciError.ts"
import type { Pin } from "../ops/api/Garbage.ts"
import type { LayerCache } from "../ops/api/LayerCache.ts"
import { planMillis } from "../ops/limits.ts"
import type { Pins } from "../ops/ports/Pins.ts"
import type { Plans } from "../ops/ports/Plans.ts"
import { newId } from "./newId.ts"

export const pinStore = (): Pins => {
  const pins = new Map<ContentDigest, Pin>()
  return {
    all: Effect.sync(() => new Map(pins)),
    add: (digest, pin) => Effect.sync(() => void pins.set(digest, pin)),
    remove: (digest) => Effect.sync(() => pins.delete(digest))
  }
}

export const planStore = (): Plans => {
  const plans = new Map<string, { readonly plan: string; readonly since: number }>()
  return {
    save: Effect.fnUntraced(function*(plan) {
      const since = yield* Clock.currentTimeMillis
      const id = yield* newId
      plans.set(id, { plan, since })
      return Option.some(id)
    }),
    load: (id) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const kept = plans.get(id)
        return kept === undefined || now - kept.since >= planMillis
          ? Effect.fail(new PlanExpired({ plan: id }))
          : Effect.succeed(kept.plan)
      })
  }
}

export const layerCache = (): LayerCache => {
  const kept = new Map<string, Uint8Array>()
  return {
    load: (digest, part) => Effect.sync(() => Option.fromNullishOr(kept.get(`${part} of ${digest}`))),
    save: (digest, part, bytes) => Effect.sync(() => void kept.set(`${part} of ${digest}`, bytes))
  }
}
