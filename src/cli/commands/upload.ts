/** upload start, append, status, commit, cancel, list: a blob in pieces, by several processes if need be. */
import { DateTime, Effect, Option, Schema } from "effect"
import { Command } from "effect/cli"
import type { BlobWriter } from "../../ops/api/BlobWriter.ts"
import { described } from "../described.ts"
import * as f from "../flags.ts"
import { open } from "../input.ts"
import { type Answer, answer, report } from "../output.ts"
import { locateRef, locateRepository, type Where } from "../target.ts"
import { facts, table } from "../terminal/table.ts"
import { sizeOf, spanOf } from "../terminal/units.ts"

export const Upload = Schema.Struct({
  id: Schema.String,
  repository: Schema.String,
  /** Acknowledged bytes: where to go on. */
  offset: Schema.Natural,
  /** When it expires unless something is appended: ISO 8601. */
  expires: Schema.String
})
type Upload = typeof Upload.Type

const uploadOf = ({ expires, id, repository, size }: BlobWriter, offset = size): Upload => ({
  id,
  repository,
  offset,
  expires: DateTime.formatIso(expires)
})

const status: Answer<Upload> = {
  schema: Upload,
  show: ({ expires, id, offset, repository }, screen) =>
    facts(screen, [
      ["upload", id],
      ["repository", repository],
      ["bytes", `${offset} (${sizeOf(offset)})`],
      ["expires", `in ${spanOf(Date.parse(expires) - screen.now)}`]
    ])
}

const uploadId = f.argument("upload", "PATH/ID; with --layout, ID")

const find = Effect.fnUntraced(function*(where: Where, upload: string) {
  const { name, registry } = yield* locateRef(where, upload)
  return yield* registry.findUpload(name)
})

const start = Command.make("start", { repository: f.repository, where: f.writing, wanted: f.wanted }, (
  { repository, wanted, where }
) =>
  answer(
    { schema: Upload, show: ({ id }) => id },
    wanted,
    Effect.gen(function*() {
      const { registry, repository: name } = yield* locateRepository(where, repository)
      return uploadOf(yield* registry.pushBlobChunked(name))
    })
  )).pipe(
    described(
      "Start an upload",
      "Prints its id. It is kept for a day after the last append, whatever happens to the processes that append.",
      [
        ["upload start ./images/example/app", "Its id"]
      ]
    )
  )

const append = Command.make("append", {
  upload: uploadId,
  file: f.file,
  offset: f.count("offset", "BYTES", "Only where the upload is this far; by default wherever it is"),
  where: f.writing,
  wanted: f.wanted
}, ({ file, offset, upload, wanted, where }) =>
  report(
    { schema: Upload, show: ({ offset }) => String(offset) },
    wanted,
    Effect.gen(function*() {
      const writer = yield* find(where, upload)
      const { content } = yield* open(file)
      const size = yield* writer.append(Option.getOrElse(offset, () => writer.size), content)
      return uploadOf(writer, size)
    })
  )).pipe(
    described("Append to an upload", "Prints how far it is. What arrived before a failure is kept.", [
      ["upload append ./images/0123456789abcdef0123456789abcdef part1", "The next piece"]
    ])
  )

const show = Command.make(
  "status",
  { upload: uploadId, where: f.where, wanted: f.wanted },
  ({ upload, wanted, where }) => answer(status, wanted, Effect.map(find(where, upload), (writer) => uploadOf(writer)))
).pipe(
  described("Say how far an upload is", "And when it expires.", [
    ["upload status ./images/0123456789abcdef0123456789abcdef", "Where to go on"]
  ])
)

export const Committed = Schema.Struct({ digest: Schema.String, media_type: Schema.String, size: Schema.Natural })

const commit = Command.make("commit", {
  upload: uploadId,
  digest: f.argument("digest", "What all of it has to hash to"),
  where: f.writing,
  wanted: f.wanted
}, ({ digest, upload, wanted, where }) =>
  report(
    { schema: Committed, show: ({ digest }) => digest },
    wanted,
    Effect.gen(function*() {
      const writer = yield* find(where, upload)
      const { digest: stored, mediaType, size } = yield* writer.commit(digest)
      return { digest: stored, media_type: mediaType, size }
    })
  )).pipe(
    described("Make an upload a blob", "With a digest that is not right it stays as it was.", [
      ["upload commit ./images/0123456789abcdef0123456789abcdef sha256:...", "Done"]
    ])
  )

export const Cancelled = Schema.Struct({ id: Schema.String, bytes: Schema.Natural })

const cancel = Command.make(
  "cancel",
  { upload: uploadId, where: f.writing, wanted: f.wanted },
  ({ upload, wanted, where }) =>
    report(
      { schema: Cancelled, show: ({ bytes, id }) => `cancelled ${id} with ${sizeOf(bytes)}` },
      wanted,
      Effect.gen(function*() {
        const writer = yield* find(where, upload)
        return { id: writer.id, bytes: yield* writer.cancel }
      })
    )
).pipe(
  described("Discard an upload", "With all that has arrived.", [
    ["upload cancel ./images/0123456789abcdef0123456789abcdef", "Gone"]
  ])
)

export const Uploads = Schema.Struct({ repository: Schema.String, uploads: Schema.Array(Upload) })

const list = Command.make("list", { repository: f.repository, where: f.where, wanted: f.wanted }, (
  { repository, wanted, where }
) =>
  answer(
    {
      schema: Uploads,
      show: ({ uploads }, screen) =>
        table(
          screen,
          [{ title: "UPLOAD" }, { title: "BYTES", align: "right" }, { title: "EXPIRES IN" }],
          uploads.map(({ expires, id, offset }) => [id, sizeOf(offset), spanOf(Date.parse(expires) - screen.now)])
        )
    },
    wanted,
    Effect.gen(function*() {
      const { registry, repository: name } = yield* locateRepository(where, repository)
      const open = yield* registry.uploads(name)
      return { repository: name, uploads: open.map((writer) => uploadOf(writer)) }
    })
  )).pipe(
    described("List the uploads of a repository", "Those that have not ended.", [
      ["upload list ./images/example/app", "What is under way"]
    ])
  )

export const upload = Command.make("upload").pipe(
  Command.withDescription("Upload a blob in pieces"),
  Command.withSubcommands([start, append, show, commit, cancel, list])
)
