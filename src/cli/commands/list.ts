/** Commands that list: repositories, tags. */
import { Effect, Option, Result, Schema, type Scope, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { basename } from "node:path"
import { field } from "../../oci/field.ts"
import { fits } from "../../oci/glob.ts"
import { kindOf } from "../../oci/MediaType.ts"
import { named } from "../../oci/quoted.ts"
import type { RegistryReads } from "../../ops/api/Registry.ts"
import { createdOf, newestTags } from "../../ops/content/createdOf.ts"
import { described } from "../described.ts"
import { type Failure, Mistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { type Answer, answer } from "../output.ts"
import { makeRemotes, type RemoteFlags, remoteFlags, remoteNamed } from "../remote/remotes.ts"
import { atPoint, locate, locateWhole, type Target, type Where } from "../target.ts"
import { table } from "../terminal/table.ts"
import { ageOf, counted, shortOf, sizeOf } from "../terminal/units.ts"

export const Amount = Schema.Struct({ blobs: Schema.Natural, bytes: Schema.Natural })

export const Repositories = Schema.Struct({
  repositories: Schema.Array(Schema.String),
  /** Entries of the index that fit no repository. */
  unnamed: Schema.Array(
    Schema.Struct({ name: Schema.optionalKey(Schema.String), digest: Schema.String, reason: Schema.String })
  ),
  /** With --long: of every repository, in the same order. */
  tags: Schema.optionalKey(Schema.Array(Schema.Natural)),
  /** With --long: what the layout holds, and how many bytes that is. */
  blobs: Schema.optionalKey(Schema.Natural),
  bytes: Schema.optionalKey(Schema.Natural),
  /** With --long: second names of content, which a plain copy of the layout doubles. */
  kept: Schema.optionalKey(Amount),
  /** With --long: of these, content that another tool has removed from the layout. */
  only: Schema.optionalKey(Amount),
  /** With --long: what gc has taken away, deleted a day after. */
  trash: Schema.optionalKey(Amount)
})

const shownRepositories: Answer<typeof Repositories.Type> = {
  schema: Repositories,
  show: ({ blobs, bytes, kept, only, repositories, tags, trash, unnamed }, screen) =>
    [
      ...(tags === undefined ? repositories : [
        table(
          screen,
          [{ title: "REPOSITORY", cut: true }, { title: "TAGS", align: "right" }],
          repositories.map((name, at) => [name, String(tags[at] ?? 0)])
        )
      ]),
      ...unnamed.map(({ digest, name, reason }) =>
        `${name === undefined ? named(digest) : named(name)}  (no repository: ${reason})`
      ),
      ...(blobs === undefined || bytes === undefined ? [] : [`${counted(blobs, "blob")}, ${sizeOf(bytes)}`]),
      ...amountOf(kept, "have a second name: no space here, but a plain copy of the folder takes as much more"),
      ...amountOf(only, "of these are no longer in the layout: what can be brought back still needs them"),
      ...amountOf(trash, "were taken away by gc, and are deleted a day after")
    ].filter((line) => line !== "").join("\n")
}

const amountOf = (amount: typeof Amount.Type | undefined, what: string): ReadonlyArray<string> =>
  amount === undefined || amount.blobs === 0
    ? []
    : [`${counted(amount.blobs, "blob")}, ${sizeOf(amount.bytes)}, ${what}`]

const long = (description: string) => f.off("long", description).pipe(f.alias("l"))

export const repositories = Command.make("repositories", {
  layout: f.layout,
  long: long("Also how many tags each has, and what the layout takes; reads the names of all blobs"),
  at: f.at,
  where: f.where,
  remote: remoteFlags,
  wanted: f.wanted
}, ({ at, layout, long, remote, wanted, where }) =>
  answer(
    shownRepositories,
    wanted,
    Effect.gen(function*() {
      const place = Option.isNone(layout) ? undefined : yield* remoteNamed(layout.value)
      if (place?.repository !== undefined) {
        return yield* Effect.fail(new Mistake(`name the registry alone: docker://${place.host}/`))
      }
      if (place !== undefined) {
        const registry = yield* (yield* makeRemotes(remote)).open(place.host)
        return { repositories: (yield* Stream.runCollect(registry.repositories())).toSorted(), unnamed: [] }
      }
      const { registry } = yield* atPoint(yield* locateWhole(where, layout), at)
      const repositories = yield* Stream.runCollect(registry.repositories())
      const unnamed = yield* Stream.runCollect(registry.unnamed())
      const details = long
        ? {
          tags: yield* Effect.forEach(repositories, (name) => Stream.runCount(registry.tags(name))),
          ...(yield* registry.usage),
          ...(yield* registry.held)
        }
        : {}
      return {
        ...details,
        repositories,
        unnamed: unnamed.map(({ digest, reason, refName }) => ({
          digest,
          reason,
          ...field("name", refName)
        }))
      }
    })
  )).pipe(
    described("List repositories", "In lexical order, one on each line.", [
      ["repositories ./images", "All of a layout"],
      ["repositories ./images --long", "With their tags counted, and what the layout takes"],
      ["repositories docker://registry.example.com/", "Those on the network, where they are told"],
      ["repositories ./images --at 2026-11-01", "Those there were on a day"]
    ])
  )

const Untagged = Schema.Struct({ digest: Schema.String, media_type: Schema.String, size: Schema.Natural })

const TagDetail = Schema.Struct({
  tag: Schema.String,
  digest: Schema.String,
  kind: Schema.Literals(["image", "index", "artifact"]),
  size: Schema.Natural,
  /** As the image says. */
  created: Schema.optionalKey(Schema.String)
})

export const Tags = Schema.Struct({
  repository: Schema.String,
  tags: Schema.Array(Schema.String),
  /** With --long, in the same order. */
  details: Schema.optionalKey(Schema.Array(TagDetail)),
  /** With --untagged: manifests that no tag names, in order of their digests. */
  untagged: Schema.optionalKey(Schema.Array(Untagged)),
  /** With --limit or --match: how many tags were left out. */
  left_out: Schema.optionalKey(Schema.Natural)
})

const shownTags: Answer<typeof Tags.Type> = {
  schema: Tags,
  show: ({ details, repository, tags, untagged = [] }, screen) =>
    [
      details === undefined ? tags.join("\n") : table(
        screen,
        [{ title: "TAG", cut: true }, { title: "DIGEST" }, { title: "KIND" }, { title: "MANIFEST", align: "right" }, {
          title: "CREATED"
        }],
        details.map(({ created = "", digest, kind, size, tag }) => [
          tag,
          shortOf(digest),
          kind,
          sizeOf(size),
          created === "" ? "" : ageOf(Date.parse(created), screen.now)
        ])
      ),
      ...untagged.map(({ digest }) => `${repository}@${digest}`)
    ].filter((part) => part !== "").join("\n")
}

/** @param known when its image was created, where that was found out already */
const detailOf = (
  registry: RegistryReads,
  repository: string,
  tag: string,
  known: Option.Option<string> | undefined
) =>
  Effect.gen(function*() {
    const descriptor = yield* registry.resolveTag(repository, tag)
    const facts = yield* Effect.result(registry.describe(repository, descriptor))
    const kinds = { index: "index", manifest: "image", other: "artifact" } as const
    // A manifest that cannot be read is what its media type says it is.
    const kind = Result.isSuccess(facts) ? facts.success.kind : kinds[kindOf(descriptor.mediaType)]
    const created = known ?? (yield* createdOf(registry, repository, descriptor))
    return [{ tag, digest: descriptor.digest, kind, size: descriptor.size, ...field("created", created) }]
  }).pipe(
    // It has gone since it was listed.
    Effect.catchTags({ ManifestUnknown: () => Effect.succeed([]), NameUnknown: () => Effect.succeed([]) })
  )

/** The repository that is named, or the only one there is. */
const repositoryOf = Effect.fnUntraced(function*({ directory, name, registry }: Target) {
  if (name !== undefined) return name
  const found = yield* Stream.runCollect(registry.repositories({ limit: 2 }))
  const [only, other] = found
  if (only !== undefined && other === undefined) return only
  if (only === undefined) return Option.getOrElse(yield* registry.defaultRepository, () => basename(directory))
  return yield* Effect.fail(
    new Mistake(`${directory} has several repositories; name one of them, such as ${directory}/${only}`)
  )
})

/** A repository of a layout, or of a registry on the network. */
const repositoryAt = Effect.fnUntraced(function*(
  where: Where,
  flags: RemoteFlags,
  argument: Option.Option<string>,
  at: Option.Option<string>
): Effect.fn.Return<
  { readonly name: string; readonly registry: RegistryReads; readonly target?: Target },
  Failure,
  Scope.Scope
> {
  const place = Option.isNone(argument) ? undefined : yield* remoteNamed(argument.value)
  if (place === undefined) {
    const target = yield* atPoint(yield* locate(where, argument), at)
    return { name: yield* repositoryOf(target), registry: target.registry, target }
  }
  if (place.repository === undefined || place.tag !== undefined || place.digest !== undefined) {
    return yield* Effect.fail(new Mistake(`name a repository alone: docker://${place.host}/REPOSITORY`))
  }
  return { name: place.repository, registry: yield* (yield* makeRemotes(flags)).open(place.host, place.repository) }
})

export const tags = Command.make("tags", {
  repository: Argument.optional(f.repository),
  long: long("Also digests, kinds and sizes of manifests"),
  untagged: f.off("untagged", "Also manifests that no tag names, by their digests"),
  match: f.text("match", "GLOB", "Only tags that fit, such as 'v1.*': * is any number of characters, ? is one"),
  limit: f.count("limit", "N", "At most so many"),
  sort: Flag.Literals("sort", ["name", "created"]).pipe(
    Flag.withMetavar("ORDER"),
    Flag.withDescription("name (default), or created: those whose images are the newest first, as far as they say"),
    Flag.withDefault("name" as const)
  ),
  at: f.at,
  where: f.where,
  remote: remoteFlags,
  wanted: f.wanted
}, ({ at, limit, long, match, remote, repository, sort, untagged, wanted, where }) =>
  answer(
    shownTags,
    wanted,
    Effect.gen(function*() {
      const { name, registry, target } = yield* repositoryAt(where, remote, repository, at)
      if (untagged && target === undefined) {
        return yield* Effect.fail(new Mistake("--untagged is for layouts: no registry on the network tells of them"))
      }
      const loose = untagged && target !== undefined
        ? yield* Stream.runCollect(target.registry.untagged(name))
        : undefined
      // A repository that has but untagged manifests has no tags, which is no failure once they are asked for.
      const all = yield* Stream.runCollect(registry.tags(name)).pipe(
        Effect.catchTag("NameUnknown", (error) => loose === undefined ? Effect.fail(error) : Effect.succeed([]))
      )
      const fitting = Option.match(match, { onNone: () => all, onSome: (glob) => all.filter(fits(glob)) })
      const dated = sort === "name" ? undefined : yield* newestTags(registry, name, fitting)
      const sorted = dated === undefined ? fitting : Array.from(dated.keys())
      const tags = Option.match(limit, { onNone: () => sorted, onSome: (most) => sorted.slice(0, most) })
      const details = long
        ? yield* Effect.forEach(tags, (tag) => detailOf(registry, name, tag, dated?.get(tag)), { concurrency: 8 })
        : undefined
      return {
        repository: name,
        tags,
        ...field("details", details?.flat()),
        ...field("untagged", loose?.map(({ digest, mediaType, size }) => ({ digest, media_type: mediaType, size }))),
        ...field("left_out", tags.length === all.length ? undefined : all.length - tags.length)
      }
    })
  )).pipe(
    described("List the tags of a repository", "In lexical order or by age, one on each line.", [
      ["tags ./images/example/app", "Names alone"],
      ["tags ./images/example/app --long", "With what they point at"],
      ["tags ./images/example/app --match 'v1.*' --sort created --limit 5", "The newest of some"],
      ["tags docker://registry.example.com/app", "Those on the network"],
      ["tags --layout ./images example/app --json", "For scripts"]
    ])
  )
