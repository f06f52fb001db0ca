/** Tools that list: layouts, repositories, tags, referrers. */
import { Effect, Option, Result, Schema, Stream } from "effect"
import type { Page } from "../../layout/query.ts"
import { isDigest, shortDigest } from "../../oci/Digest.ts"
import { fits } from "../../oci/glob.ts"
import { kindOf } from "../../oci/MediaType.ts"
import type { RegistryError } from "../../oci/OciError.ts"
import type { Tag } from "../../oci/Reference.ts"
import { createdOf, newestTags } from "../../ops/content/createdOf.ts"
import { findManifest, parseRef } from "../../ops/refs/find.ts"
import { placeAt } from "../../ops/refs/placeAt.ts"
import { Allowance, clean, cleanEntries, pageOf } from "../tool/display.ts"
import * as limits from "../tool/limits.ts"
import { pageOfNames } from "../tool/names.ts"
import * as p from "../tool/parameters.ts"
import { isWritable, movesFiles, type ServedLayout } from "../tool/ServerConfig.ts"
import { summaryOf } from "../tool/summary.ts"
import { invalidArgument } from "../tool/SurfaceError.ts"
import { defineTool } from "../tool/Tool.ts"

const LayoutSummary = Schema.Struct({
  id: Schema.String,
  path: p.optional(Schema.String),
  mode: Schema.Literals(["read", "write", "delete"]),
  repositories: Schema.Natural,
  tags: Schema.Natural,
  blobs: Schema.Natural,
  bytes: Schema.Natural,
  problem: p.optional(Schema.String)
})

export const listLayouts = defineTool({
  name: "oci_list_layouts",
  toolset: "read",
  title: "List layouts",
  description: (served) =>
    movesFiles(served)
      ? "Lists the OCI image layouts this server was started with, what may be done to each (read, write, delete), and the directories files may be pushed from or exported to. Call it first when a path or a permission is refused, or to learn the layout ids when there are several."
      : "Lists the OCI image layouts this server was started with, how much there is in each, what is wrong with one that cannot be opened, and what may be done to it (read, write, delete). Call it first when a permission is refused, or to learn the layout ids when there are several.",
  hints: p.reading,
  needs: "nothing",
  input: Schema.Struct({}),
  output: Schema.Struct({
    layouts: Schema.Array(LayoutSummary),
    allowed_directories: p.strings,
    inline_limit: Schema.Natural
  }),
  run: Effect.fn("oci_list_layouts")(function*(_input, { chosen, files, served }) {
    const layouts = chosen === undefined ? served.layouts : [chosen]
    return {
      layouts: yield* Effect.forEach(layouts, (layout) => summaryOf(layout, served.mode)),
      allowed_directories: isWritable(served) ? (yield* files).allowed : [],
      inline_limit: limits.inlineBytes
    }
  })
})

const Unnamed = Schema.Struct({ name: p.optional(Schema.String), digest: Schema.String, reason: Schema.String })

export const listRepositories = defineTool({
  name: "oci_list_repositories",
  toolset: "read",
  title: "List repositories",
  description:
    "Lists repository names in lexical order. Use prefix to narrow and start_after with next_start_after to page. unnamed lists entries of the layout whose name fits no repository; their raw name can be read as a ref. With at, lists those there were then.",
  hints: p.reading,
  needs: "nothing",
  input: Schema.Struct({
    prefix: p.optional(p.text("Only names that start with this")),
    at: p.atTime,
    start_after: p.startAfter,
    limit: p.integer("Names per page", { minimum: 1, maximum: 1000, default: 100 })
  }),
  output: Schema.Struct({
    repositories: p.strings,
    unnamed: p.optional(Schema.Array(Unnamed)),
    unnamed_omitted: p.optional(Schema.Natural),
    next_start_after: p.optional(Schema.String)
  }),
  run: Effect.fn("oci_list_repositories")(function*({ at, limit, prefix, start_after }, { layout }) {
    const { registry } = yield* placeAt(layout, at)
    const first = start_after === undefined && prefix === undefined
    const unnamed = first ? yield* Stream.runCollect(registry.unnamed()) : []
    const few = unnamed.slice(0, limits.textEntries)
    const shown = new Allowance(limits.partCharacters / 4).take(few.map(({ digest, reason, refName }) => ({
      ...(refName === undefined ? {} : { name: clean(refName) }),
      digest: isDigest(digest) ? shortDigest(digest) : clean(digest),
      reason: clean(reason)
    })))
    const rest = new Allowance(limits.partCharacters * 3 / 4)
    const { items, more } = yield* pageOfNames(
      (page) => registry.repositories(page),
      { limit, prefix, start_after },
      rest
    )
    return {
      repositories: items,
      ...(shown.length === 0 ? {} : { unnamed: shown }),
      ...(shown.length < unnamed.length ? { unnamed_omitted: unnamed.length - shown.length } : {}),
      ...nextOf(items, more)
    }
  })
})

const TagDetail = Schema.Struct({
  tag: Schema.String,
  digest: Schema.String,
  kind: Schema.Literals(["image", "index", "artifact"]),
  size: Schema.Natural,
  created: p.optional(Schema.String)
})

const Untagged = Schema.Struct({ digest: Schema.String, mediaType: Schema.String, size: Schema.Natural })

export const listTags = defineTool({
  name: "oci_list_tags",
  toolset: "read",
  title: "List tags",
  description:
    "Lists the tags of a repository. Returns names only; with detail also a shortened digest, the kind (image, index, artifact), the size of the manifest each tag points to, and when the image was created, as far as it says. sort created lists the newest first, and those that say nothing last. With untagged lists the manifests that no tag names instead. Shortened digests are accepted wherever a ref is.",
  hints: p.reading,
  needs: "nothing",
  input: Schema.Struct({
    repository: p.repository,
    prefix: p.optional(p.text("Only tags that start with this")),
    match: p.optional(p.text("Only tags like this, with * and ?")),
    at: p.atTime,
    detail: p.flag("Add digest, kind, size and creation time per tag (about 5x the tokens)"),
    sort: p.choice("Order of the tags", ["name", "created"], "name"),
    untagged: p.flag("List manifests without a tag instead"),
    start_after: p.startAfter,
    limit: p.integer("Tags per page", { minimum: 1, maximum: 1000, default: 100 })
  }),
  output: Schema.Struct({
    repository: Schema.String,
    tags: p.strings,
    details: p.optional(Schema.Array(TagDetail)),
    untagged: p.optional(Schema.Array(Untagged)),
    next_start_after: p.optional(Schema.String)
  }),
  run: Effect.fn("oci_list_tags")(function*(request, call) {
    const { at, detail, limit, match, prefix, repository, sort, start_after, untagged } = request
    const layout = yield* placeAt(call.layout, at)
    const { registry } = layout
    if (untagged) {
      if (prefix !== undefined || match !== undefined || detail || sort !== "name") {
        return yield* invalidArgument("untagged: goes without prefix, match, detail and sort")
      }
      const found = yield* Stream.runCollect(
        registry.untagged(repository, { startAfter: start_after, limit: limit + 1 })
      )
      const { items, more } = pageOf(found.map(({ digest, mediaType, size }) => ({ digest, mediaType, size })), limit)
      return { repository, tags: [], untagged: items, ...nextOf(items.map(({ digest }) => digest), more) }
    }
    const isMatch = match === undefined ? undefined : fits(match)
    const chosen = (page: Page) => {
      const all = registry.tags(repository, page)
      return isMatch === undefined ? all : Stream.filter(all, isMatch)
    }
    const dated = sort === "name" ? undefined : yield* datedTags(layout, chosen, request)
    const names = dated === undefined
      ? yield* pageOfNames(chosen, { limit, prefix, start_after })
      : yield* newestFirst(Array.from(dated.keys()), request)
    if (!detail) return { repository, tags: names.items, ...nextOf(names.items, names.more) }
    const all = yield* Effect.forEach(names.items, (tag) => detailOf(layout, repository, tag, dated?.get(tag)), {
      concurrency: 8
    })
    // A tag that has gone since it was listed has no details, and is no tag any more.
    const details = new Allowance(limits.partCharacters / 2).take(all.flatMap((one) => one ?? []))
    const cut = details.length < names.items.length
    const tags = details.map(({ tag }) => tag)
    return { repository, tags, details, ...nextOf(cut ? tags : names.items, cut || names.more) }
  })
})

/** Tags, those whose images were created last before the others; of one age, in lexical order. */
const datedTags = Effect.fnUntraced(function*(
  { registry }: ServedLayout,
  list: (page: Page) => Stream.Stream<Tag, RegistryError>,
  { prefix = "", repository }: { readonly prefix?: string | undefined; readonly repository: string }
) {
  const tags = (yield* Stream.runCollect(list({}))).filter((tag) => tag.startsWith(prefix))
  return yield* newestTags(registry, repository, tags)
})

/** A page of them. */
const newestFirst = Effect.fnUntraced(function*(
  sorted: ReadonlyArray<Tag>,
  { limit, start_after }: { readonly limit: number; readonly start_after?: string | undefined }
) {
  const begin = start_after === undefined ? 0 : sorted.findIndex((tag) => tag === start_after) + 1
  if (start_after !== undefined && begin === 0) {
    return yield* invalidArgument("start_after: no such tag here; begin again without it")
  }
  return pageOf(sorted.slice(begin, begin + limit + 1), limit)
})

/** A manifest that cannot be read is still listed, as what its media type says it is. */
const detailOf = Effect.fnUntraced(
  function*({ registry }: ServedLayout, repository: string, tag: Tag, known: Option.Option<string> | undefined) {
    const descriptor = yield* registry.resolveTag(repository, tag)
    const facts = yield* Effect.result(registry.describe(repository, descriptor))
    const kinds = { index: "index", manifest: "image", other: "artifact" } as const
    return {
      tag,
      digest: shortDigest(descriptor.digest),
      kind: Result.isSuccess(facts) ? facts.success.kind : kinds[kindOf(descriptor.mediaType)],
      size: descriptor.size,
      ...Option.match(known ?? (yield* createdOf(registry, repository, descriptor)), {
        onNone: () => ({}),
        onSome: (created) => ({ created })
      })
    }
  },
  Effect.catchTags({ ManifestUnknown: () => Effect.undefined, NameUnknown: () => Effect.undefined })
)

const Referrer = Schema.Struct({
  ...p.descriptor,
  artifact_type: p.optional(Schema.String),
  annotations: p.optional(p.stringMap),
  annotations_omitted: p.optional(Schema.Natural)
})

export const listReferrers = defineTool({
  name: "oci_list_referrers",
  toolset: "read",
  title: "List referrers",
  description:
    "Lists manifests whose subject is the given manifest: signatures, SBOMs, attestations and other attached artifacts. Filter by artifact_type, then read one with oci_get_manifest and its content with oci_read_blob. What is attached to one platform of an index is listed for the digest of that platform, not for the index. A full digest need not exist here itself.",
  hints: p.reading,
  needs: "nothing",
  input: Schema.Struct({
    ref: p.ref,
    at: p.at,
    artifact_type: p.optional(p.text("Exact artifact type, e.g. application/spdx+json")),
    start_after: p.startAfter,
    limit: p.integer("Referrers per page", { minimum: 1, maximum: 500, default: 20 })
  }),
  output: Schema.Struct({
    subject: Schema.String,
    referrers: Schema.Array(Referrer),
    next_start_after: p.optional(Schema.String)
  }),
  run: Effect.fn("oci_list_referrers")(function*({ artifact_type, at, limit, ref, start_after }, call) {
    const layout = yield* placeAt(call.layout, at, ref)
    const { digest, repository } = yield* subjectOf(layout, ref)
    const found = yield* Stream.runCollect(layout.registry.referrers(repository, digest, {
      artifactType: artifact_type,
      startAfter: start_after,
      limit: limit + 1
    }))
    const { items, more } = pageOf(
      found.map(({ annotations = {}, artifactType, ...descriptor }) => {
        const { omitted, shown } = cleanEntries(Object.entries(annotations), new Allowance(limits.referrerCharacters))
        return {
          mediaType: descriptor.mediaType,
          digest: descriptor.digest,
          size: descriptor.size,
          ...(artifactType === undefined ? {} : { artifact_type: clean(artifactType) }),
          ...(Object.keys(shown).length === 0 ? {} : { annotations: shown }),
          ...(omitted === 0 ? {} : { annotations_omitted: omitted })
        }
      }),
      limit
    )
    return { subject: digest, referrers: items, ...nextOf(items.map((item) => item.digest), more) }
  })
})

/** The subject of referrers need not exist (distribution-spec, "Listing Referrers"), so a full digest is taken as it is. */
const subjectOf = Effect.fnUntraced(function*(layout: ServedLayout, ref: string) {
  const parsed = parseRef(ref)
  if (Result.isSuccess(parsed) && parsed.success.by._tag === "Digest") {
    return { repository: parsed.success.repository, digest: parsed.success.by.digest }
  }
  const { descriptor, repository } = yield* findManifest(layout, ref)
  return { repository: repository ?? "raw", digest: descriptor.digest }
})

const nextOf = (names: ReadonlyArray<string>, more: boolean): { readonly next_start_after?: string } => {
  const last = names.at(-1)
  return more && last !== undefined ? { next_start_after: last } : {}
}
