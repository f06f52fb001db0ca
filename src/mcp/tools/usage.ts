/** Tells what takes the space of a layout, or of an image. */
import { Effect, Schema } from "effect"
import { type ImageSizes, sizesOf } from "../../image/inside/sizes.ts"
import { usageOf } from "../../ops/content/usage.ts"
import { Allowance, clean } from "../tool/display.ts"
import * as limits from "../tool/limits.ts"
import * as p from "../tool/parameters.ts"
import { defineTool } from "../tool/Tool.ts"
import { opened } from "./inside.ts"

/** Where the bytes of one image are. */
const ImageUsage = Schema.Struct({
  files: Schema.Natural,
  visible: Schema.Natural,
  hidden: Schema.Natural,
  repeated: Schema.Natural,
  layers: Schema.Array(Schema.Struct({
    layer: Schema.Natural,
    stored: Schema.Natural,
    files: Schema.Natural,
    hidden: Schema.Natural,
    created_by: p.optional(Schema.String)
  })),
  folders: Schema.Array(Schema.Struct({ path: Schema.String, bytes: Schema.Natural })),
  largest: Schema.Array(Schema.Struct({ path: Schema.String, size: Schema.Natural, layer: Schema.Natural }))
})

const Amount = Schema.Struct({ blobs: Schema.Natural, bytes: Schema.Natural })

export const usage = defineTool({
  name: "oci_usage",
  toolset: "inspect",
  title: "Show what takes space",
  description:
    "Tells how many bytes a layout has, and which repositories and tags need them, the largest first: bytes is all that a name needs, unique what nothing else needs, and so what its removal could free. held tells what is kept besides: second names of content (they take no space of their own; only counts what another tool has removed from the layout), and the trash of collections. With ref, what takes the space inside that image instead: layers (hidden: replaced or deleted by later ones), folders, largest files.",
  hints: p.reading,
  needs: "nothing",
  input: Schema.Struct({
    repository: p.optional(p.repository),
    ref: p.optional(p.ref),
    limit: p.integer("Items of each list to return", { minimum: 1, maximum: 500, default: 20 }),
    platform: p.platform
  }),
  output: Schema.Struct({
    ...Amount.fields,
    repositories: p.optional(Schema.Array(Schema.Struct({
      repository: Schema.String,
      tags: Schema.Natural,
      bytes: Schema.Natural,
      unique: Schema.Natural
    }))),
    repositories_omitted: p.optional(Schema.Natural),
    tags: p.optional(
      Schema.Array(Schema.Struct({ ref: Schema.String, bytes: Schema.Natural, unique: Schema.Natural }))
    ),
    tags_omitted: p.optional(Schema.Natural),
    held: p.optional(Schema.Struct({ kept: Amount, only: Amount, trash: Amount })),
    image: p.optional(ImageUsage)
  }),
  run: Effect.fn("oci_usage")(function*({ limit, platform, ref, repository }, call) {
    if (ref !== undefined) return imageUsage(sizesOf(yield* opened(call, ref, platform), limit), limit)
    const { layout: { registry } } = call
    const found = yield* usageOf(registry, repository)
    const tags = found.tags.map(({ bytes, repository, tag, unique }) => ({
      ref: `${repository}:${tag}`,
      bytes,
      unique
    }))
    const shown = {
      repositories: new Allowance(limits.partCharacters / 2).take(found.repositories.slice(0, limit)),
      tags: new Allowance(limits.partCharacters / 2).take(tags.slice(0, limit))
    }
    const left = [found.repositories.length - shown.repositories.length, tags.length - shown.tags.length] as const
    return {
      ...(yield* registry.usage),
      repositories: shown.repositories,
      ...(left[0] === 0 ? {} : { repositories_omitted: left[0] }),
      tags: shown.tags,
      ...(left[1] === 0 ? {} : { tags_omitted: left[1] }),
      held: yield* registry.held
    }
  })
})

/** As much of each list as fits into a third of a result. */
const imageUsage = ({ blobs, folders, largest, layers, ...sizes }: ImageSizes, limit: number) => {
  const { files, hidden, repeated, visible } = sizes
  const fitting = <A>(items: ReadonlyArray<A>) => new Allowance(limits.partCharacters / 3).take(items.slice(0, limit))
  return {
    blobs: layers.length,
    bytes: blobs,
    image: {
      files,
      visible,
      hidden,
      repeated,
      layers: fitting(layers.map(({ blob, createdBy, files, hidden }, layer) => ({
        layer,
        stored: blob,
        files,
        hidden,
        ...(createdBy === undefined ? {} : { created_by: clean(createdBy) })
      }))),
      folders: fitting(folders.map(({ bytes, path }) => ({ path, bytes }))),
      largest: fitting(largest.map(({ layer, path, size }) => ({ path, size, layer })))
    }
  }
}
