/** What the resources are and what they hold: everything a model needs is a tool as well, these are for applications. */
import { Effect, Option, Result, type Schema, Stream } from "effect"
import { Base64 } from "effect/encoding"
import { readPath } from "../../image/inside/readPath.ts"
import { decodeText } from "../../oci/Json.ts"
import { imageIndex, octetStream } from "../../oci/MediaType.ts"
import { Unsupported } from "../../oci/OciError.ts"
import type { Content } from "../../ops/api/Content.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import { type Refused, refusing } from "../catalog/Refused.ts"
import type { ToolCatalog } from "../catalog/toolCatalog.ts"
import * as limits from "../tool/limits.ts"
import type { ServedLayout, ServerConfig } from "../tool/ServerConfig.ts"
import { summaryOf } from "../tool/summary.ts"
import { ResourceTooLarge, ResourceUnknown, type ToolError } from "../tool/SurfaceError.ts"
import { layoutUri, parseUri, type ResourceName } from "./ResourceUri.ts"

/** A resource as clients list it. */
export interface ListedResource {
  readonly uri: string
  readonly name: string
  readonly title: string
  readonly description: string
  readonly mimeType: string
}

/** The layouts; what is in them can be a great deal, and is found with templates. */
export const listResources = ({ layouts }: ServerConfig): ReadonlyArray<ListedResource> =>
  layouts.map(({ id, path, perRepository }) => ({
    uri: layoutUri(id),
    name: id,
    title: `Layout ${id}`,
    description: `How many repositories, tags and blobs ${path} has, and whether it can be read.${
      perRepository ? "" : " Can be subscribed to."
    }`,
    mimeType: json
  }))

/** One resource: text where it is UTF-8, otherwise base64. */
export type ResourceContents =
  & { readonly uri: string; readonly mimeType: string }
  & ({ readonly text: string } | { readonly blob: string })

/** The layout that a name is in. `ResourceUnknown`. */
export const layoutOf = ({ layouts }: ServerConfig, uri: string, { layout: id }: ResourceName) => {
  const layout = layouts.find((one) => one.id === id)
  return layout === undefined
    ? Effect.fail(new ResourceUnknown({ uri, reason: `there is no layout ${id}` }))
    : Effect.succeed(layout)
}

/** A resource by its URI, of at most 1 MiB. */
export const readResource = (catalogue: ToolCatalog, uri: string): Effect.Effect<ResourceContents, Refused> => {
  const { served } = catalogue
  const parsed = parseUri(uri)
  const id = Result.isSuccess(parsed) ? parsed.success.layout : undefined
  const about = served.layouts.find((layout) => layout.id === id) ?? served.layouts[0]
  return refusing(
    catalogue,
    about,
    "reading a resource",
    Effect.gen(function*() {
      const name = yield* Effect.fromResult(parsed)
      const layout = yield* layoutOf(served, uri, name)
      return { uri, ...(yield* contentsOf(served, layout, name)) }
    })
  )
}

type Contents = { readonly mimeType: string } & ({ readonly text: string } | { readonly blob: string })

const contentsOf = (
  served: ServerConfig,
  layout: ServedLayout,
  name: ResourceName
): Effect.Effect<Contents, ToolError> => {
  const { registry } = layout
  switch (name._tag) {
    case "Layout":
      return Effect.map(summaryOf(layout, served.mode), jsonContents)
    case "Tags":
      return tagsOf(layout, name.repository)
    case "Manifest": {
      const { reference, repository } = name
      const manifest = reference.includes(":")
        ? registry.getManifest(repository, reference)
        : registry.getTag(repository, reference)
      return Effect.flatMap(manifest, (content) => whole(content, content.descriptor.mediaType))
    }
    case "Blob":
      return Effect.scoped(Effect.flatMap(registry.getBlob(name.repository, name.digest), (content) => whole(content)))
    case "Referrers":
      return referrersOf(layout, name.repository, name.digest)
    case "File":
      return fileOf(served, layout, name)
  }
}

const json = "application/json"

const jsonContents = (value: Schema.Json): Contents => ({ mimeType: json, text: JSON.stringify(value) })

const tooLarge = (what: ResourceTooLarge["what"], size: number): ResourceTooLarge =>
  new ResourceTooLarge({ what, size, limit: limits.resourceBytes })

/** Content that is small, by what it says and by what comes. */
const whole = Effect.fnUntraced(function*(
  { descriptor, stream }: Content,
  mediaType?: string
): Effect.fn.Return<Contents, ToolError> {
  return yield* textOrBase64(descriptor.size, stream, mediaType)
})

const textOrBase64 = Effect.fnUntraced(function*(
  size: number,
  stream: Stream.Stream<Uint8Array, ToolError>,
  mediaType?: string
): Effect.fn.Return<Contents, ToolError> {
  if (size > limits.resourceBytes) return yield* tooLarge("content", size)
  const bytes = yield* collectBytes(
    stream,
    (size) => size > limits.resourceBytes ? Effect.fail(tooLarge("content", size)) : Effect.void
  )
  return Result.match(decodeText(bytes), {
    onFailure: () => ({ mimeType: mediaType ?? octetStream, blob: Base64.encode(bytes) }),
    onSuccess: (text) => ({ mimeType: mediaType ?? "text/plain", text })
  })
})

const fileOf = Effect.fnUntraced(function*(
  { inside }: ServerConfig,
  { registry }: ServedLayout,
  { path, reference, repository }: Extract<ResourceName, { readonly _tag: "File" }>
): Effect.fn.Return<Contents, ToolError> {
  if (inside === undefined) {
    return yield* new Unsupported({
      operation: "looking inside images",
      reason: "this server cannot decompress layers"
    })
  }
  const { content, row } = yield* readPath(yield* inside.open({ registry, repository, reference }), path)
  return yield* textOrBase64(row.size, content)
})

/** Gathers pieces of JSON until they are too large together. */
const gathered = <A>(
  what: "tags" | "referrers",
  items: Stream.Stream<A, ToolError>,
  show: (item: A) => string
): Effect.Effect<ReadonlyArray<string>, ToolError> =>
  Effect.suspend(() => {
    const shown: Array<string> = []
    let size = 0
    return Effect.as(
      Stream.runForEach(items, (item) => {
        const text = show(item)
        size += text.length + 1
        shown.push(text)
        return size > limits.resourceBytes ? Effect.fail(tooLarge(what, size)) : Effect.void
      }),
      shown
    )
  })

/** A tag that goes while they are read is none of them. */
const tagsOf = ({ registry }: ServedLayout, repository: string): Effect.Effect<Contents, ToolError> => {
  const tags = registry.tags(repository).pipe(
    Stream.mapEffect((tag) =>
      Effect.catchTags(Effect.map(registry.resolveTag(repository, tag), ({ digest }) => Option.some({ tag, digest })), {
        ManifestUnknown: () => Effect.succeedNone,
        NameUnknown: () => Effect.succeedNone
      })
    ),
    Stream.filter(Option.isSome)
  )
  const show = ({ value: { digest, tag } }: Option.Some<{ readonly tag: string; readonly digest: string }>) =>
    `${JSON.stringify(tag)}:${JSON.stringify(digest)}`
  return Effect.map(gathered("tags", tags, show), (shown) => ({ mimeType: json, text: `{${shown.join(",")}}` }))
}

const referrersOf = (
  { registry }: ServedLayout,
  repository: string,
  digest: string
): Effect.Effect<Contents, ToolError> =>
  Effect.map(gathered("referrers", registry.referrers(repository, digest), (one) => JSON.stringify(one)), (shown) => ({
    mimeType: imageIndex,
    text: `{"schemaVersion":2,"mediaType":${JSON.stringify(imageIndex)},"manifests":[${shown.join(",")}]}`
  }))
