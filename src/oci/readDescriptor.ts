/**
 * Reads a descriptor of the index, tolerantly and fast: an index may hold a million of them, of which each keeps every
 * field. Descriptors inside manifests are read by `descriptorAt`.
 */
import { Result } from "effect"
import { type Descriptor, fieldOf, isJsonObject, isList, type Json, type JsonObject } from "./Descriptor.ts"
import { isSize } from "./descriptorAt.ts"
import { isDigest } from "./Digest.ts"

/** Present as the schema wants them; everything else about a foreign descriptor is its writer's business. */
const isReadable = (value: JsonObject): value is JsonObject & Descriptor => whyUnreadable(value) === undefined

/**
 * The descriptor in `value` with every field kept, or why it is none (image-spec, descriptor.md, "Properties"). An
 * optional field of the wrong shape is as good as absent.
 *
 * Media types are not held to RFC 6838 here, since tools do write parameters into them; digests and sizes are checked,
 * since content is found and bounded by them.
 */
export const readDescriptor = (value: Json): Result.Result<Descriptor, string> => {
  if (!isJsonObject(value)) return Result.fail("is not an object")
  if (!isReadable(value)) return Result.fail(whyUnreadable(value) ?? "is not a descriptor")
  const wrong = misshapen(value)
  return Result.succeed(wrong.length === 0 ? value : without(value, wrong))
}

const without = <A extends object>(value: A, keys: ReadonlyArray<string>): A => {
  const copy = { ...value }
  for (const key of keys) Reflect.deleteProperty(copy, key)
  return copy
}

const misshapen = (value: JsonObject): ReadonlyArray<string> =>
  optional.filter(([key, isShaped]) => {
    const field = fieldOf(value, key)
    return field !== undefined && !isShaped(field)
  }).map(([key]) => key)

const isText = (value: Json): boolean => typeof value === "string"

const optional: ReadonlyArray<readonly [string, (value: Json) => boolean]> = [
  ["annotations", isJsonObject],
  ["artifactType", isText],
  ["data", isText],
  ["platform", isJsonObject],
  ["urls", (value) => isList(value) && value.every(isText)]
]

const whyUnreadable = (value: JsonObject): string | undefined => {
  if (!isDigest(fieldOf(value, "digest"))) return "has no valid digest"
  if (typeof fieldOf(value, "mediaType") !== "string") return "has no mediaType"
  if (!isSize(fieldOf(value, "size"))) return "has no valid size"
  const annotations = fieldOf(value, "annotations")
  // Every tool that is written in Go writes null for what is absent, and reads it so.
  if (annotations === undefined || annotations === null) return undefined
  if (!isJsonObject(annotations)) return "has annotations that are no object"
  for (const key in annotations) {
    if (typeof annotations[key] !== "string") return "has an annotation that is no string"
  }
  return undefined
}
