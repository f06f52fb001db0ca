/** tag set, delete. */
import { Effect, Option, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import { parseDigest } from "../../oci/Digest.ts"
import { Conflict, ReferenceInvalid } from "../../oci/OciError.ts"
import { parseLayoutReference } from "../../oci/Reference.ts"
import { findManifest } from "../../ops/find.ts"
import { described } from "../described.ts"
import { Mistake } from "../Failure.ts"
import { field } from "../fields.ts"
import * as f from "../flags.ts"
import { type Answer, report } from "../output.ts"
import { locateRef } from "../target.ts"
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
      ...created.map((tag) => `${repository}:${tag} is ${shortOf(digest)}`),
      ...moved.map(({ from, tag }) => `${repository}:${tag} is ${shortOf(digest)}, was ${shortOf(from)}`),
      ...unchanged.map((tag) => `${repository}:${tag} is ${shortOf(digest)}, as before`)
    ].join("\n")
}

const set = Command.make("set", {
  reference: f.reference,
  tags: Argument.String("tag").pipe(
    Argument.withMetavar("tag"),
    Argument.withDescription("Tags of the same repository; all are set, or none"),
    Argument.variadic({ min: 1 })
  ),
  condition,
  where: f.writing,
  wanted: f.wanted
}, ({ condition, reference, tags, wanted, where }) =>
  report(
    tagged,
    wanted,
    Effect.gen(function*() {
      const target = yield* locateRef(where, reference)
      const { descriptor: { digest }, repository } = yield* findManifest(target, target.name)
      if (repository === undefined) {
        return yield* Effect.fail(new Mistake(`${reference} is in no repository; name it as repository@digest`))
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

const remove = Command.make("delete", {
  reference: f.tagged,
  ifDigest: f.text("if-digest", "DIGEST", "Only where it points at this digest now"),
  dryRun,
  where: f.writing,
  wanted: f.wanted
}, ({ dryRun, ifDigest, reference, wanted, where }) =>
  report(
    deleted,
    { ...wanted, quiet: wanted.quiet && !dryRun },
    Effect.gen(function*() {
      const { name, registry } = yield* locateRef(where, reference)
      const { digest: byDigest, repository, tag } = yield* Effect.fromResult(parseLayoutReference(name))
      // Deleting `latest` because no tag was named would be a guess.
      if (tag === undefined || byDigest !== undefined) {
        return yield* new ReferenceInvalid({ input: reference, reason: "has to be repository:tag to delete a tag" })
      }
      const expected = Option.isNone(ifDigest) ? undefined : yield* Effect.fromResult(parseDigest(ifDigest.value))
      const { digest } = yield* registry.resolveTag(repository, tag)
      if (expected !== undefined && expected !== digest) {
        return yield* new Conflict({ reason: "it points elsewhere", repository, tag, expected, actual: digest })
      }
      const { reclaimable, tags } = yield* registry.forecast(repository, "manifest", digest)
      const done = dryRun
        ? undefined
        : yield* registry.deleteTag(repository, tag, expected === undefined ? {} : { ifDigest: expected })
      return {
        kind: "tag" as const,
        repository,
        digest: done?.digest ?? digest,
        deleted: !dryRun,
        tags_removed: [tag],
        needed_by: [],
        referrers: [],
        reclaimable_bytes: tags.length === 1 ? reclaimable : 0,
        ...field("revision", done?.revision)
      }
    })
  )).pipe(
    described("Delete a tag", "The manifest stays, by its digest; ocilayout revert takes it back.", [
      ["tag delete ./images/example/app:old", "Delete it"],
      ["tag delete ./images/example/app:old --dry-run", "What would then be left without a tag"]
    ])
  )

export const tag = Command.make("tag").pipe(
  Command.withDescription("Set and delete tags"),
  Command.withSubcommands([set, remove])
)
