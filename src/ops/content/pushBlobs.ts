/** Blobs: pushed in one piece, in chunks, or mounted from another repository. */
import { Clock, Effect, Option, Stream } from "effect"
import {
  decideUpload,
  evolveUpload,
  isUploadId,
  type OpenUpload,
  type UploadCommand,
  type UploadEvent,
  uploadExpiryMillis,
  type UploadId,
  type UploadRefusal,
  type UploadState
} from "../../layout/Upload.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { algorithmOf, type ContentDigest, parseContentDigest } from "../../oci/Digest.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { field } from "../../oci/field.ts"
import { octetStream } from "../../oci/MediaType.ts"
import { BlobUnknown, BlobUploadUnknown, SizeInvalid } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { BlobWriter } from "../api/BlobWriter.ts"
import type { LayoutRegistry } from "../api/Layout.ts"
import { utcOf } from "../api/utcOf.ts"
import * as limits from "../limits.ts"
import { annotate, count } from "../ports/telemetry.ts"
import type { UploadSession } from "../ports/UploadStore.ts"
import type { Catalog, Opened } from "../repositories/catalog.ts"

type Located = Opened & { readonly repository: Repository }

export const makePushBlobs = (
  catalog: Catalog
): Pick<
  LayoutRegistry,
  "pushBlob" | "pushBlobChunked" | "pushBlobChunkedResume" | "mountBlob" | "uploads" | "findUpload"
> => ({
  pushBlob: Effect.fn("Registry.pushBlob")(function*(repository, content, expected = {}) {
    const opened = yield* catalog.open(repository)
    const digest = expected.digest === undefined
      ? undefined
      : yield* Effect.fromResult(parseContentDigest(expected.digest))
    const size = yield* requireSize(expected.size)
    const written = yield* opened.blobs.write(content, {
      algorithm: digest === undefined ? "sha256" : algorithmOf(digest),
      ...field("digest", digest),
      ...field("size", size)
    })
    yield* annotate({ digest: written.digest, size: written.size })
    yield* count.bytesPushed(written.size)
    return {
      descriptor: { mediaType: expected.mediaType ?? octetStream, digest: written.digest, size: written.size },
      existed: written.existed
    }
  }),

  pushBlobChunked: Effect.fn("Registry.pushBlobChunked")(function*(repository, chunkSize) {
    const opened = yield* catalog.open(repository)
    return writerOf(opened, yield* opened.uploads.create(opened.repository), chunkSize)
  }),

  pushBlobChunkedResume: Effect.fn("Registry.pushBlobChunkedResume")(function*(repository, input, options = {}) {
    const opened = yield* catalog.open(repository)
    const open = yield* resume(opened, input, options.offset)
    return writerOf(opened, open, options.chunkSize)
  }),

  findUpload: Effect.fn("Registry.findUpload")(function*(input) {
    const id = yield* uploadId(input)
    for (const opened of yield* catalog.layouts) {
      const state = yield* opened.uploads.stat(id)
      if (state._tag === "Absent") continue
      const known = yield* catalog.open(state.repository)
      return writerOf(known, state._tag === "Open" ? state : over(id, state), undefined)
    }
    return yield* new BlobUploadUnknown({ upload: input })
  }),

  mountBlob: Effect.fn("Registry.mountBlob")(function*(from, to, input) {
    const source = from === undefined ? undefined : yield* catalog.open(from)
    const target = yield* catalog.open(to)
    const digest = yield* Effect.fromResult(parseContentDigest(input))
    yield* catalog.mount(source?.repository, target.repository, digest)
    const size = yield* target.blobs.stat(digest)
    if (Option.isNone(size)) return yield* new BlobUnknown({ digest })
    return { mediaType: octetStream, digest, size: size.value }
  }),

  uploads: Effect.fn("Registry.uploads")(function*(repository) {
    const opened = yield* catalog.open(repository)
    const now = yield* Clock.currentTimeMillis
    const open = yield* opened.uploads.list
    return open
      .filter((upload) => upload.repository === opened.repository && now - upload.touched < uploadExpiryMillis)
      .map((upload) => writerOf(opened, upload, undefined))
  })
})

const requireSize = (size: number | undefined): Effect.Effect<number | undefined, SizeInvalid> =>
  size === undefined || (Number.isSafeInteger(size) && size >= 0)
    ? Effect.succeed(size)
    : Effect.fail(new SizeInvalid({ expected: size, actual: 0 }))

/** Ids are checked before any path is built from them; what is no id was never given out. */
const uploadId = (input: string): Effect.Effect<UploadId, BlobUploadUnknown> =>
  isUploadId(input) ? Effect.succeed(input) : Effect.fail(new BlobUploadUnknown({ upload: input }))

const resume = Effect.fnUntraced(function*(
  { repository, uploads }: Located,
  input: string,
  offset: number | undefined
): Effect.fn.Return<OpenUpload, UploadRefusal | ReadFault> {
  const id = yield* uploadId(input)
  const state = yield* uploads.stat(id)
  const now = yield* Clock.currentTimeMillis
  const command: UploadCommand = {
    _tag: "ResumeUpload",
    id,
    repository,
    now,
    ...(offset === undefined || offset === -1 ? {} : { offset })
  }
  yield* Effect.fromResult(decideUpload(state, command))
  return state._tag === "Open" ? state : yield* new BlobUploadUnknown({ upload: input })
})

/** A session that has ended, so that ending it again can be answered. */
const over = (
  id: UploadId,
  state: Extract<UploadState, { readonly repository: Repository }>
): OpenUpload => ({ _tag: "Open", id, repository: state.repository, size: sizeOf(state), touched: 0 })

const writerOf = (opened: Located, open: OpenUpload, chunkSize: number | undefined): BlobWriter => {
  const { id, repository } = open
  const addressed = Effect.map(Clock.currentTimeMillis, (now) => ({ id, repository, now }))

  const append: BlobWriter["append"] = Effect.fnUntraced(function*(offset, content) {
    const session = yield* opened.uploads.exclusive(id)
    const base = yield* addressed
    // The offset is all that decides; how much arrives is known when it has.
    yield* decided(session.state, { _tag: "AppendChunk", offset, length: 0, ...base })
    const appended = yield* session.append(content)
    yield* count.bytesPushed(appended)
    return offset + appended
  }, Effect.scoped)

  const finish: BlobWriter["finish"] = Effect.fnUntraced(function*(offset, content, input) {
    const expected = yield* Effect.fromResult(parseContentDigest(input))
    const session = yield* opened.uploads.exclusive(id)
    const base = yield* addressed
    yield* decided(session.state, { _tag: "AppendChunk", offset, length: 0, ...base })
    const length = yield* session.append(content, { committed: true })
    yield* count.bytesPushed(length)
    const state = evolveUpload(session.state, { _tag: "ChunkAppended", length, at: base.now })
    return yield* concluded(session, state, expected).pipe(
      // The bytes that arrived stay in the session, so they have to be synced. The caller already has an error.
      Effect.onError(() => Effect.ignore(session.append(Stream.empty)))
    )
  }, Effect.scoped)

  const commit: BlobWriter["commit"] = Effect.fnUntraced(function*(input, size) {
    const expected = yield* Effect.fromResult(parseContentDigest(input))
    const session = yield* opened.uploads.exclusive(id)
    return yield* concluded(session, session.state, expected, size)
  }, Effect.scoped)

  const concluded = Effect.fnUntraced(function*(
    session: UploadSession,
    state: UploadState,
    expected: ContentDigest,
    size?: number
  ) {
    const actual = state._tag === "Open" ? yield* session.digest(algorithmOf(expected)) : expected
    const events = yield* decided(state, {
      _tag: "CommitUpload",
      expected,
      actual,
      ...(yield* addressed),
      ...field("size", size)
    })
    for (const event of events) yield* session.conclude(event)
    if (events.length === 0) {
      // The blob it became may have been deleted since, or what the session says may never have happened. Success says
      // that it is there, of this size, and lasts.
      const there = yield* opened.blobs.protect(expected)
      if (Option.isNone(there)) return yield* new BlobUploadUnknown({ upload: id })
      return { mediaType: octetStream, digest: expected, size: there.value } satisfies Descriptor
    }
    return { mediaType: octetStream, digest: expected, size: sizeOf(state) } satisfies Descriptor
  })

  const cancel: BlobWriter["cancel"] = Effect.scoped(Effect.gen(function*() {
    const session = yield* opened.uploads.exclusive(id)
    const events = yield* decided(session.state, { _tag: "CancelUpload", ...(yield* addressed) })
    for (const event of events) yield* session.conclude(event)
    return events.length === 0 ? 0 : sizeOf(session.state)
  }))

  return {
    id,
    repository,
    size: open.size,
    chunkSize: chunkSize === undefined || chunkSize <= 0 ? limits.chunkBytes : chunkSize,
    expires: utcOf(open.touched + uploadExpiryMillis),
    append,
    finish,
    commit,
    cancel
  }
}

const decided = (
  state: UploadState,
  command: UploadCommand
): Effect.Effect<ReadonlyArray<UploadEvent>, UploadRefusal> => Effect.fromResult(decideUpload(state, command))

const sizeOf = (state: UploadState): number => state._tag === "Open" || state._tag === "Committed" ? state.size : 0
