/** Content addresses: `algorithm:encoded`, the only name a blob ever has (image-spec, descriptor.md, "Digests"). */
import { Result, Schema } from "effect"
import { AlgorithmUnsupported, DigestInvalid } from "./OciError.ts"

const maxLength = 255
const grammar = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/u
const content = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/u

/** What the registered algorithms demand of the part after the colon (descriptor.md, "Registered algorithms"). */
const registered: ReadonlyMap<string, { readonly form: RegExp; readonly digits: number }> = new Map([
  ["sha256", { form: /^[a-f0-9]{64}$/u, digits: 64 }],
  ["sha512", { form: /^[a-f0-9]{128}$/u, digits: 128 }],
  ["blake3", { form: /^[a-f0-9]{64}$/u, digits: 64 }]
])

/** Why `input` is no digest; `undefined` when it is one. */
const whyNot = (input: string): string | undefined => {
  if (input.length > maxLength) return `it is longer than ${maxLength} characters`
  if (!grammar.test(input)) return "it does not fit algorithm:encoded"
  const colon = input.indexOf(":")
  const algorithm = input.slice(0, colon)
  const encoding = registered.get(algorithm)
  if (encoding === undefined || encoding.form.test(input.slice(colon + 1))) return undefined
  return `${algorithm} takes ${encoding.digits} lower-case hexadecimal digits`
}

/**
 * A digest that fits the grammar, of any algorithm; those of registered algorithms have the length and alphabet that
 * belong to them. At most 255 characters.
 */
export const Digest = Schema.String.check(
  Schema.isMaxLength(maxLength),
  Schema.isPattern(grammar, { expected: "a digest" }),
  Schema.makeFilter((input: string) => whyNot(input) === undefined, { expected: "a digest" })
).pipe(Schema.brand("Digest"))
export type Digest = typeof Digest.Type

/** A sha256 or sha512 digest: the only digests that may become a path, since only they can be checked. */
export const ContentDigest = Digest.check(
  Schema.isPattern(content, { expected: "a sha256 or sha512 digest" })
).pipe(Schema.brand("ContentDigest"))
export type ContentDigest = typeof ContentDigest.Type

/** The algorithms that content may be named by here. */
export const algorithms = ["sha256", "sha512"] as const
/** An algorithm that content may be named by. */
export type Algorithm = typeof algorithms[number]

export const isContentDigest = (input: unknown): input is ContentDigest =>
  typeof input === "string" && input.length <= maxLength && content.test(input)

/** Nearly every digest is a content digest, so that is asked first: opening a layout asks once per entry. */
export const isDigest = (input: unknown): input is Digest =>
  isContentDigest(input) || (typeof input === "string" && whyNot(input) === undefined)

/** The digest that a text is, of any algorithm; `DigestInvalid` where it is none. */
export const parseDigest = (input: string): Result.Result<Digest, DigestInvalid> =>
  isDigest(input)
    ? Result.succeed(input)
    : Result.fail(new DigestInvalid({ digest: input, reason: whyNot(input) ?? "it does not fit algorithm:encoded" }))

/** Fails with `AlgorithmUnsupported` for a digest that is well formed but not sha256 or sha512. */
export const parseContentDigest = (
  input: string
): Result.Result<ContentDigest, AlgorithmUnsupported | DigestInvalid> => {
  if (isContentDigest(input)) return Result.succeed(input)
  return Result.flatMap(
    parseDigest(input),
    (digest) => Result.fail(new AlgorithmUnsupported({ digest, algorithm: digest.slice(0, digest.indexOf(":")) }))
  )
}

export const algorithmOf = (digest: ContentDigest): Algorithm => digest.startsWith("sha256:") ? "sha256" : "sha512"

/** The part after the colon. */
export const encodedOf = (digest: Digest): string => digest.slice(digest.indexOf(":") + 1)

/** The digest of a hash just computed. A wrong `hex` is a bug of the caller and throws. */
export const contentDigest = (algorithm: Algorithm, hex: string): ContentDigest => {
  const digest = `${algorithm}:${hex}`
  if (!isContentDigest(digest)) throw new TypeError(`not a ${algorithm} in lower-case hexadecimal: ${hex}`)
  return digest
}

/** For people: the algorithm and the first 12 characters of the rest. */
export const shortDigest = (digest: Digest): string => digest.slice(0, digest.indexOf(":") + 13)
