/** Tools for a blob that arrives in pieces. */
import { DateTime, Effect, Schema } from "effect"
import type { BlobWriter } from "../../ops/api/BlobWriter.ts"
import { bare, contentOf } from "../tool/content.ts"
import * as limits from "../tool/limits.ts"
import * as p from "../tool/parameters.ts"
import { movesFiles } from "../tool/ServerConfig.ts"
import { defineTool } from "../tool/Tool.ts"

export const uploadStart = defineTool({
  name: "oci_upload_start",
  toolset: "uploads",
  title: "Start or resume an upload",
  description: (served) =>
    `Starts a chunked blob upload and returns its upload_id, or, given an upload_id, reports how far that upload has got so that it can be continued; others of the repository are listed as well, for those who have lost an id. Only for content that arrives in pieces${
      movesFiles(served) ? "; for a file use oci_push_blob with path" : " or is too large for one"
    }. Uploads expire 24 hours after the last append and survive a restart of the server.`,
  hints: { readOnly: false, destructive: false, idempotent: false },
  needs: "writing",
  input: Schema.Struct({
    repository: p.repository,
    upload_id: p.optional(p.uploadId),
    chunk_size: p.optional(p.bytes("Wanted chunk size in bytes; a hint"))
  }),
  output: Schema.Struct({
    upload_id: Schema.String,
    repository: Schema.String,
    offset: Schema.Natural,
    chunk_size: Schema.Natural,
    expires_at: Schema.String,
    /** What else is under way, the first of it. */
    others: p.optional(Schema.Array(Schema.Struct({
      upload_id: Schema.String,
      offset: Schema.Natural,
      expires_at: Schema.String
    }))),
    others_omitted: p.optional(Schema.Natural)
  }),
  run: Effect.fn("oci_upload_start")(function*({ chunk_size, repository, upload_id }, { layout: { registry } }) {
    const writer = upload_id === undefined
      ? yield* registry.pushBlobChunked(repository, chunk_size)
      : yield* registry.pushBlobChunkedResume(
        repository,
        upload_id,
        chunk_size === undefined ? {} : { chunkSize: chunk_size }
      )
    const others = (yield* registry.uploads(repository)).filter(({ id }) => id !== writer.id)
    return {
      ...progressOf(writer),
      repository: writer.repository,
      chunk_size: writer.chunkSize,
      ...(others.length === 0 ? {} : { others: others.slice(0, limits.uploadsTold).map(progressOf) }),
      ...(others.length > limits.uploadsTold ? { others_omitted: others.length - limits.uploadsTold } : {})
    }
  })
})

const progressOf = ({ expires, id, size }: BlobWriter) => ({
  upload_id: id,
  offset: size,
  expires_at: DateTime.formatIso(expires)
})

export const uploadAppend = defineTool({
  name: "oci_upload_append",
  toolset: "uploads",
  title: "Append to an upload",
  description: (served) =>
    `Appends bytes to an upload at offset, which must be the upload's current size, and returns the new offset. Give exactly one of ${
      movesFiles(served) ? "text, base64, or path with optional path_offset and length" : "text and base64"
    }. Repeating a call that already succeeded is refused with the current offset, so nothing is written twice.`,
  hints: p.adding,
  needs: "writing",
  input: Schema.Struct({
    upload_id: p.uploadId,
    offset: p.bytes("Current size of the upload"),
    text: p.inlineText,
    base64: p.inlineBase64,
    path: p.optional(p.path("File to read from")),
    path_offset: p.optional(p.bytes("First byte of the file")),
    length: p.optional(p.bytes("Bytes to read from the file"))
  }),
  fileArguments: ["path", "path_offset", "length"],
  output: Schema.Struct({ upload_id: Schema.String, offset: Schema.Natural }),
  run: Effect.fn("oci_upload_append")(
    function*({ length, offset, path_offset, upload_id, ...given }, call) {
      const window = path_offset === undefined && length === undefined
        ? undefined
        : { offset: path_offset ?? 0, length }
      const { content } = yield* contentOf(call, given, window)
      const writer = yield* call.layout.registry.findUpload(upload_id)
      return { upload_id, offset: yield* writer.append(offset, content) }
    },
    Effect.scoped
  )
})

export const uploadCommit = defineTool({
  name: "oci_upload_commit",
  toolset: "uploads",
  title: "Commit an upload",
  description:
    "Finishes an upload: checks all of its bytes against digest and stores the blob. On a mismatch the upload is kept, so that it can be continued or cancelled.",
  hints: p.adding,
  needs: "writing",
  input: Schema.Struct({
    upload_id: p.uploadId,
    digest: p.digest,
    size: p.optional(p.bytes("Expected total size"))
  }),
  output: Schema.Struct({ repository: Schema.String, ...p.descriptor }),
  run: Effect.fn("oci_upload_commit")(function*({ digest, size, upload_id }, { layout }) {
    const writer = yield* layout.registry.findUpload(upload_id)
    return { repository: writer.repository, ...bare(yield* writer.commit(digest, size)) }
  })
})

export const uploadCancel = defineTool({
  name: "oci_upload_cancel",
  toolset: "uploads",
  title: "Cancel an upload",
  description:
    "Discards an unfinished upload and its bytes. Cancelling one that is already finished or gone does nothing.",
  hints: p.removing,
  needs: "writing",
  input: Schema.Struct({ upload_id: p.uploadId }),
  output: Schema.Struct({ upload_id: Schema.String, discarded_bytes: Schema.Natural }),
  run: Effect.fn("oci_upload_cancel")(function*({ upload_id }, { layout }) {
    const discarded = yield* layout.registry.findUpload(upload_id).pipe(
      Effect.flatMap(({ cancel }) => cancel),
      Effect.catchTag("BlobUploadUnknown", () => Effect.succeed(0))
    )
    return { upload_id, discarded_bytes: discarded }
  })
})
