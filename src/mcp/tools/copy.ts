/** Copies an image to another repository, or to another layout. */
import { Effect, Schema } from "effect"
import { parseLayoutReference } from "../../oci/Reference.ts"
import type { CopyItem } from "../../ops/api/Copy.ts"
import { copyCounts } from "../../ops/copy/copyCounts.ts"
import { copyManifests } from "../../ops/copy/copyManifest.ts"
import { sourceFor } from "../../ops/refs/copySource.ts"
import { findManifest } from "../../ops/refs/find.ts"
import * as p from "../tool/parameters.ts"
import { shownChoice } from "../tool/platform.ts"
import type { ServedLayout, ServerConfig } from "../tool/ServerConfig.ts"
import { invalidArgument, type ToolError } from "../tool/SurfaceError.ts"
import { type Call, defineTool, type MakeTool, type ToolSpec } from "../tool/Tool.ts"

const Copied = Schema.Struct({
  repository: Schema.String,
  /** Of a single one. */
  digest: p.optional(Schema.String),
  tags: p.strings,
  manifests: Schema.Natural,
  blobs_copied: Schema.Natural,
  blobs_present: Schema.Natural,
  bytes_copied: Schema.Natural,
  /** Of the same tag, for other platforms: not copied. */
  others: p.optional(p.strings)
})
type Copied = typeof Copied.Type

interface Request {
  readonly ref?: string
  readonly refs?: ReadonlyArray<string>
  readonly to_repository: string
  readonly to_layout?: string
  readonly tags?: ReadonlyArray<string>
  readonly platform?: string
  readonly referrers: boolean
  readonly sparse: boolean
}

const arguments_ = {
  ref: p.optional(p.ref),
  refs: p.optional(p.several("Several instead, repository:tag each, in one commit; tags are kept")),
  to_repository: p.repository,
  tags: p.optional(p.tags("Tags to create at the destination", 0)),
  platform: p.optional(p.text("Copy only this platform of an index, os/arch[/variant]")),
  referrers: p.flag("Also copy artifacts attached to it"),
  sparse: p.flag("Also where content is missing")
}

const common = {
  name: "oci_copy",
  toolset: "write",
  title: "Copy an image",
  hints: p.adding,
  needs: "writing",
  output: Copied
} as const

const describing = (where: string): string =>
  `Copies a manifest and everything below it to another repository${where}, sending only what is not there. Copies all platforms of an index unless platform is given (then that single image). With referrers also copies attached artifacts. Tags are created last; one that already points elsewhere is refused. Reports progress and can be cancelled; a cancelled copy leaves no tag.`

const withinOne: ToolSpec<Request, Copied> = {
  ...common,
  description: describing(""),
  input: Schema.Struct(arguments_),
  run: Effect.fn("oci_copy")((request, call) => copy(request, call, call.layout))
}

/** Between layouts as well, where there are several. */
const between = ({ layouts }: ServerConfig): ToolSpec<Request, Copied> => {
  const byId = new Map(layouts.map((layout) => [layout.id, layout]))
  const to_layout = p.optional(
    Schema.Literals(Array.from(byId.keys())).annotate({ description: "Layout to copy to, if not the same" })
  )
  return {
    ...common,
    description: describing(", or to another configured layout"),
    input: Schema.Struct({ ...arguments_, to_layout }),
    run: Effect.fn("oci_copy")((request, call) => copy(request, call, byId.get(request.to_layout ?? "") ?? call.layout))
  }
}

export const copyImage: MakeTool = (served) =>
  served.layouts.length === 1 ? defineTool(withinOne)(served) : defineTool(between(served))(served)

const copy = Effect.fnUntraced(function*(
  request: Request,
  { layout, progress }: Call,
  target: ServedLayout
): Effect.fn.Return<Copied, ToolError> {
  const { platform, referrers, sparse, to_repository } = request
  const { items, others } = yield* itemsOf(layout, request)
  const all = yield* copyManifests(items, { registry: target.registry, repository: to_repository }, {
    platform,
    referrers,
    sparse,
    onProgress: ({ bytes, total }) => progress({ progress: bytes, total })
  })
  const [only, ...more] = all
  return {
    repository: to_repository,
    ...(only === undefined || more.length > 0 ? {} : { digest: only.digest }),
    tags: Array.from(new Set(all.flatMap(({ tags }) => tags))),
    ...copyCounts(all),
    ...(others.length === 0 ? {} : { others })
  }
})

interface Asked {
  readonly items: ReadonlyArray<CopyItem>
  /** What the same tags name, for other platforms. */
  readonly others: ReadonlyArray<string>
}

/** What is copied, each with the tags that it is to have; none of them moves a tag. */
const itemsOf = Effect.fnUntraced(function*(
  layout: ServedLayout,
  { platform, ref, refs, tags }: Request
): Effect.fn.Return<Asked, ToolError> {
  if ((ref === undefined) === (refs === undefined)) return yield* invalidArgument("ref, refs: give one of them")
  const others: Array<string> = []
  const sourceNamed = Effect.fnUntraced(function*(name: string) {
    const found = yield* findManifest(layout, name)
    if (platform === undefined) others.push(...(found.others ?? []).map(shownChoice))
    return yield* sourceFor(found, platform)
  })
  if (refs === undefined) {
    const source = yield* sourceNamed(ref ?? "")
    return { items: [{ source, tags: (tags ?? []).map((tag) => ({ tag, ifAbsent: true })) }], others }
  }
  if (tags !== undefined) return yield* invalidArgument("tags: are for a single ref; refs keep their own")
  const items = yield* Effect.forEach(
    refs,
    Effect.fnUntraced(function*(one) {
      const { digest, tag } = yield* Effect.fromResult(parseLayoutReference(one))
      if (tag === undefined || digest !== undefined) return yield* invalidArgument(`refs: ${one} is no repository:tag`)
      return { source: yield* sourceNamed(one), tags: [{ tag, ifAbsent: true }] }
    })
  )
  return { items, others }
})
