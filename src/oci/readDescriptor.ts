/** Reads a descriptor that somebody else wrote, tolerantly and fast: an index may hold a million of them. */
import { Result, type Schema } from "effect"
import type { Descriptor } from "./Descriptor.ts"
import { isDigest } from "./Digest.ts"

type Fields = { readonly [key: string]: Schema.Json }

const isFields = (value: Schema.Json | undefined): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Present as the schema wants them; everything else about a foreign descriptor is its writer's business. */
const isReadable = (value: Fields): value is Fields & Descriptor => whyUnreadable(value) === undefined

/**
 * The descriptor in `value` with every field kept, or why it is none (image-spec, descriptor.md, "Properties"). An
 * optional field of the wrong shape is as good as absent.
 *
 * Media types are not held to RFC 6838 here, since tools do write parameters into them; digests and sizes are checked,
 * since content is found and bounded by them.
 */
export const readDescriptor = (value: Schema.Json): Result.Result<Descriptor, string> => {
  if (!isFields(value)) return Result.fail("is not an object")
  if (!isReadable(value)) return Result.fail(whyUnreadable(value) ?? "is not a descriptor")
  const wrong = misshapen(value)
  return Result.succeed(wrong.length === 0 ? value : without(value, wrong))
}

const without = <A extends object>(value: A, keys: ReadonlyArray<string>): A => {
  const copy = { ...value }
  for (const key of keys) Reflect.deleteProperty(copy, key)
  return copy
}

const misshapen = (value: Fields): ReadonlyArray<string> =>
  optional.filter(([key, isShaped]) => {
    const field = own(value, key)
    return field !== undefined && !isShaped(field)
  }).map(([key]) => key)

const isText = (value: Schema.Json): boolean => typeof value === "string"

const optional: ReadonlyArray<readonly [string, (value: Schema.Json) => boolean]> = [
  ["annotations", isFields],
  ["artifactType", isText],
  ["data", isText],
  ["platform", isFields],
  ["urls", (value) => Array.isArray(value) && value.every(isText)]
]

const own = (value: Fields, key: string): Schema.Json | undefined => Object.hasOwn(value, key) ? value[key] : undefined

const whyUnreadable = (value: Fields): string | undefined => {
  if (!isDigest(own(value, "digest"))) return "has no valid digest"
  if (typeof own(value, "mediaType") !== "string") return "has no mediaType"
  const size = own(value, "size")
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) return "has no valid size"
  const annotations = own(value, "annotations")
  // Every tool that is written in Go writes null for what is absent, and reads it so.
  if (annotations === undefined || annotations === null) return undefined
  if (!isFields(annotations)) return "has annotations that are no object"
  for (const key in annotations) {
    if (typeof annotations[key] !== "string") return "has an annotation that is no string"
  }
  return undefined
}
