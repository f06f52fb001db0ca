/** Copies an image to another repository, or to another layout. */
import { Effect, Schema } from "effect"
import { copyManifest } from "../../ops/copy/copyManifest.ts"
import { sourceOf } from "../../ops/refs/copySource.ts"
import { findManifest } from "../../ops/refs/find.ts"
import * as p from "../parameters.ts"
import type { Served, ServedLayout } from "../Served.ts"
import type { ToolError } from "../SurfaceError.ts"
import { type Call, defineTool, type MakeTool, type ToolSpec } from "../Tool.ts"

const Copied = Schema.Struct({
  repository: Schema.String,
  digest: Schema.String,
  tags: p.strings,
  manifests: Schema.Natural,
  blobs_copied: Schema.Natural,
  blobs_present: Schema.Natural,
  bytes_copied: Schema.Natural
})
type Copied = typeof Copied.Type

interface Request {
  readonly ref: string
  readonly to_repository: string
  readonly to_layout?: string
  readonly tags?: ReadonlyArray<string>
  readonly platform?: string
  readonly referrers: boolean
}

const arguments_ = {
  ref: p.ref,
  to_repository: p.repository,
  tags: p.optional(p.tags("Tags to create at the destination", 0)),
  platform: p.optional(p.text("Copy only this platform of an index, os/arch[/variant]")),
  referrers: p.flag("Also copy artifacts attached to it")
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
const between = ({ layouts }: Served): ToolSpec<Request, Copied> => {
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
  { platform, ref, referrers, tags = [], to_repository }: Request,
  { layout, progress }: Call,
  target: ServedLayout
): Effect.fn.Return<Copied, ToolError> {
  const copied = yield* copyManifest(
    sourceOf(yield* findManifest(layout, ref)),
    {
      registry: target.registry,
      repository: to_repository,
      tags: tags.map((tag) => ({ tag, ifAbsent: true }))
    },
    { platform, referrers, onProgress: ({ bytes, total }) => progress({ progress: bytes, total }) }
  )
  return {
    repository: copied.repository,
    digest: copied.digest,
    tags: copied.tags,
    manifests: copied.manifests,
    blobs_copied: copied.blobsCopied,
    blobs_present: copied.blobsPresent,
    bytes_copied: copied.bytesCopied
  }
})
