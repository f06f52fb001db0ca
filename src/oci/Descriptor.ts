/** A typed, sized pointer to content (image-spec, descriptor.md). */
import { Option, Result, Schema } from "effect"
import { Base64 } from "effect/encoding"
import { Digest } from "./Digest.ts"
import { emptyJson, MediaType } from "./MediaType.ts"

/** A JSON value. */
export type Json = Schema.Json
/** A JSON object. */
export type JsonObject = Schema.JsonObject

/** An own property of a JSON object, so that a field called `constructor` or `__proto__` is only ever data. */
export const fieldOf = (object: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined

export const isJsonObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** `Array.isArray`, which does not know of arrays that are only read. */
export const isList = (value: Json | undefined): value is ReadonlyArray<Json> => Array.isArray(value)

/**
 * A descriptor as the image-spec wants it written. It is an open document: a field that this library does not know
 * belongs to the writer of the document, and survives. `size` is in bytes, a safe integer; `platform` is any JSON
 * object, since its vocabulary is Go's and grows.
 */
export class Descriptor extends Schema.Opaque<Descriptor>()(
  Schema.StructWithRest(
    Schema.Struct({
      mediaType: MediaType,
      digest: Digest,
      size: Schema.Natural,
      annotations: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
      artifactType: Schema.optionalKey(MediaType),
      data: Schema.optionalKey(Schema.String),
      platform: Schema.optionalKey(Schema.JsonObject),
      urls: Schema.optionalKey(Schema.Array(Schema.String))
    }),
    [Schema.Record(Schema.String, Schema.Json)]
  )
) {}

/** Stands where a descriptor is required and there is no content (manifest.md, "Guidance for an Empty Descriptor"). */
export const emptyDescriptor: Descriptor = {
  mediaType: emptyJson,
  digest: Digest.make("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
  size: 2,
  data: "e30="
}

/**
 * The content a descriptor carries in `data`, if that is canonical base64 (RFC 4648, section 4: no line breaks, padded,
 * no stray bits) of exactly `size` bytes. Whether the bytes hash to `digest` is for the caller to check before use.
 */
export const embeddedData = (descriptor: Descriptor): Option.Option<Uint8Array> => {
  const { data, size } = descriptor
  if (data === undefined || data.length !== 4 * Math.ceil(size / 3)) return Option.none()
  if (!alphabet.test(data) || !(endings[size % 3] ?? /^$/u).test(data.slice(-4))) return Option.none()
  return Result.getSuccess(Base64.decode(data))
}

const alphabet = /^[A-Za-z0-9+/]*={0,2}$/u

/** How the last four characters look for a size of 0, 1 and 2 modulo 3; the bits that encode nothing are zero. */
const endings: ReadonlyArray<RegExp> = [
  /^(?:[A-Za-z0-9+/]{4})?$/u,
  /^[A-Za-z0-9+/][AQgw]==$/u,
  /^[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=$/u
]
