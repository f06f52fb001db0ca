/** Tools that read blobs: a window of one, or all of it into a file. */
import { Effect, Schema } from "effect"
import { blobRepository, findContent, type Found } from "../../ops/refs/find.ts"
import { bare, reported } from "../tool/content.ts"
import * as limits from "../tool/limits.ts"
import * as p from "../tool/parameters.ts"
import { collected } from "../tool/reference.ts"
import { tellsPaths } from "../tool/ServerConfig.ts"
import { defineTool } from "../tool/Tool.ts"
import { fileOf } from "./read.ts"
import { Shown, shownAs } from "./window.ts"

export const readBlob = defineTool({
  name: "oci_read_blob",
  toolset: "read",
  title: "Read part of a blob",
  description: (served) =>
    `Returns a window of a blob: text when the bytes are UTF-8, otherwise a hex preview (or base64 when asked). Use it for configs, SBOMs, signatures and small files; page with next_offset. Layers are compressed archives${
      tellsPaths(served) ? ": read the file at path directly instead" : ", and say little in windows"
    }. Binary content costs about one token per byte here.`,
  hints: p.reading,
  needs: "nothing",
  input: Schema.Struct({
    ref: p.ref,
    offset: p.integer("First byte", { minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0 }),
    length: p.integer("Bytes to return", { minimum: 1, maximum: limits.readBytes, default: 4096 }),
    encoding: p.choice("auto: utf8 if valid, else 256 bytes of hex", ["auto", "utf8", "hex", "base64"], "auto")
  }),
  output: Schema.Struct({
    digest: Schema.String,
    size: Schema.Natural,
    mediaType: p.optional(Schema.String),
    offset: Schema.Natural,
    ...Shown,
    verified: Schema.Boolean,
    next_offset: p.optional(Schema.Natural),
    path: p.optional(Schema.String)
  }),
  run: Effect.fn("oci_read_blob")(function*({ encoding, length, offset, ref }, { layout }) {
    const found = yield* findContent(layout, ref, "auto")
    const { bytes, size, verified } = yield* windowOf(found, offset, length)
    const shown = yield* shownAs(bytes, encoding, offset + bytes.length >= size)
    const end = offset + shown.returned
    return {
      digest: found.descriptor.digest,
      size,
      ...(found.kind === "manifest" ? { mediaType: found.descriptor.mediaType } : {}),
      offset,
      ...shown,
      verified,
      ...(end < size ? { next_offset: end } : {}),
      ...(yield* fileOf(layout, found, found.descriptor.digest))
    }
  })
})

const windowOf = Effect.fnUntraced(function*(found: Found, offset: number, length: number) {
  const { registry } = found.layout
  const content = yield* registry.getBlobRange(blobRepository(found), found.descriptor.digest, {
    offset,
    end: Math.min(offset + length, Number.MAX_SAFE_INTEGER)
  })
  const bytes = yield* collected(content.stream, limits.readBytes)
  return { bytes, size: content.descriptor.size, verified: content.verified }
}, Effect.scoped)

export const exportBlob = defineTool({
  name: "oci_export_blob",
  toolset: "read",
  title: "Export a blob to a file",
  description:
    "Writes a blob or manifest to a new file in an allowed directory, verifying its digest while it is written. Never overwrites: choose a path that does not exist. Use it for layers and anything larger than a few KiB; the bytes do not pass through the conversation. Reports progress and can be cancelled.",
  hints: { readOnly: false, destructive: false, idempotent: false },
  needs: "files",
  input: Schema.Struct({ ref: p.ref, path: p.path("File to create") }),
  output: Schema.Struct({ path: Schema.String, ...p.descriptor }),
  run: Effect.fn("oci_export_blob")(
    function*({ path, ref }, { files, layout, progress }) {
      const found = yield* findContent(layout, ref, "auto")
      const content = yield* layout.registry.getBlob(blobRepository(found), found.descriptor.digest, { passing: true })
      const total = content.descriptor.size
      const file = yield* (yield* files).create(path, reported(content.stream, progress, total))
      return { path: file.path, ...bare({ ...found.descriptor, size: total }) }
    },
    Effect.scoped
  )
})
