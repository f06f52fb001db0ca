/** A plan as it is stored: what was asked for, and what goes. */
import { Duration, Effect, Schema } from "effect"
import type { GarbageItem, GarbageOptions } from "../api/Garbage.ts"
import * as limits from "../limits.ts"

const Rule = Schema.Struct({
  repository: Schema.optional(Schema.String),
  tag: Schema.optional(Schema.String),
  newest: Schema.optional(Schema.Number),
  maxAgeMillis: Schema.optional(Schema.Number)
})

const StoredPlan = Schema.fromJsonString(Schema.Struct({
  options: Schema.Struct({
    untagged: Schema.Boolean,
    retention: Schema.Array(Rule),
    graceMillis: Schema.Number,
    undoWindowMillis: Schema.Number,
    now: Schema.Boolean
  }),
  items: Schema.Array(Schema.Struct({
    kind: Schema.Literals(["tag", "manifest", "blob", "upload", "file"]),
    name: Schema.String,
    digest: Schema.optionalKey(Schema.String),
    bytes: Schema.Natural,
    goes: Schema.Boolean,
    why: Schema.String
  }))
}))
type StoredPlan = typeof StoredPlan.Type
/** What was asked for, with what is so by default. */
export type Asked = StoredPlan["options"]

/** None for what is no plan of ours. */
export const decodePlan = Schema.decodeUnknownOption(StoredPlan)
const encode = Schema.encodeUnknownEffect(StoredPlan)

export const encodePlan = (options: Asked, items: ReadonlyArray<GarbageItem>): Effect.Effect<string> =>
  Effect.orDie(encode({ options, items }))

export const withDefaults = (options: GarbageOptions): Asked => ({
  untagged: options.untagged ?? false,
  retention: (options.retention ?? []).map(({ maxAge, ...rule }) => ({
    ...rule,
    maxAgeMillis: maxAge === undefined ? undefined : millis(maxAge, 0)
  })),
  graceMillis: millis(options.grace, limits.graceMillis),
  undoWindowMillis: millis(options.undoWindow, limits.undoWindowMillis),
  now: options.now ?? false
})

/** For ever is a number as well, so that it survives being written down. */
const millis = (asked: Duration.Input | undefined, otherwise: number): number =>
  Math.min(Math.max(Math.ceil(asked === undefined ? otherwise : Duration.toMillis(asked)), 0), Number.MAX_SAFE_INTEGER)
