/** Pins and plans in a bucket: a small object for each. */
import { Effect, Option, Schema } from "effect"
import { sha256 } from "../../node/journal/journalRecord.ts"
import { algorithmOf, type ContentDigest, encodedOf, isContentDigest } from "../../oci/Digest.ts"
import { octetStream } from "../../oci/MediaType.ts"
import { PlanExpired } from "../../oci/OciError.ts"
import type { Pin } from "../../ops/api/Garbage.ts"
import { planMillis } from "../../ops/limits.ts"
import type { Pins } from "../../ops/ports/Pins.ts"
import type { Plans } from "../../ops/ports/Plans.ts"
import type { ObjectStore } from "../store/ObjectStore.ts"
import { plansFolder } from "./folders.ts"
import { newId } from "./newId.ts"

const pinsFolder = ".ocilayout/pins/"

const PinText = Schema.fromJsonString(
  Schema.Struct({ mediaType: Schema.String, size: Schema.Natural, time: Schema.Natural, actor: Schema.String })
)
const decode = Schema.decodeUnknownOption(PinText)

/** A pin that cannot be read still pins its digest, though not what that needs. */
const unreadable: Pin = { mediaType: octetStream, size: 0, time: 0, actor: "" }

export const makePins = (store: ObjectStore): Pins => {
  const keyOf = (digest: ContentDigest): string => `${pinsFolder}${algorithmOf(digest)}-${encodedOf(digest)}`
  return {
    all: Effect.gen(function*() {
      const { value } = yield* store.list(pinsFolder)
      const digests = value.map(({ key }) => key.slice(pinsFolder.length).replace("-", ":")).filter(isContentDigest)
      const pins = yield* Effect.forEach(digests, (digest) =>
        Effect.map(store.get(keyOf(digest)), ({ value }) => {
          const text = value === undefined || value === "unchanged" ? "" : Buffer.from(value.bytes).toString()
          return [digest, Option.getOrElse(decode(text), () => unreadable)] as const
        }), { concurrency: 8 })
      return new Map(pins)
    }),
    add: (digest, pin) => Effect.asVoid(store.put(keyOf(digest), new Uint8Array(Buffer.from(JSON.stringify(pin))), {})),
    remove: Effect.fnUntraced(function*(digest) {
      const { value } = yield* store.head(keyOf(digest))
      if (value === undefined) return false
      yield* store.remove(keyOf(digest))
      return true
    })
  }
}

export const makePlans = (store: ObjectStore): Plans => {
  const keyOf = (id: string): string => `${plansFolder}${id}.json`
  return {
    save: Effect.fnUntraced(function*(plan) {
      const text = `${yield* newId}\n${plan}`
      const id = sha256(text).slice(0, 32)
      yield* store.put(keyOf(id), new Uint8Array(Buffer.from(text)), {})
      return Option.some(id)
    }),
    load: Effect.fnUntraced(function*(id) {
      const expired = new PlanExpired({ plan: id })
      if (!/^[0-9a-f]{32}$/u.test(id)) return yield* expired
      const { date, value } = yield* store.get(keyOf(id))
      if (value === undefined || value === "unchanged") return yield* expired
      const text = Buffer.from(value.bytes).toString()
      const age = date - value.modified
      return age >= planMillis || sha256(text).slice(0, 32) !== id ? yield* expired : text.slice(33)
    })
  }
}
