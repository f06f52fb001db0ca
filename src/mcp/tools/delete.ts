/** Removes one thing: a tag or a manifest, and where the server allows it a blob. */
import { Effect, Result, Schema } from "effect"
import { Conflict, Referenced, ReferenceInvalid } from "../../oci/OciError.ts"
import { parseLayoutReference } from "../../oci/Reference.ts"
import type { LayoutRegistry } from "../../ops/api/Layout.ts"
import { parseRef, requireDigest } from "../../ops/refs/find.ts"
import { Allowance } from "../tool/display.ts"
import * as p from "../tool/parameters.ts"
import type { Mode, ServedLayout } from "../tool/ServerConfig.ts"
import { invalidArgument, type ToolError } from "../tool/SurfaceError.ts"
import { type Call, defineTool, type MakeTool, type ToolSpec } from "../tool/Tool.ts"

const Deleted = Schema.Struct({
  kind: Schema.Literals(["tag", "manifest", "blob"]),
  ...p.source,
  digest: p.optional(Schema.String),
  deleted: Schema.Boolean,
  refused: p.optional(Schema.String),
  tags_removed: p.strings,
  needed_by: p.strings,
  dangling_referrers: Schema.Natural,
  freed_bytes: Schema.Natural,
  reclaimable_bytes: p.optional(Schema.Natural),
  omitted: p.optional(Schema.Natural)
})
type Deleted = typeof Deleted.Type

const common = {
  name: "oci_delete",
  toolset: "delete",
  hints: p.removing,
  needs: "writing",
  output: Deleted
} as const

const ifDigest = p.optional(p.digestAs("Delete the tag only if it points at this full digest"))
const dryRun = p.flag("Only report what would happen")

const force = p.flag("Remove a manifest also when something still needs it")

const remove = (given: Given, call: Call): Effect.Effect<Deleted, ToolError> => {
  const { ref = "", refs } = given
  if ((given.ref === undefined) === (refs === undefined) || refs !== undefined && given.kind !== "tag") {
    return Effect.fail(invalidArgument("ref, refs: give ref, or of tags several as refs"))
  }
  const request: Request = { ...given, ref }
  switch (request.kind) {
    case "tag":
      return request.refs === undefined ? deleteTag(call.layout, request) : deleteTags(call.layout, request)
    case "manifest":
      return deleteManifest(call.layout, request)
    case "blob":
      return deleteBlob(call, request)
  }
}

/** Where nothing may be removed that does not come back. */
const undoable: ToolSpec<Given, Deleted> = {
  ...common,
  title: "Delete a tag or manifest",
  description:
    "Removes one thing from a repository. kind tag removes only the tag; kind manifest removes a manifest and every tag on it, and is refused while something needs it, unless force. With dry_run it only reports: whether it would be refused, the tags that would go, who still needs it, the artifacts left dangling, and how many bytes only it needs. oci_restore takes it back. Blobs cannot be removed, since this server was started without --allow-delete.",
  input: Schema.Struct({
    kind: Schema.Literals(["tag", "manifest"]).annotate({ description: "What to remove" }),
    ref: p.optional(p.text("repository:tag (or a raw name) for a tag, repository@<full digest> otherwise")),
    refs: p.optional(p.several("Several tags instead, repository:tag each, removed in one commit")),
    if_digest: ifDigest,
    dry_run: dryRun,
    force
  }),
  run: Effect.fn("oci_delete")(remove)
}

const anything: ToolSpec<Given, Deleted> = {
  ...common,
  title: "Delete a tag, manifest or blob",
  description:
    "Removes one thing from a repository. kind tag removes only the tag; kind manifest removes a manifest and every tag on it; kind blob removes a blob and frees its space. With dry_run it only reports: whether it would be refused, the tags that would go, who still needs it, the artifacts left dangling, and how many bytes only it needs, for oci_gc to free later. A manifest or blob must be named by its full digest. What is still needed is refused; force removes a manifest all the same, never a blob. oci_restore takes back the removal of a tag or manifest, not of a blob.",
  input: Schema.Struct({
    kind: Schema.Literals(["tag", "manifest", "blob"]).annotate({ description: "What to remove" }),
    ref: p.optional(p.text("repository:tag (or a raw name) for a tag, repository@<full digest> otherwise")),
    refs: p.optional(p.several("Several tags instead, repository:tag each, removed in one commit")),
    if_digest: ifDigest,
    dry_run: dryRun,
    force
  }),
  run: Effect.fn("oci_delete")(remove)
}

interface Given extends Omit<Request, "ref"> {
  readonly ref?: string
}

interface Request {
  readonly kind: "tag" | "manifest" | "blob"
  readonly ref: string
  readonly refs?: ReadonlyArray<string>
  readonly if_digest?: string
  readonly dry_run: boolean
  readonly force?: boolean
}

const deleteTools: Readonly<Record<Mode, MakeTool>> = {
  read: defineTool(undoable),
  write: defineTool(undoable),
  delete: defineTool(anything)
}

/** Offers the kinds that the mode allows. */
export const deleteContent: MakeTool = (served) => deleteTools[served.mode](served)

const deleteTag = Effect.fnUntraced(function*(
  { registry }: ServedLayout,
  { dry_run, force = false, if_digest, ref }: Request
): Effect.fn.Return<Deleted, ToolError> {
  if (force) return yield* invalidArgument("force: is for manifests")
  const raw = yield* rawEntry(registry, ref)
  if (raw !== undefined) return yield* deleteRaw(registry, ref, raw, { dry_run, if_digest })
  const { digest: named, repository, tag } = yield* Effect.fromResult(parseLayoutReference(ref))
  // Deleting `latest` because no tag was named would be a guess.
  if (tag === undefined || named !== undefined) {
    return yield* new ReferenceInvalid({ input: ref, reason: "has to be repository:tag to delete a tag" })
  }
  const report = (digest: string, reclaimable: number): Deleted => ({
    kind: "tag",
    repository,
    digest,
    deleted: !dry_run,
    tags_removed: [tag],
    needed_by: [],
    dangling_referrers: 0,
    freed_bytes: 0,
    reclaimable_bytes: reclaimable
  })
  const { digest } = yield* registry.resolveTag(repository, tag)
  if (if_digest !== undefined && if_digest !== digest) {
    return yield* new Conflict({ reason: "it points elsewhere", repository, tag, expected: if_digest, actual: digest })
  }
  const { reclaimable, tags } = yield* registry.forecast(repository, "manifest", digest)
  const alone = tags.length === 1 ? reclaimable : 0
  if (dry_run) return report(digest, alone)
  const deleted = yield* registry.deleteTag(repository, tag, if_digest === undefined ? {} : { ifDigest: if_digest })
  return report(deleted.digest, alone)
})

/** What an entry points at that only its raw name reaches: a name that is read as repository:tag first. */
const rawEntry = Effect.fnUntraced(function*(
  registry: LayoutRegistry,
  ref: string
): Effect.fn.Return<string | undefined, ToolError> {
  const parsed = parseLayoutReference(ref)
  if (Result.isSuccess(parsed) && parsed.success.tag !== undefined && parsed.success.digest === undefined) {
    const { repository, tag } = parsed.success
    if (Result.isSuccess(yield* Effect.result(registry.resolveTag(repository, tag)))) return undefined
  }
  const found = yield* Effect.result(registry.resolveName(ref))
  return Result.isSuccess(found) ? found.success.digest : undefined
})

const deleteRaw = Effect.fnUntraced(function*(
  registry: LayoutRegistry,
  name: string,
  digest: string,
  { dry_run, if_digest }: { readonly dry_run: boolean; readonly if_digest: string | undefined }
): Effect.fn.Return<Deleted, ToolError> {
  if (if_digest !== undefined && if_digest !== digest) {
    return yield* new Conflict({
      reason: "it points elsewhere",
      repository: name,
      tag: "",
      expected: if_digest,
      actual: digest
    })
  }
  if (!dry_run) yield* registry.deleteName(name, { ifDigest: digest })
  return {
    kind: "tag",
    name,
    digest,
    deleted: !dry_run,
    tags_removed: [name],
    needed_by: [],
    dangling_referrers: 0,
    freed_bytes: 0
  }
})

/** All of them in one commit, or none: each as it pointed when it was looked at. */
const deleteTags = Effect.fnUntraced(function*(
  { registry }: ServedLayout,
  { dry_run, force = false, if_digest, refs = [] }: Request
): Effect.fn.Return<Deleted, ToolError> {
  if (force || if_digest !== undefined) return yield* invalidArgument("refs: goes without force and if_digest")
  const changes = yield* Effect.forEach(
    new Set(refs),
    Effect.fnUntraced(function*(ref) {
      const { digest, repository, tag } = yield* Effect.fromResult(parseLayoutReference(ref))
      if (tag === undefined || digest !== undefined) {
        return yield* new ReferenceInvalid({ input: ref, reason: "has to be repository:tag to delete a tag" })
      }
      const found = yield* registry.resolveTag(repository, tag)
      return { _tag: "DeleteTag", repository, tag, ifDigest: found.digest } as const
    })
  )
  if (!dry_run) yield* registry.batch(changes)
  const { needed_by, ...shown } = shortLists(changes.map(({ repository, tag }) => `${repository}:${tag}`), [])
  return { kind: "tag", deleted: !dry_run, ...shown, needed_by, dangling_referrers: 0, freed_bytes: 0 }
})

const refusal = (digest: string, by: ReadonlyArray<string>): { readonly refused?: string } => {
  if (by.length === 0) return {}
  const { code, message } = new Referenced({ digest, by: Array.from(by) })
  return { refused: `${code}: ${message}` }
}

const deleteManifest = Effect.fnUntraced(function*(
  { registry }: ServedLayout,
  request: Request
): Effect.fn.Return<Deleted, ToolError> {
  const { digest, repository } = yield* addressed(request)
  const forecast = yield* registry.forecast(repository, "manifest", digest)
  const tags = request.dry_run
    ? forecast.tags
    : (yield* registry.deleteManifest(repository, digest, { force: request.force ?? false })).tags
  return {
    kind: "manifest",
    repository,
    digest,
    deleted: !request.dry_run,
    ...(request.dry_run && request.force !== true ? refusal(digest, forecast.neededBy) : {}),
    ...shortLists(tags, forecast.neededBy),
    dangling_referrers: forecast.referrers.length,
    freed_bytes: 0,
    reclaimable_bytes: forecast.reclaimable
  }
})

const deleteBlob = Effect.fnUntraced(function*(
  { confirm, layout: { id, registry } }: Call,
  request: Request
): Effect.fn.Return<Deleted, ToolError> {
  if (request.force === true) return yield* invalidArgument("force: is for manifests; a blob that is needed stays")
  const { digest, repository } = yield* addressed(request)
  const { neededBy } = yield* registry.forecast(repository, "blob", digest)
  const { size } = yield* registry.resolveBlob(repository, digest)
  if (!request.dry_run) {
    // What is needed is refused without a question.
    if (neededBy.length === 0) {
      yield* confirm(`Delete blob ${digest} (${size} bytes) from layout ${id}? It does not come back.`)
    }
    yield* registry.deleteBlob(repository, digest)
  }
  return {
    kind: "blob",
    repository,
    digest,
    deleted: !request.dry_run,
    ...(request.dry_run ? refusal(digest, neededBy) : {}),
    ...shortLists([], neededBy),
    dangling_referrers: 0,
    freed_bytes: neededBy.length === 0 ? size : 0,
    reclaimable_bytes: 0
  }
})

/** What cannot be brought back is named in full. */
const addressed = Effect.fnUntraced(function*({ if_digest, ref }: Request): Effect.fn.Return<
  { readonly repository: string; readonly digest: string },
  ToolError
> {
  if (if_digest !== undefined) return yield* invalidArgument("if_digest: is for tags")
  const parsed = yield* Effect.fromResult(Result.flatMap(
    parseRef(ref),
    (parsed) => Result.map(requireDigest(parsed), (digest) => ({ repository: parsed.repository, digest }))
  ))
  return parsed
})

const shortLists = (tags: ReadonlyArray<string>, neededBy: ReadonlyArray<string>) => {
  const allowance = new Allowance()
  const shown = { tags_removed: allowance.take(tags), needed_by: allowance.take(neededBy) }
  const omitted = tags.length + neededBy.length - shown.tags_removed.length - shown.needed_by.length
  return omitted === 0 ? shown : { ...shown, omitted }
}
