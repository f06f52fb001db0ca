/** Reads the descriptors inside a manifest: as the image-spec wants them pushed, or as they are found. */
import { Option, Result, Schema } from "effect"
import { Descriptor, embeddedData, fieldOf, isJsonObject, isList, type Json, type JsonObject } from "./Descriptor.ts"
import { isDigest } from "./Digest.ts"
import { elementOf, memberOf } from "./Json.ts"
import { isMediaType, octetStream } from "./MediaType.ts"
import { ManifestInvalid } from "./OciError.ts"
import { quoted } from "./quoted.ts"

/** `push` holds a document to every rule; `read` takes what can be made use of. */
export type Mode = "push" | "read"

/** The descriptor in `value`, which stands at `path` of its document; the path of the fault is in the error. */
export const descriptorAt = (
  value: Json | undefined,
  path: string,
  mode: Mode
): Result.Result<Descriptor, ManifestInvalid> => {
  if (value === undefined) return fault(path, "is required")
  if (!isJsonObject(value)) return fault(path, "is not a descriptor object")
  return mode === "push" ? strict(value, path) : lenient(value, path)
}

const fault = (path: string, reason: string): Result.Result<never, ManifestInvalid> =>
  Result.fail(new ManifestInvalid({ path, reason }))

const isDescriptor = Schema.is(Descriptor)

/** The schema decides; the checks before it are there to name the place and the rule, and for what it leaves open. */
const strict = (value: JsonObject, path: string): Result.Result<Descriptor, ManifestInvalid> =>
  Result.gen(function*() {
    yield* content(value, path)
    yield* stringsIn(fieldOf(value, "annotations"), memberOf(path, "annotations"))
    yield* artifactType(value, path)
    yield* urls(value, path)
    yield* platform(value, path)
    if (!isDescriptor(value)) return yield* fault(path, "is not a descriptor")
    if (value.data !== undefined && Option.isNone(embeddedData(value))) {
      return yield* fault(memberOf(path, "data"), `is not the base64 (RFC 4648, section 4) of ${value.size} bytes`)
    }
    return value
  })

type Check = Result.Result<void, ManifestInvalid>

/** `mediaType`, `digest` and `size`, which are required, and `data`. */
const content = (value: JsonObject, path: string): Check => {
  const { data, digest, mediaType, size } = value
  if (mediaType === undefined) return fault(memberOf(path, "mediaType"), "is required")
  if (typeof mediaType !== "string" || !isMediaType(mediaType)) {
    return fault(memberOf(path, "mediaType"), "is not an RFC 6838 media type")
  }
  if (!isDigest(digest)) return fault(memberOf(path, "digest"), noDigest(digest))
  if (!isSize(size)) return fault(memberOf(path, "size"), noSize)
  if (data !== undefined && typeof data !== "string") return fault(memberOf(path, "data"), "is not a string")
  return Result.void
}

const noDigest = (digest: Json | undefined): string => {
  if (digest === undefined) return "is required"
  return typeof digest === "string" ? `is not a digest: ${quoted(digest)}` : "is not a digest"
}

export const isSize = (size: Json | undefined): size is number =>
  typeof size === "number" && Number.isSafeInteger(size) && size >= 0

const noSize = "is not a size in bytes, a whole number from 0 to 2^53 - 1"

/** `artifactType`, of a descriptor or a manifest, when it is there. */
export const artifactType = (value: JsonObject, path: string): Check => {
  const type = fieldOf(value, "artifactType")
  return type === undefined || (typeof type === "string" && isMediaType(type))
    ? Result.void
    : fault(memberOf(path, "artifactType"), "is not an RFC 6838 media type")
}

/** Annotations, when they are there: an object of strings, never null (annotations.md, "Rules"). */
export const stringsIn = (value: Json | undefined, path: string): Check => {
  if (value === undefined) return Result.void
  if (!isJsonObject(value)) return fault(path, "is not an object of strings")
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") return fault(memberOf(path, key), "is not a string")
  }
  return Result.void
}

/** RFC 3986: a scheme, then only characters that a URI can hold. */
const uri = /^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=%-]+$/u

const urls = (value: JsonObject, path: string): Check => {
  const list = fieldOf(value, "urls")
  if (list === undefined) return Result.void
  if (!isList(list)) return fault(memberOf(path, "urls"), "is not an array")
  const wrong = list.findIndex((url) => typeof url !== "string" || !uri.test(url))
  return wrong === -1 ? Result.void : fault(elementOf(memberOf(path, "urls"), wrong), "is not an absolute URI")
}

/** Both fields are required inside `platform` (image-index.md); their values and all other fields are free. */
const platform = (value: JsonObject, path: string): Check => {
  const object = fieldOf(value, "platform")
  if (object === undefined) return Result.void
  const at = memberOf(path, "platform")
  if (!isJsonObject(object)) return fault(at, "is not an object")
  for (const key of ["architecture", "os"]) {
    if (typeof fieldOf(object, key) !== "string") return fault(memberOf(at, key), "is not a string")
  }
  return Result.void
}

/**
 * A digest and a size have to be there, since content is found and bounded by them; an optional field of the wrong
 * shape is as good as absent, and a missing media type says nothing about the content.
 */
const lenient = (value: JsonObject, path: string): Result.Result<Descriptor, ManifestInvalid> => {
  const { annotations, artifactType, data, digest, mediaType, platform, size, urls, ...rest } = value
  if (!isDigest(digest)) return fault(memberOf(path, "digest"), noDigest(digest))
  if (!isSize(size)) return fault(memberOf(path, "size"), noSize)
  return Result.succeed({
    ...rest,
    mediaType: typeof mediaType === "string" ? mediaType : octetStream,
    digest,
    size,
    ...(isJsonObject(annotations) ? { annotations: Object.fromEntries(stringEntries(annotations)) } : {}),
    ...(typeof artifactType === "string" ? { artifactType } : {}),
    ...(typeof data === "string" ? { data } : {}),
    ...(isJsonObject(platform) ? { platform } : {}),
    ...(isList(urls) ? { urls: urls.filter((url) => typeof url === "string") } : {})
  })
}

/** The members of an object that are strings. */
export const stringEntries = (object: JsonObject): ReadonlyArray<readonly [string, string]> =>
  Object.entries(object).flatMap(([key, text]) => typeof text === "string" ? [[key, text] as const] : [])
