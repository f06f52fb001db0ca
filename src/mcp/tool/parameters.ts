/** The arguments and fields that several tools share, so that they read the same everywhere. */
import { Effect, Schema } from "effect"
import { isRepository } from "../../oci/Reference.ts"
import * as limits from "./limits.ts"

export const optional: typeof Schema.optionalKey = Schema.optionalKey

/** Any text, with what it means. */
export const text = (description: string) => Schema.String.annotate({ description })

// A default is put on the inner schema: what is annotated after `withDecodingDefaultKey` is lost in the JSON Schema.
export const integer = (
  description: string,
  range: { readonly minimum: number; readonly maximum: number; readonly default: number }
) =>
  Schema.Int.annotate({ description, default: range.default })
    .check(Schema.isBetween({ minimum: range.minimum, maximum: range.maximum }))
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(range.default)))

export const flag = (description: string, fallback = false) =>
  Schema.Boolean.annotate({ description, default: fallback }).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(fallback))
  )

/** One of some words. */
export const choice = <const Words extends ReadonlyArray<string>>(
  description: string,
  words: Words,
  fallback: NoInfer<Words[number]>
) => {
  const literals: Schema.Literals<Words> = Schema.Literals(words).annotate({ description, default: fallback })
  return Schema.withDecodingDefaultKey<typeof literals>(Effect.succeed(fallback))(literals)
}

export const bytes = (description: string) => Schema.Natural.annotate({ description })

export const ref = text("repository:tag, or repository@sha256:<full digest or its first 12+ hex digits>")

// A filter and no pattern: the grammar would cost 60 tokens in every tool, and the answer to a wrong name states it.
export const repository = text("Repository name, e.g. app/web").check(
  Schema.makeFilter((name: string) => isRepository(name), { expected: "a repository name such as app/web" })
)

export const digestAs = (description: string) =>
  text(description).check(
    Schema.isPattern(/^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/u, { expected: "a full digest" })
  )

export const digest = digestAs("Full digest, sha256:<64 hex> (sha512 also accepted)")

const tag = text("Tag").check(Schema.isPattern(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/u, { expected: "a tag" }))

export const tags = (description: string, minimum: number) =>
  Schema.Array(tag).check(Schema.isMinLength(minimum), Schema.isMaxLength(limits.tagsPerCall)).annotate({ description })

export const several = (description: string) =>
  Schema.Array(Schema.String).check(Schema.isMinLength(1), Schema.isMaxLength(limits.tagsPerCall)).annotate({
    description
  })

export const platform = optional(text("os/arch[/variant], e.g. linux/arm64; needed when ref is a multi-platform index"))

export const at = optional(text("As it was: a revision, an ISO time, or -N (N values of the tag ago)"))
export const atTime = optional(text("As it was: a revision or an ISO time"))

/** What a change did, name by name. */
export const Change = Schema.Struct({
  ref: optional(Schema.String),
  from: optional(Schema.String),
  to: optional(Schema.String)
})

// What comes back from a client decides no more than the client could ask for anyway: a page begins after any name, and
// whether that was ever given out is of no account.
export const startAfter = optional(text("next_start_after of the previous page"))

// 128 random bits. They are no secret among the clients of one server, which may all push: what a session becomes is
// decided by its offset, its repository and its digest.
export const uploadId = text("upload_id from oci_upload_start").check(
  Schema.isPattern(/^[0-9a-f]{32}$/u, { expected: "an upload_id" })
)

export const path = (what: string) => text(`${what} (absolute, inside an allowed directory)`)

export const inlineText = optional(text("Content as UTF-8 text, at most 64 KiB"))
export const inlineBase64 = optional(text("Content as base64, at most 64 KiB decoded"))

/** A descriptor in an answer, with its digest in full: it is passed on. */
export const descriptor = { mediaType: Schema.String, digest: Schema.String, size: Schema.Natural }

export const strings = Schema.Array(Schema.String)

export const stringMap = Schema.Record(Schema.String, Schema.String)

/** Where something was found: a repository, or an entry that only its raw name reaches. */
export const source = { repository: optional(Schema.String), name: optional(Schema.String) }

export const reading = { readOnly: true, destructive: false, idempotent: true }
export const adding = { readOnly: false, destructive: false, idempotent: true }
export const removing = { readOnly: false, destructive: true, idempotent: true }
