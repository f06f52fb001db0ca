/** What the commands share that make content: what the result is called, and how it is told. */
import { Effect, Option, Schema } from "effect"
import type { Made as MadeContent } from "../../make/content/Made.ts"
import { field } from "../../oci/field.ts"
import { parseLayoutReference } from "../../oci/Reference.ts"
import type { TagRequest } from "../../ops/api/Registry.ts"
import { findManifest, type Found } from "../../ops/refs/find.ts"
import { condition, requests } from "../commands/manifest.ts"
import { type Failure, Mistake } from "../Failure.ts"
import * as f from "../flags.ts"
import type { Answer } from "../output.ts"
import { locateDestination, type Named, type Where } from "../target.ts"
import { counted, shortOf } from "../terminal/units.ts"

export const Made = Schema.Struct({
  repository: Schema.String,
  digest: Schema.String,
  media_type: Schema.String,
  size: Schema.Natural,
  existed: Schema.Boolean,
  /** What it was made of. */
  made_from: Schema.optionalKey(Schema.String),
  subject: Schema.optionalKey(Schema.String),
  /** Tags that were created or moved. */
  tags: Schema.Array(Schema.Struct({ tag: Schema.String, from: Schema.optionalKey(Schema.String) })),
  /** Referrers that were made anew for it: what they were before. */
  referrers_anew: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Signatures that are not good for it, and other referrers that were left. */
  referrers_left: Schema.optionalKey(Schema.Array(Schema.String)),
  revision: Schema.optionalKey(Schema.Natural)
})

export const madeOf = (
  repository: string,
  { carried, descriptor: { digest, mediaType, size }, existed, from, moved, revision, subject }: MadeContent
): typeof Made.Type => ({
  repository,
  digest,
  media_type: mediaType,
  size,
  existed,
  ...field("made_from", from?.digest),
  ...field("subject", subject),
  tags: moved,
  ...field("referrers_anew", carried?.anew),
  ...field("referrers_left", carried?.left),
  ...field("revision", revision)
})

export const shownMade = (
  { digest, referrers_anew: anew = [], referrers_left: left = [], repository, tags }: typeof Made.Type
): string =>
  [
    ...(tags.length === 0 ? [`${repository}@${digest}`] : []),
    ...tags.map(({ from, tag }) =>
      `${repository}:${tag} is ${shortOf(digest)}${from === undefined ? "" : `, was ${shortOf(from)}`}`
    ),
    ...(anew.length === 0 ? [] : [`made anew for it: ${counted(anew.length, "referrer")}`]),
    ...(left.length === 0 ? [] : [`left, since they are of the digest before: ${counted(left.length, "referrer")}`])
  ].join("\n")

export const made: Answer<typeof Made.Type> = { schema: Made, show: shownMade }

/** Where new content goes, under the condition that tags are set. */
export const newTarget = Effect.fnUntraced(function*(
  where: Where,
  reference: string,
  { condition, tags }: {
    readonly tags: ReadonlyArray<string>
    readonly condition: Parameters<typeof requests>[1]
  }
) {
  const { name, registry } = yield* locateDestination(where, reference)
  const { digest, repository, tag } = yield* Effect.fromResult(parseLayoutReference(name))
  if (digest !== undefined) {
    return yield* Effect.fail(new Mistake(`${reference} says a digest; that of new content is not known before`))
  }
  const all = yield* Effect.fromResult(requests([...(tag === undefined ? [] : [tag]), ...tags], condition))
  return { registry, repository, tags: all }
})

/** Flags of commands that make one manifest of another, in its repository. */
export const naming = {
  tags: f.several("tag", "TAG", "A tag of the result, in the same repository; repeat for several"),
  replace: f.off("replace", "The tag of the reference becomes the result, unless it was moved meanwhile"),
  condition
}

export const referrers = f.off(
  "referrers",
  "Also make what refers to it anew for the result, but for signatures"
)

/** What is to be changed, and where the result goes. */
export interface Changing {
  readonly found: Found
  readonly target: Named
  readonly repository: string
  readonly tags: ReadonlyArray<TagRequest>
}

/** The manifest that a reference names, and where what is made of it goes. */
export const changing = Effect.fnUntraced(function*(
  target: Named,
  { condition, replace, tags }: {
    readonly tags: ReadonlyArray<string>
    readonly replace: boolean
    readonly condition: Parameters<typeof requests>[1]
  }
): Effect.fn.Return<Changing, Failure> {
  const found = yield* findManifest(target, target.name)
  const repository = found.repository ?? Option.getOrUndefined(yield* target.registry.defaultRepository)
  if (repository === undefined) return yield* Effect.fail(new Mistake("name it as repository:tag"))
  const all = yield* Effect.fromResult(requests(tags, condition))
  if (!replace) return { found, target, repository, tags: all }
  const { by } = yield* Effect.fromResult(target.ref)
  if (by._tag !== "Tag") {
    return yield* Effect.fail(new Mistake("--replace needs a tag in the reference; give --tag for another one"))
  }
  const own = { tag: by.tag, ifDigest: found.descriptor.digest }
  return { found, target, repository, tags: [...all.filter(({ tag }) => tag !== by.tag), own] }
})

/** `KEY=VALUE`, each. */
export const pairsOf = (
  flag: string,
  texts: ReadonlyArray<string>
): Effect.Effect<Readonly<Record<string, string>>, Mistake> =>
  Effect.map(
    Effect.forEach(texts, (text): Effect.Effect<readonly [string, string], Mistake> => {
      const at = text.indexOf("=")
      return at < 1
        ? Effect.fail(new Mistake(`${flag} ${text}: write KEY=VALUE`))
        : Effect.succeed([text.slice(0, at), text.slice(at + 1)])
    }),
    (pairs) => Object.fromEntries<string>(pairs)
  )

/** `KEY=VALUE` to set it, and `KEY=` or `KEY` to remove it. */
export const editsOf = (
  flag: string,
  texts: ReadonlyArray<string>
): Effect.Effect<Readonly<Record<string, string | null>>, Mistake> =>
  Effect.map(
    Effect.forEach(texts, (text): Effect.Effect<readonly [string, string | null], Mistake> => {
      const [, key = "", value] = /^([^=]+)(?:=(.*))?$/su.exec(text) ?? []
      return key === ""
        ? Effect.fail(new Mistake(`${flag} ${text}: write KEY=VALUE, or KEY= to remove it`))
        : Effect.succeed([key, value === undefined || value === "" ? null : value])
    }),
    (pairs) => Object.fromEntries<string | null>(pairs)
  )
