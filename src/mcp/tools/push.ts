/** Tools that add: blobs, manifests and tags. */
import { Effect, Option, Schema } from "effect"
import { field } from "../../oci/field.ts"
import { statedMediaType } from "../../oci/Manifest.ts"
import * as registryLimits from "../../ops/limits.ts"
import { findManifest } from "../../ops/refs/find.ts"
import { bare, contentOf, inlineText } from "../tool/content.ts"
import * as p from "../tool/parameters.ts"
import { collected } from "../tool/reference.ts"
import { movesFiles } from "../tool/ServerConfig.ts"
import { invalidArgument, type ToolError } from "../tool/SurfaceError.ts"
import { type Call, defineTool } from "../tool/Tool.ts"

export const pushBlob = defineTool({
  name: "oci_push_blob",
  toolset: "write",
  title: "Push a blob",
  description: (served) =>
    `Stores a blob and returns its descriptor. ${
      movesFiles(served)
        ? "Give exactly one of path (a file in an allowed directory; any size, preferred), text or base64 (small content only)."
        : "Give text or base64, small content only; what is larger goes in pieces, see oci_upload_start."
    } With digest or size the content must match or nothing is stored. Pushing content that is already there is fine. Push config and layers before the manifest that names them. Reports progress and can be cancelled.`,
  hints: p.adding,
  needs: "writing",
  input: Schema.Struct({
    repository: p.repository,
    path: p.optional(p.path("File to read")),
    text: p.inlineText,
    base64: p.inlineBase64,
    digest: p.optional(p.digest),
    size: p.optional(p.bytes("Expected size in bytes")),
    media_type: p.optional(p.text("Only echoed in the descriptor"))
  }),
  fileArguments: ["path"],
  output: Schema.Struct({ repository: Schema.String, ...p.descriptor, existed: Schema.Boolean }),
  run: Effect.fn("oci_push_blob")(
    function*({ digest, media_type, repository, size, ...given }, call) {
      const { content } = yield* contentOf(call, given)
      const { descriptor, existed } = yield* call.layout.registry.pushBlob(repository, content, {
        ...field("digest", digest),
        ...field("size", size),
        ...field("mediaType", media_type)
      })
      return { repository, ...bare(descriptor), existed }
    },
    Effect.scoped
  )
})

export const mountBlob = defineTool({
  name: "oci_mount_blob",
  toolset: "write",
  title: "Mount a blob",
  description:
    "Makes a blob of one repository available in another without copying it through the client, and returns its descriptor. Repositories of one shared layout see each other's blobs anyway; there it only tells that the blob exists.",
  hints: p.adding,
  needs: "writing",
  input: Schema.Struct({ from_repository: p.repository, to_repository: p.repository, digest: p.digest }),
  output: Schema.Struct({ repository: Schema.String, ...p.descriptor }),
  run: Effect.fn("oci_mount_blob")(function*({ digest, from_repository, to_repository }, { layout }) {
    const descriptor = yield* layout.registry.mountBlob(from_repository, to_repository, digest)
    return { repository: to_repository, ...bare(descriptor) }
  })
})

export const pushManifest = defineTool({
  name: "oci_push_manifest",
  toolset: "write",
  title: "Push a manifest",
  description: (served) =>
    `Stores an image manifest, index or artifact manifest and optionally tags it. Give exactly one of manifest (an object, stored as compact JSON)${
      movesFiles(served)
        ? ", raw (the exact text to store, byte for byte) or path (a file)"
        : " and raw (the exact text to store, byte for byte)"
    }. Everything the manifest names must have been pushed before, except its subject. New tags are created; a tag that already points elsewhere is refused and nothing is stored, and oci_tag with move moves it.`,
  hints: p.adding,
  needs: "writing",
  input: Schema.Struct({
    repository: p.repository,
    manifest: p.optional(Schema.Record(Schema.String, Schema.Json).annotate({ description: "Manifest as an object" })),
    raw: p.optional(p.text("Exact manifest text, at most 64 KiB")),
    path: p.optional(p.path("Manifest file")),
    media_type: p.optional(p.text("Default: mediaType in the manifest")),
    tags: p.optional(p.tags("Tags to create", 0)),
    fallback_tag: p.flag("Also list it under the sha256- tag of its subject"),
    digest: p.optional(p.digest)
  }),
  fileArguments: ["path"],
  output: Schema.Struct({
    repository: Schema.String,
    ...p.descriptor,
    tags: p.strings,
    subject: p.optional(Schema.String),
    existed: Schema.Boolean
  }),
  run: Effect.fn("oci_push_manifest")(
    function*({ digest, fallback_tag, media_type, repository, tags = [], ...given }, call) {
      const bytes = yield* manifestOf(call, given)
      const mediaType = media_type ?? (yield* Effect.fromResult(statedMediaType(bytes)))
      if (mediaType === undefined) {
        return yield* invalidArgument("media_type: required, since the manifest does not name its mediaType")
      }
      const pushed = yield* call.layout.registry.pushManifest(repository, bytes, mediaType, {
        ...field("digest", digest),
        fallbackTag: fallback_tag,
        tags: tags.map((tag) => ({ tag, ifAbsent: true }))
      })
      const { descriptor, existed, subject } = pushed
      return { repository, ...bare(descriptor), tags, ...field("subject", subject), existed }
    }
  )
})

interface GivenManifest {
  readonly manifest?: Schema.JsonObject
  readonly raw?: string
  readonly path?: string
}

/** The exact bytes to store. */
const manifestOf = Effect.fnUntraced(
  function*({ files }: Call, { manifest, path, raw }: GivenManifest): Effect.fn.Return<Uint8Array, ToolError> {
    if ([manifest, path, raw].filter((value) => value !== undefined).length !== 1) {
      return yield* invalidArgument(
        (yield* files).allowed.length === 0
          ? "give exactly one of manifest and raw"
          : "give exactly one of manifest, raw and path"
      )
    }
    if (manifest !== undefined) return yield* inlineText("manifest", JSON.stringify(manifest))
    if (raw !== undefined) return yield* inlineText("raw", raw)
    return yield* Effect.scoped(Effect.flatMap(
      Effect.flatMap(files, ({ read }) => read(path ?? "")),
      ({ content }) => collected(content, registryLimits.manifestBytes)
    ))
  }
)

export const tag = defineTool({
  name: "oci_tag",
  toolset: "write",
  title: "Tag a manifest",
  description:
    "Points one or more tags at an existing manifest of the same repository. Creating tags is always allowed; moving a tag that points elsewhere needs move, or if_digest, which moves only what points at that digest now. All tags are set, or none. Returns where moved tags pointed before, so that a move can be undone.",
  hints: p.removing,
  needs: "writing",
  input: Schema.Struct({
    ref: p.ref,
    tags: p.tags("Tags to set", 1),
    move: p.flag("Allow moving existing tags"),
    if_digest: p.optional(p.digestAs("Only if every tag points at this full digest now"))
  }),
  output: Schema.Struct({
    repository: Schema.String,
    digest: Schema.String,
    created: p.strings,
    unchanged: p.strings,
    moved: Schema.Array(Schema.Struct({ tag: Schema.String, from: Schema.String }))
  }),
  run: Effect.fn("oci_tag")(function*({ if_digest, move, ref, tags }, { layout }) {
    const { descriptor, repository: own } = yield* findManifest(layout, ref)
    // What only a raw name reaches belongs to the default repository.
    const repository = own ?? Option.getOrUndefined(yield* layout.registry.defaultRepository)
    if (repository === undefined) {
      return yield* invalidArgument("ref: name the manifest as repository:tag or repository@digest")
    }
    const requests = tags.map((tag) =>
      if_digest !== undefined ? { tag, ifDigest: if_digest } : move ? tag : { tag, ifAbsent: true }
    )
    const { moved } = yield* layout.registry.tagManifest(repository, descriptor.digest, requests)
    const touched = new Set<string>(moved.map(({ tag }) => tag))
    return {
      repository,
      digest: descriptor.digest,
      created: moved.flatMap(({ from, tag }) => from === undefined ? [tag] : []),
      unchanged: tags.filter((tag) => !touched.has(tag)),
      moved: moved.flatMap(({ from, tag }) => from === undefined ? [] : [{ tag, from }])
    }
  })
})
