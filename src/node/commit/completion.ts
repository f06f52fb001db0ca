/**
 * Completes what an index reaches, under the lock and before anything is decided: content that another tool's
 * collection has removed is put back, and what other tools have written gets a second name of ours.
 */
import { Clock, Effect, Result } from "effect"
import { join } from "node:path"
import type { Entry } from "../../layout/Entry.ts"
import { entriesOfDigest, type State } from "../../layout/State.ts"
import { algorithms, type ContentDigest, isContentDigest } from "../../oci/Digest.ts"
import type { WriteFault } from "../../oci/faults.ts"
import type { SymlinkRefused } from "../../oci/OciError.ts"
import { descriptorsOf, type Manifests } from "../../ops/manifests/manifests.ts"
import type { BlobStore } from "../../ops/ports/BlobStore.ts"
import { contentOf, needsOfAll } from "../../ops/reachability/reachable.ts"
import { digestsBelow } from "../blobs/listBlobs.ts"
import { completeBlob, replaceBlob } from "../blobs/protectBlob.ts"
import { secondNameOf } from "../blobs/secondNames.ts"
import { digestsInTrash, overInTrash } from "../blobs/trash.ts"
import { asStorage } from "../files/asStorage.ts"
import { warnOf } from "../files/fallback.ts"
import { identityOf } from "../files/identity.ts"
import { ifThere, type LayoutFiles } from "../files/layoutFiles.ts"
import { isLookReliable } from "../files/mtimeReliable.ts"
import type { Trusted } from "../files/trusted.ts"
import type { FsError } from "../fs/LayoutFs.ts"
import type { CachedLayout } from "../index/indexCache.ts"
import type { LayoutView } from "../index/layoutView.ts"

export interface Completion {
  /** Completes (see above) what the found index reaches. */
  readonly complete: (known: CachedLayout, state: State) => Effect.Effect<void, WriteFault>
  /** Takes out of the trash what entries need that are about to be added, down to the last layer. */
  readonly completeAdded: (before: State, after: State) => Effect.Effect<void, WriteFault>
}

/**
 * How long we trust that only our own changes changed the folders of blobs, before we list them again: milliseconds.
 */
const trustMillis = 1000

const cannotBeWalked = (error: WriteFault): boolean =>
  error._tag === "LimitExceeded" || (error._tag === "StorageError" && error.kind === "denied")

/** Pinned content has a second name; it is not put back under `blobs/`, since no entry needs it. */
const noPins = { all: Effect.succeed(new Map<never, never>()) }

export const makeCompletion = (
  files: LayoutFiles,
  trusted: Trusted,
  reading: { readonly manifests: Manifests; readonly blobs: BlobStore }
): Completion => {
  /** When the folders of blobs were listed: milliseconds since 1970. */
  let listedAt = 0
  /** The layout view for which second names were listed last. After a commit of another process there may be more. */
  let listedFor: LayoutView | undefined
  /** The hour in which the trash was looked through. */
  let trashCheckedHour = 0
  const storage = asStorage(files.root)

  const reachedBy = (
    entries: ReadonlyArray<Entry>
  ): Effect.Effect<ReadonlyMap<ContentDigest, boolean>, WriteFault> =>
    Effect.map(needsOfAll({ ...reading, pins: noPins }, { entries }), contentOf).pipe(
      // A commit must not fail because the layout is too large to walk, or a manifest may not be read. Then only the
      // manifests of the entries get second names.
      Effect.catchIf(cannotBeWalked, ({ message }) =>
        Effect.as(
          warnOf(files.root, `not all content can be held against other tools' collections: ${message}`),
          new Map(entries.flatMap(({ digest }) => isContentDigest(digest) ? [[digest, true]] : []))
        ))
    )

  const completeAll = (content: Iterable<readonly [ContentDigest, boolean]>): Effect.Effect<void, WriteFault> =>
    storage(
      Effect.forEach(content, ([digest, inPlace]) => completeBlob(files, trusted, digest, inPlace), { discard: true })
    )

  /** The second names there are; after a commit of our own they are known. */
  const keptNow = Effect.fnUntraced(
    function*({ seen, written }: CachedLayout): Effect.fn.Return<Set<string>, FsError | SymlinkRefused> {
      const { keptNames } = files
      if (keptNames.listed !== undefined && (written !== undefined || listedFor === seen)) return keptNames.listed
      keptNames.listed = new Set<string>(yield* digestsBelow(files, files.kept))
      keptNames.spare.clear()
      listedFor = seen
      return keptNames.listed
    }
  )

  /** Puts back what the index needs and a collection has removed. Answers whether anything was missing. */
  const putBackMissing = Effect.fnUntraced(
    function*(known: CachedLayout, state: State): Effect.fn.Return<boolean, WriteFault> {
      const { keptNames } = files
      const kept = yield* storage(keptNow(known))
      const there = yield* storage(digestsBelow(files, files.blobs))
      // Nearly always all of it is there, and counting is enough.
      let count = 0
      for (const digest of there) if (kept.has(digest)) count++
      if (count === kept.size) return false
      const present = new Set<string>(there)
      const missing = new Set(Array.from(kept).filter((digest) => !present.has(digest)))
      if (Array.from(missing).every((digest) => keptNames.spare.has(digest))) return false
      const reached = yield* reachedBy(state.entries)
      yield* completeAll(Array.from(reached).filter(([digest]) => missing.has(digest)))
      keptNames.spare = new Set(
        Array.from(missing).filter((digest) => !isContentDigest(digest) || !reached.has(digest))
      )
      return true
    }
  )

  /** Repairs manifests that are too short, since a tool was killed while it wrote them in place. */
  const repairManifests = Effect.fnUntraced(function*(state: State): Effect.fn.Return<void, WriteFault> {
    const { reached } = yield* reading.manifests.walk(descriptorsOf(state.entries), false)
    const digests = Array.from(reached.keys()).filter(isContentDigest)
    const [there, kept] = yield* storage(Effect.all([
      files.fs.linkStats(digests.map((digest) => files.blob(digest))),
      files.fs.linkStats(digests.map((digest) => secondNameOf(files, digest)))
    ]))
    for (const [place, digest] of digests.entries()) {
      const [own, held] = [there[place], kept[place]]
      if (own?.kind !== "file" || held?.kind !== "file" || own.size === held.size) continue
      const isWhole = yield* storage(replaceBlob(files, trusted, digest))
      // A power cut may have torn the copy, which is not synced.
      if (!isWhole) yield* storage(completeBlob(files, trusted, digest, true))
    }
  })

  /** Looks for missing content, if a folder of blobs was changed by another process. */
  const lookAtBlobs = Effect.fnUntraced(
    function*(known: CachedLayout, state: State): Effect.fn.Return<void, WriteFault> {
      const { blobsSeen } = files
      const now = yield* Clock.currentTimeMillis
      const folders = algorithms.map((algorithm) => join(files.blobs, algorithm))
      const stats = yield* storage(files.fs.linkStats(folders))
      const looks = stats.map((stat) => stat === undefined ? "" : identityOf(stat))
      const isSame = folders.every((folder, place) => blobsSeen.looks.get(folder) === looks[place])
      // A removal at the very moment of a change of ours does not show in the times of the folder.
      if (isSame && !(blobsSeen.changed && now - listedAt >= trustMillis)) return
      if (!isSame) yield* repairManifests(state)
      const isChanged = yield* putBackMissing(known, state)
      listedAt = now
      blobsSeen.changed = false
      blobsSeen.looks.clear()
      if (isChanged) return
      for (const [place, folder] of folders.entries()) {
        const stat = stats[place]
        if (isLookReliable(files, now, stat)) {
          blobsSeen.looks.set(folder, looks[place] ?? "")
        }
      }
    }
  )

  /**
   * Deletes what has been in the trash for a day; first goes back what the index reaches by now. Where that cannot be
   * known, nothing is deleted.
   */
  const deleteOldTrash = Effect.fnUntraced(function*(state: State): Effect.fn.Return<void, WriteFault> {
    const over = yield* storage(overInTrash(files))
    if (over.length === 0) return
    const digests = new Set(over.map(({ digest }) => digest))
    const needs = yield* Effect.result(needsOfAll({ ...reading, pins: noPins }, state))
    if (Result.isFailure(needs)) return cannotBeWalked(needs.failure) ? undefined : yield* needs.failure
    if (needs.success.unreadable.size > 0) return
    yield* completeAll(Array.from(contentOf(needs.success)).filter(([digest]) => digests.has(digest)))
    for (const { path } of over) yield* storage(ifThere(files.fs.unlink(path)))
  })

  return {
    completeAdded: Effect.fnUntraced(function*(before, after): Effect.fn.Return<void, WriteFault> {
      if (before === after) return
      const trash = yield* storage(digestsInTrash(files))
      if (trash.size === 0) return
      const added = after.entries.filter((entry) => entriesOfDigest(before, entry.digest).length === 0)
      if (added.length === 0) return
      const reached = yield* reachedBy(added)
      yield* completeAll(Array.from(reached).filter(([digest]) => trash.has(digest)))
    }),
    complete: Effect.fnUntraced(function*(known, state): Effect.fn.Return<void, WriteFault> {
      const { found, head } = known.seen
      if (files.hold !== "never") {
        const isNew = (entry: Entry): boolean => entriesOfDigest(head, entry.digest).length === 0
        const entries = found === head && state === head
          ? []
          : [...found.entries, ...(state === found ? [] : state.entries)].filter(isNew)
        if (entries.length > 0) yield* completeAll(yield* reachedBy(entries))
      }
      yield* lookAtBlobs(known, state)
      const hour = Math.floor((yield* Clock.currentTimeMillis) / (60 * 60 * 1000))
      if (hour !== trashCheckedHour) yield* deleteOldTrash(state)
      trashCheckedHour = hour
    })
  }
}
