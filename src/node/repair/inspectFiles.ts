/** The files of a layout as they lie on the disk: what verification looks at. */
import { Effect, Option, Result, Stream } from "effect"
import { join, relative, sep } from "node:path"
import { fromIndex } from "../../layout/State.ts"
import { fieldOf, isJsonObject } from "../../oci/Descriptor.ts"
import { type Algorithm, algorithms, type ContentDigest } from "../../oci/Digest.ts"
import { findDuplicateKey, readJson } from "../../oci/Json.ts"
import type { Repository } from "../../oci/Reference.ts"
import { manifestBytes } from "../../ops/limits.ts"
import { damaged } from "../../ops/manifests/damage.ts"
import type { BlobFile, IndexCondition, JournalCondition, Upkeep } from "../../ops/ports/Upkeep.ts"
import { digestsIn } from "../blobs/listBlobs.ts"
import { secondNameOf } from "../blobs/secondNames.ts"
import { trashSize } from "../blobs/trash.ts"
import { asStorage } from "../files/asStorage.ts"
import { makeHashing } from "../files/hashing.ts"
import { guard, ifThere, type LayoutFiles, openRegular, readAll, statIfThere } from "../files/layoutFiles.ts"
import type { FileStat, FsError } from "../fs/LayoutFs.ts"
import { checkLayout, type IndexOnDisk, readIndex, textOf } from "../index/indexFile.ts"
import { readEnd } from "../journal/journalFile.ts"
import { isSpent } from "../journal/journalRecord.ts"
import { segmentUpTo } from "../journal/journalSegments.ts"
import { quarantineBlob } from "./quarantine.ts"
import { emptyTrashNow, repairFile, restoreIndex } from "./repairFiles.ts"

/** Blobs looked at between two checks for interruption. */
const lookedAt = 256

/** The bits of those who are neither owner nor of the group. */
const others = { read: 0o004, enter: 0o001 }

export const makeInspection = (
  files: LayoutFiles,
  defaultRepository: Repository | undefined,
  lockWaitMillis: number
): Upkeep => {
  const storage = asStorage(files.root)

  /** Whether all users may read the layout, as it was seen last. */
  let open = false
  const seeWhether = Effect.map(statIfThere(files.fs, files.root), (stat) => {
    open = stat !== undefined && has(stat, others.enter) && has(stat, others.read)
  })

  const index = Effect.uninterruptible(Effect.gen(function*() {
    const read = yield* readIndex(files)
    if (read === undefined) return undefined
    const { handle, index } = read
    const stat = yield* Effect.ensuring(storage(handle.stat), handle.close)
    return {
      state: fromIndex(index.entries, { defaultRepository, bytes: index.bytes }),
      ...aboutDocument(index),
      keyTwice: Option.getOrUndefined(findDuplicateKey(textOf(index))),
      readable: !open || has(stat, others.read)
    } satisfies IndexCondition
  }))

  const journal = storage(Effect.gen(function*() {
    const end = yield* readEnd(files)
    const { last } = end
    return {
      begun: last !== undefined,
      damaged: last !== undefined && (isSpent(last) || (yield* segmentUpTo(files, last)) === undefined),
      torn: end.torn
    } satisfies JournalCondition
  }))

  /** A blob by what was found in its place. */
  const blobFileOf = (digest: ContentDigest) => (found: FileStat | "link" | undefined): Option.Option<BlobFile> => {
    if (found === undefined) return Option.none()
    const path = relative(files.root, files.blob(digest)).replaceAll(sep, "/")
    if (found === "link") return Option.some({ path, digest, kind: "link", size: 0, readable: true })
    const { kind, size } = found
    return Option.some({ path, digest, kind, size, readable: !open || has(found, others.read) })
  }

  /** What may be a document, whole; none where it cannot be read. */
  const small = (path: string): Effect.Effect<Option.Option<Uint8Array>> =>
    Effect.option(Effect.scoped(Effect.gen(function*() {
      const { handle, stat } = yield* openRegular(files, path)
      return stat.size > manifestBytes ? Option.none<Uint8Array>() : Option.some(yield* readAll(handle, stat.size))
    }))).pipe(Effect.map(Option.flatten))

  return {
    held: storage(heldIn(files)),
    emptyTrash: emptyTrashNow(files, lockWaitMillis),
    inspect: Effect.gen(function*() {
      yield* storage(seeWhether)
      return {
        marker: Result.map(yield* damaged(checkLayout(files)), (there) => there === undefined ? "missing" : "present"),
        index: yield* damaged(index),
        journal: yield* damaged(journal)
      }
    }),
    blob: (digest) => Effect.map(storage(statBlob(files, files.blob(digest))), blobFileOf(digest)),
    blobs: Stream.unwrap(Effect.gen(function*() {
      yield* storage(seeWhether)
      const digests = yield* Effect.forEach(algorithms, (algorithm) => storage(digestsOf(files, algorithm)))
      return Stream.fromIterable(digests.flat()).pipe(
        Stream.grouped(lookedAt),
        // Their folder was found to be one when it was listed.
        Stream.mapEffect(
          Effect.forEach((digest) => Effect.map(storage(statFound(files, files.blob(digest))), blobFileOf(digest)))
        ),
        Stream.map((found) => found.flatMap(Option.toArray)),
        Stream.flattenIterable
      )
    })),
    hashing: makeHashing(files),
    quarantine: (digest) => quarantineBlob(files, digest, lockWaitMillis),
    indexBytes: small(files.index),
    beside: (name) => small(join(files.root, name)),
    repairFile: (what) => repairFile(files, what, lockWaitMillis),
    restoreIndex: (recovered) => restoreIndex(files, { defaultRepository, lockWaitMillis, recovered })
  }
}

const has = ({ mode }: FileStat, bit: number): boolean => (mode & bit) !== 0

/** What `manifests` and `schemaVersion` are. */
const aboutDocument = (index: IndexOnDisk): Pick<IndexCondition, "manifests" | "otherVersion"> => {
  const document = Result.getOrElse(readJson(index.raw), () => null)
  const [manifests, version] = isJsonObject(document)
    ? [fieldOf(document, "manifests"), fieldOf(document, "schemaVersion")]
    : []
  return {
    manifests: manifests === undefined ? "absent" : manifests === null ? "null" : "list",
    ...(version === 2
      ? {}
      : { otherVersion: { written: version === undefined ? undefined : JSON.stringify(version) } })
  }
}

/** What our own folder holds of content. */
const heldIn = Effect.fnUntraced(function*(files: LayoutFiles) {
  const kept = { blobs: 0, bytes: 0 }
  const only = { blobs: 0, bytes: 0 }
  for (const algorithm of algorithms) {
    const digests = yield* digestsIn(files, join(files.kept, algorithm), algorithm)
    const [held, there] = yield* Effect.all([
      files.fs.linkStats(digests.map((digest) => secondNameOf(files, digest))),
      files.fs.linkStats(digests.map((digest) => files.blob(digest)))
    ])
    for (const [place, stat] of held.entries()) {
      for (const sum of there[place] === undefined ? [kept, only] : [kept]) {
        sum.blobs++
        sum.bytes += stat?.size ?? 0
      }
    }
  }
  return { kept, only, trash: yield* trashSize(files) }
})

/** A folder that is a link is seen as no folder when what should be in it is looked for. */
const digestsOf = (files: LayoutFiles, algorithm: Algorithm): Effect.Effect<ReadonlyArray<ContentDigest>, FsError> =>
  Effect.catchTag(digestsIn(files, join(files.blobs, algorithm), algorithm), "SymlinkRefused", () => Effect.succeed([]))

/** What reading would find; a link that it would refuse, or that leads nowhere, is told from nothing. */
const statBlob = (files: LayoutFiles, path: string): Effect.Effect<FileStat | "link" | undefined, FsError> =>
  Effect.andThen(guard(files, path), statFound(files, path)).pipe(
    Effect.catchTag("SymlinkRefused", () => Effect.succeed("link" as const))
  )

/** The same in a folder that is known to be the layout's own. */
const statFound = (files: LayoutFiles, path: string): Effect.Effect<FileStat | "link" | undefined, FsError> => {
  const followed = Effect.flatMap(statIfThere(files.fs, path), (stat) =>
    stat?.kind !== "link"
      ? Effect.succeed(stat)
      : files.symlinks === "refuse"
      ? Effect.succeed("link" as const)
      : Effect.map(
        Effect.andThen(guard(files, path), ifThere(files.fs.stat(path))),
        (stat) => stat ?? ("link" as const)
      ))
  return Effect.catchIf(
    followed,
    (error) => error._tag === "SymlinkRefused" || error.code === "ELOOP",
    () => Effect.succeed("link" as const)
  )
}
