/** The files of a layout as they lie on the disk: what verification looks at. */
import { Effect, Option, Result, Stream } from "effect"
import { join, relative, sep } from "node:path"
import { fromIndex } from "../layout/State.ts"
import { type ContentDigest, isContentDigest } from "../oci/Digest.ts"
import { findDuplicateKey } from "../oci/Json.ts"
import type { Repository } from "../oci/Reference.ts"
import { damaged } from "../ops/damage.ts"
import type { BlobFile, IndexCondition, JournalCondition, Upkeep } from "../ops/Upkeep.ts"
import { makeHashing } from "./hashing.ts"
import { checkLayout, type IndexOnDisk, readIndex } from "./indexFile.ts"
import { readEnd, readSegment } from "./journalFile.ts"
import { isSpent } from "./journalRecord.ts"
import { asStorage, guard, ifThere, type LayoutFiles, statIfThere } from "./layoutFiles.ts"
import type { FileStat, FsError } from "./LayoutFs.ts"
import { mend, restoreIndex } from "./mend.ts"
import { quarantineBlob } from "./quarantine.ts"

const algorithms = ["sha256", "sha512"] as const

/** The bits of those who are neither owner nor of the group. */
const others = { read: 0o004, enter: 0o001 }

export const makeUpkeep = (
  files: LayoutFiles,
  defaultRepository: Repository | undefined,
  lockWaitMillis: number
): Upkeep => {
  const storage = asStorage(files.root)

  /** Whether everybody may look into the layout at all. */
  const isPublic = Effect.map(
    statIfThere(files.fs, files.root),
    (stat) => stat !== undefined && has(stat, others.enter) && has(stat, others.read)
  )

  const index = Effect.gen(function*() {
    const read = yield* readIndex(files)
    if (read === undefined) return undefined
    const { handle, index } = read
    const stat = yield* Effect.ensuring(storage(handle.stat), handle.close)
    return {
      state: fromIndex(index.entries, { defaultRepository, bytes: index.bytes }),
      manifests: listOf(index),
      keyTwice: Option.getOrUndefined(findDuplicateKey(index.text)),
      readable: has(stat, others.read) || !(yield* storage(isPublic))
    } satisfies IndexCondition
  })

  const journal = storage(Effect.gen(function*() {
    const end = yield* readEnd(files)
    const lines = end.last === undefined ? [] : yield* readSegment(files, files.journal)
    return {
      begun: end.last !== undefined,
      damaged: isSpent(end.last) || lines.at(-1)?.hash !== end.last?.hash,
      torn: end.torn
    } satisfies JournalCondition
  }))

  return {
    look: Effect.gen(function*() {
      return {
        marker: Result.map(yield* damaged(checkLayout(files)), (there) => there ? "present" : "missing"),
        index: yield* damaged(index),
        journal: yield* damaged(journal)
      }
    }),
    blob: (digest) => storage(Effect.flatMap(isPublic, (open) => lookAt(files, digest, open))),
    blobs: Stream.unwrap(Effect.gen(function*() {
      const open = yield* storage(isPublic)
      const each = yield* Effect.forEach(algorithms, (algorithm) => storage(digestsOf(files, algorithm)))
      return Stream.fromIterable(each.flat()).pipe(
        Stream.mapEffect((digest) => storage(lookAt(files, digest, open))),
        Stream.flatMap((found) => Stream.fromIterable(Option.toArray(found)))
      )
    })),
    hashing: makeHashing(files),
    quarantine: (digest) => quarantineBlob(files, digest, lockWaitMillis),
    mend: (what) => mend(files, what, lockWaitMillis),
    restoreIndex: (recovered) => restoreIndex(files, { defaultRepository, lockWaitMillis, recovered })
  }
}

const has = ({ mode }: FileStat, bit: number): boolean => (mode & bit) !== 0

/** Only an empty list can be a list that is not there. */
const listOf = ({ entries, text }: IndexOnDisk): IndexCondition["manifests"] => {
  if (entries.length > 0) return "list"
  const document: unknown = JSON.parse(text)
  if (typeof document !== "object" || document === null || !("manifests" in document)) return "absent"
  return document.manifests === null ? "null" : "list"
}

const digestsOf = (files: LayoutFiles, algorithm: string): Effect.Effect<ReadonlyArray<ContentDigest>, FsError> => {
  const folder = join(files.blobs, algorithm)
  return Effect.andThen(guard(files, join(folder, "any")), ifThere(files.fs.readDirectory(folder))).pipe(
    // A folder that is a link is seen as no folder when what should be in it is looked for.
    Effect.catchTag("SymlinkRefused", () => Effect.succeed(undefined)),
    Effect.map((names = []) => names.map((name) => `${algorithm}:${name}`).filter(isContentDigest))
  )
}

/** @param open whether everybody may look into the layout, and so ought to be able to read what is in it */
const lookAt = Effect.fnUntraced(function*(
  files: LayoutFiles,
  digest: ContentDigest,
  open: boolean
): Effect.fn.Return<Option.Option<BlobFile>, FsError> {
  const place = files.blob(digest)
  const path = relative(files.root, place).replaceAll(sep, "/")
  const link: BlobFile = { path, digest, kind: "link", size: 0, readable: true }
  const stat = yield* statBlob(files, place)
  if (stat === "link") return Option.some(link)
  return Option.map(Option.fromUndefinedOr(stat), (stat) => ({
    ...link,
    kind: stat.kind,
    size: stat.size,
    readable: !open || has(stat, others.read)
  }))
})

/** What reading would find; a link that it would refuse, or that leads nowhere, is told from nothing. */
const statBlob = (files: LayoutFiles, path: string): Effect.Effect<FileStat | "link" | undefined, FsError> => {
  const there = Effect.andThen(guard(files, path), statIfThere(files.fs, path))
  const followed = Effect.flatMap(there, (stat) =>
    stat?.kind !== "link"
      ? Effect.succeed(stat)
      : files.symlinks === "refuse"
      ? Effect.succeed("link" as const)
      : Effect.map(ifThere(files.fs.stat(path)), (stat) => stat ?? ("link" as const)))
  return Effect.catchIf(
    followed,
    (error) => error._tag === "SymlinkRefused" || error.code === "ELOOP",
    () => Effect.succeed("link" as const)
  )
}
