/** Tools that read blobs: a window of one, or all of it into a file. */
import { Effect, Schema } from "effect"
import { Base64, Hex } from "effect/encoding"
import { blobRepository, findContent, type Found } from "../../ops/refs/find.ts"
import { bare, reported } from "../tool/content.ts"
import * as limits from "../tool/limits.ts"
import * as p from "../tool/parameters.ts"
import { collected } from "../tool/reference.ts"
import { tellsPaths } from "../tool/ServerConfig.ts"
import { invalidArgument, type ToolError } from "../tool/SurfaceError.ts"
import { defineTool } from "../tool/Tool.ts"
import { fileOf } from "./read.ts"

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
    returned: Schema.Natural,
    encoding: Schema.Literals(["utf8", "hex", "base64"]),
    data: Schema.String,
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

const windowOf = (found: Found, offset: number, length: number) =>
  Effect.scoped(Effect.gen(function*() {
    const { registry } = found.layout
    const content = yield* registry.getBlobRange(blobRepository(found), found.descriptor.digest, {
      offset,
      end: Math.min(offset + length, Number.MAX_SAFE_INTEGER)
    })
    const bytes = yield* collected(content.stream, limits.readBytes)
    return { bytes, size: content.descriptor.size, verified: content.verified }
  }))

interface Shown {
  readonly returned: number
  readonly encoding: "utf8" | "hex" | "base64"
  readonly data: string
}

/** As much of a window as fits into a result; the rest is one call away. */
const shownAs = (
  bytes: Uint8Array,
  encoding: "auto" | Shown["encoding"],
  isEnd: boolean
): Effect.Effect<Shown, ToolError> => {
  switch (encoding) {
    case "hex":
      return Effect.succeed(asHex(bytes.subarray(0, limits.partCharacters / 2)))
    case "base64": {
      const part = bytes.subarray(0, limits.partCharacters * 3 / 4)
      return Effect.succeed({ returned: part.length, encoding, data: Base64.encode(part) })
    }
    case "utf8":
    case "auto": {
      const shown = asText(bytes, isEnd)
      // A byte of zero is valid UTF-8, and no text.
      if (shown !== undefined && (encoding === "utf8" || !shown.data.includes("\u{0}"))) return Effect.succeed(shown)
      return encoding === "auto"
        ? Effect.succeed(asHex(bytes.subarray(0, limits.previewBytes)))
        : Effect.fail(invalidArgument("encoding: these bytes are not UTF-8; use hex or base64"))
    }
  }
}

const asHex = (bytes: Uint8Array): Shown => ({ returned: bytes.length, encoding: "hex", data: Hex.encode(bytes) })

/** The window as text, without a character that its end cuts in two; nothing when it is not UTF-8. */
const asText = (bytes: Uint8Array, isEnd: boolean): Shown | undefined => {
  const whole = isEnd ? bytes : bytes.subarray(0, bytes.length - halfCharacter(bytes))
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
  let text: string
  try {
    text = decoder.decode(whole)
  } catch {
    return undefined
  }
  const data = shortened(text)
  const returned = data.length === text.length ? whole.length : new TextEncoder().encode(data).length
  return { returned, encoding: "utf8", data }
}

/** How many bytes at the end begin a character that is not complete. */
const halfCharacter = (bytes: Uint8Array): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0
  }
  return 0
}

/** The longest beginning whose JSON fits into a result. */
const shortened = (text: string): string => {
  if (6 * text.length <= limits.partCharacters) return text
  let cost = 0
  let end = 0
  for (const character of text) {
    cost += JSON.stringify(character).length - 2
    if (cost > limits.partCharacters) break
    end += character.length
  }
  return text.slice(0, end)
}

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
