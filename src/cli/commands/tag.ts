/** tag set, delete. */
import { Effect, Option, Result, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import { type Digest, parseDigest } from "../../oci/Digest.ts"
import { field } from "../../oci/field.ts"
import { Conflict, ManifestUnknown, ReferenceInvalid, TagExists } from "../../oci/OciError.ts"
import { named } from "../../oci/quoted.ts"
import { isTag, parseLayoutReference, parseTag } from "../../oci/Reference.ts"
import { entryNamed, findManifest } from "../../ops/refs/find.ts"
import { described } from "../described.ts"
import { Mistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { type Answer, report } from "../output.ts"
import { locateRef, type Named } from "../target.ts"
import { shortOf } from "../terminal/units.ts"
import { condition, deleted, dryRun, requests } from "./manifest.ts"

export const Tagged = Schema.Struct({
  repository: Schema.String,
  digest: Schema.String,
  created: Schema.Array(Schema.String),
  unchanged: Schema.Array(Schema.String),
  moved: Schema.Array(Schema.Struct({ tag: Schema.String, from: Schema.String })),
  revision: Schema.optionalKey(Schema.Natural)
})

const tagged: Answer<typeof Tagged.Type> = {
  schema: Tagged,
  show: ({ created, digest, moved, repository, unchanged }) =>
    [
      ...created.map((tag) => `${repository}:${named(tag)} is ${shortOf(digest)}`),
      ...moved.map(({ from, tag }) => `${repository}:${named(tag)} is ${shortOf(digest)}, was ${shortOf(from)}`),
      ...unchanged.map((tag) => `${repository}:${named(tag)} is ${shortOf(digest)}, as before`)
    ].join("\n")
}

const defaultOf = ({ registry }: Named) =>
  Effect.flatMap(
    registry.defaultRepository,
    Option.match({
      onNone: () => Effect.fail(new Mistake("the layout has no default repository; give --default-repository")),
      onSome: Effect.succeed
    })
  )

/** A name that is no tag can be moved where an entry has it, and not made. */
const moveName = Effect.fnUntraced(function*(
  target: Named,
  name: string,
  { condition: { ifDigest, move }, digest, repository }: {
    readonly repository: string
    readonly digest: string
    readonly condition: { readonly move: boolean; readonly ifDigest: Option.Option<string> }
  }
) {
  const written = target.perRepository ? `${repository}:${name}` : name
  const there = yield* entryNamed(target, written)
  if (Option.isNone(there)) {
    yield* Effect.fromResult(parseTag(name))
    return yield* new ManifestUnknown({ repository, reference: name })
  }
  if (!move && Option.isNone(ifDigest) && there.value.digest !== digest) {
    return yield* new TagExists({ repository, tag: name, digest: there.value.digest })
  }
  const { from, revision } = yield* target.registry.moveName(written, digest, {
    repository,
    ...field("ifDigest", ifDigest)
  })
  return {
    repository,
    digest,
    created: [],
    unchanged: from === digest ? [name] : [],
    moved: from === digest ? [] : [{ tag: name, from }],
    ...field("revision", revision)
  }
})

/** A further tag, which may be written as the whole reference, as the first one is. */
const tagAlone = (reference: string) => {
  const prefix = `${reference.replace(/[:@][^/]*$/u, "")}:`
  return (text: string): string => text.startsWith(prefix) ? text.slice(prefix.length) : text
}

const set = Command.make("set", {
  reference: f.reference,
  given: Argument.String("tag").pipe(
    Argument.withMetavar("tag"),
    Argument.withDescription("Tags of the same repository; all are set, or none"),
    Argument.variadic({ min: 1 })
  ),
  condition,
  where: f.writing,
  wanted: f.wanted
}, ({ condition, given, reference, wanted, where }) =>
  report(
    tagged,
    wanted,
    Effect.gen(function*() {
      const target = yield* locateRef(where, reference)
      const tags = given.map(tagAlone(reference))
      const found = yield* findManifest(target, target.name)
      const { digest } = found.descriptor
      // What only its written name reaches is of no repository: its tags are of the default one.
      const repository = found.repository ?? (yield* defaultOf(target))
      const [only, ...others] = tags
      if (only !== undefined && others.length === 0 && !isTag(only)) {
        return yield* moveName(target, only, { repository, digest, condition })
      }
      const all = yield* Effect.fromResult(requests(tags, condition))
      const { moved, revision } = yield* target.registry.tagManifest(repository, digest, all)
      const touched = new Set<string>(moved.map(({ tag }) => tag))
      return {
        repository,
        digest,
        created: moved.flatMap(({ from, tag }) => from === undefined ? [tag] : []),
        unchanged: Array.from(new Set(tags)).filter((tag) => !touched.has(tag)),
        moved: moved.flatMap(({ from, tag }) => from === undefined ? [] : [{ tag, from }]),
        ...field("revision", revision)
      }
    })
  )).pipe(
    described(
      "Point tags at a manifest",
      "New tags are created; one that points elsewhere is refused unless --move, or --if-digest with what it points at.",
      [
        ["tag set ./images/example/app:1.2 latest --move", "latest becomes what 1.2 is"],
        ["tag set ./images/example/app@4f53cda18c2b stable --if-digest sha256:...", "Only from where it was seen"]
      ]
    )
  )

interface Deletion {
  readonly dryRun: boolean
  readonly expected: Digest | undefined
}

const deleteName = Effect.fnUntraced(function*(
  target: Named,
  { dryRun, expected, name }: Deletion & { readonly name: string }
) {
  const { registry } = target
  const { digest } = yield* registry.resolveName(name)
  // In a tree it is of the layout that has it.
  const repository = target.perRepository
    ? (yield* findManifest(target, name)).repository ?? ""
    : yield* defaultOf(target)
  if (expected !== undefined && expected !== digest) {
    return yield* new Conflict({ reason: "it points elsewhere", repository, tag: name, expected, actual: digest })
  }
  const done = dryRun ? undefined : yield* registry.deleteName(name, field("ifDigest", expected))
  return {
    kind: "tag" as const,
    repository,
    digest,
    deleted: !dryRun,
    tags_removed: [name],
    needed_by: [],
    referrers: [],
    reclaimable_bytes: 0,
    ...field("revision", done?.revision)
  }
})

const deleteTags = Effect.fnUntraced(function*(
  { registry }: Named,
  { dryRun, expected, ifExists, repository, tags }: Deletion & {
    readonly ifExists: boolean
    readonly repository: string
    readonly tags: ReadonlyArray<string>
  }
) {
  const there: Array<{ readonly tag: string; readonly digest: string }> = []
  for (const tag of new Set(tags)) {
    const found = yield* registry.resolveTag(repository, tag).pipe(
      Effect.map((descriptor) => Option.some(descriptor)),
      Effect.catchTags({
        ManifestUnknown: (error) => ifExists ? Effect.succeedNone : Effect.fail(error),
        NameUnknown: (error) => ifExists ? Effect.succeedNone : Effect.fail(error)
      })
    )
    if (Option.isNone(found)) continue
    const { digest } = found.value
    if (expected !== undefined && expected !== digest) {
      return yield* new Conflict({ reason: "it points elsewhere", repository, tag, expected, actual: digest })
    }
    there.push({ tag, digest })
  }
  const [first] = there
  const forecast = first === undefined ? undefined : yield* registry.forecast(repository, "manifest", first.digest)
  const done = dryRun ? undefined : yield* registry.batch(there.map(({ digest, tag }) => ({
    _tag: "DeleteTag",
    repository,
    tag,
    ifDigest: digest
  })))
  return {
    kind: "tag" as const,
    repository,
    ...field("digest", first?.digest),
    deleted: !dryRun && there.length > 0,
    tags_removed: there.map(({ tag }) => tag),
    needed_by: [],
    referrers: [],
    reclaimable_bytes: there.length === 1 && forecast?.tags.length === 1 ? forecast.reclaimable : 0,
    ...field("revision", done?.revision)
  }
})

const removal = <Name extends string>(name: Name) =>
  Command.make(name, {
    reference: f.tagged,
    more: Argument.String("tag").pipe(
      Argument.withMetavar("tag"),
      Argument.withDescription("Further tags of the same repository; all are deleted in one change, or none"),
      Argument.variadic({ min: 0 })
    ),
    ifExists: f.off("if-exists", "Tags that are not there are no failure"),
    ifDigest: f.text("if-digest", "DIGEST", "Only where it points at this digest now"),
    dryRun,
    where: f.writing,
    wanted: f.wanted
  }, ({ dryRun, ifDigest, ifExists, more, reference, wanted, where }) =>
    report(
      deleted,
      { ...wanted, quiet: wanted.quiet && !dryRun },
      Effect.gen(function*() {
        const target = yield* locateRef(where, reference)
        const expected = Option.isNone(ifDigest) ? undefined : yield* Effect.fromResult(parseDigest(ifDigest.value))
        const parsed = parseLayoutReference(target.name)
        if (Result.isFailure(parsed) || parsed.success.tag === undefined || parsed.success.digest !== undefined) {
          const named = more.length === 0 ? yield* entryNamed(target, target.written ?? target.name) : Option.none()
          if (Option.isSome(named)) {
            return yield* deleteName(target, { name: target.written ?? target.name, dryRun, expected })
          }
          // Deleting `latest` because no tag was named would be a guess.
          return yield* new ReferenceInvalid({ input: reference, reason: "has to be repository:tag to delete a tag" })
        }
        const { repository, tag } = parsed.success
        return yield* deleteTags(target, {
          repository,
          tags: [tag, ...more.map(tagAlone(reference))],
          expected,
          dryRun,
          ifExists
        })
      })
    )).pipe(
      described("Delete a tag", "The manifest stays, by its digest; ocilayout revert takes it back.", [
        ["tag delete ./images/example/app:old", "Delete it"],
        ["tag delete ./images/example/app:old --dry-run", "What would then be left without a tag"]
      ])
    )

/** What a person who knows `rm` looks for. */
export const rm = removal("rm")

export const tag = Command.make("tag").pipe(
  Command.withDescription("Set and delete tags"),
  Command.withSubcommands([set, removal("delete")])
)
