/** A layout's blobs as files: complete and verified before they have a name. */
import { Effect, Option, Stream } from "effect"
import { dirname, join, relative, sep } from "node:path"
import type { StoredBlob } from "../../layout/garbage.ts"
import { algorithmOf, type ContentDigest, isContentDigest } from "../../oci/Digest.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { DigestInvalid, SizeInvalid, SymlinkRefused } from "../../oci/OciError.ts"
import type { BlobStore } from "../../ops/ports/BlobStore.ts"
import { asStorage } from "../files/asStorage.ts"
import { prepareFolder, syncFile, syncFolder, tell, withTemporary } from "../files/durable.ts"
import { cannotLink, fallBack } from "../files/fallback.ts"
import { runningHash } from "../files/hasher.ts"
import { identityOf } from "../files/identity.ts"
import { guardedStat, ifThere, type LayoutFiles, openRegular, statIfThere } from "../files/layoutFiles.ts"
import { afterNaming, type Trusted } from "../files/trusted.ts"
import { writePieces } from "../files/writePieces.ts"
import type { FileHandle, FileStat, FsError } from "../fs/LayoutFs.ts"
import type { Preparation } from "../index/Preparation.ts"
import { digestsBelow, listDigests } from "./listBlobs.ts"
import { protectBlob } from "./protectBlob.ts"
import { sizeIs } from "./protectBlob.ts"
import { getBlob, openBlob, readBlob } from "./readBlob.ts"
import { markedSince, markWithSecondName, type SecondNameBy, secondNameOf } from "./secondNames.ts"

/** Blobs of another store on disk can be linked; those of any other are copied. */
const filesOf = new WeakMap<BlobStore, LayoutFiles>()

export const makeBlobStore = (
  files: LayoutFiles,
  { foldersCreated, layoutCreated }: Preparation,
  trusted: Trusted
): BlobStore => {
  const storage = asStorage(files.root)

  const find: BlobStore["find"] = (digest) =>
    storage(Effect.gen(function*() {
      const stat = yield* statBlob(files, files.blob(digest))
      if (stat?.kind !== "file") return yield* findHeld(files, digest)
      const links = files.symlinks === "refuse" ? {} : yield* linksTo(files, digest)
      return Option.some({ digest, size: stat.size, touched: touchedAt(stat), written: writtenAt(stat), ...links })
    }))

  const store: BlobStore = {
    stat: (digest, { size } = {}) =>
      storage(Effect.gen(function*() {
        const stat = yield* guardedStat(files, files.blob(digest))
        return stat?.kind === "file" ? Option.some(stat.size) : yield* statOpened(files, trusted, digest, size)
      })),
    protect: (digest, { manifest = false, size } = {}) =>
      storage(protectBlob(files, trusted, digest, { inPlace: manifest, size })),
    read: readBlob(files, trusted),
    get: getBlob(files, trusted),
    write: Effect.fnUntraced(function*(content, { algorithm, digest, manifest = false, size }) {
      yield* foldersCreated
      const hash = runningHash(algorithm)
      const copied: Array<Uint8Array> = []
      return yield* storage(withTemporary(
        files,
        "blob",
        Effect.fnUntraced(function*(path, handle) {
          const written = yield* writePieces(handle, content, {
            from: 0,
            syncAhead: files.durability === "power" ? syncFile(files, handle) : undefined,
            approve: (sofar) =>
              size !== undefined && sofar > size
                ? Effect.fail(new SizeInvalid({ expected: size, actual: sofar }))
                : Effect.void,
            see: (piece) => {
              hash.update(piece)
              if (manifest) copied.push(new Uint8Array(piece))
            }
          })
          const actual = hash.digest()
          if (size !== undefined && written !== size) return yield* new SizeInvalid({ expected: size, actual: written })
          if (digest !== undefined && actual !== digest) return yield* new DigestInvalid({ digest, actual })
          yield* syncFile(files, handle)
          yield* layoutCreated
          const how = manifest ? Effect.sync(() => Buffer.concat(copied)) : "link"
          const existed = yield* placeBlob(files, trusted, { path, handle, digest: actual, how })
          return { digest: actual, size: written, existed }
        })
      ))
    }),
    adopt: Effect.fnUntraced(function*(from, digest) {
      const source = filesOf.get(from)
      // Nothing to take over is no reason to create a layout.
      if (Option.isNone(yield* from.stat(digest))) return false
      yield* foldersCreated
      yield* storage(layoutCreated)
      const linked = source === undefined ? false : yield* storage(linkBlob(source, files, digest))
      if (linked) return true
      return yield* Effect.scoped(Effect.gen(function*() {
        const read = yield* from.read(digest, { verify: true, passing: true })
        if (Option.isNone(read)) return false
        yield* store.write(read.value.content, { algorithm: algorithmOf(digest), digest, size: read.value.size })
        return true
      }))
    }),
    list: foundOf(storage(digestsBelow(files, files.blobs)), find),
    digests: storage(listDigests(files)),
    find,
    heldOnly: foundOf(
      storage(Effect.zipWith(digestsBelow(files, files.blobs), digestsBelow(files, files.kept), (there, kept) => {
        const present = new Set<string>(there)
        return kept.filter((digest) => !present.has(digest))
      })),
      (digest) => storage(findHeld(files, digest))
    ),
    markedSince: (since) => storage(markedSince(files, since)),
    path: (digest) => Option.some(files.blob(digest))
  }
  filesOf.set(store, files)
  return store
}

/** What is found under each digest; what has gone since is passed over. */
const foundOf = (
  digests: Effect.Effect<ReadonlyArray<ContentDigest>, ReadFault>,
  find: BlobStore["find"]
): Stream.Stream<StoredBlob, ReadFault> =>
  Stream.fromIterableEffect(digests).pipe(
    Stream.mapEffect((digest) => Effect.map(find(digest), Option.toArray)),
    Stream.flatMap((found) => Stream.fromIterable(found))
  )

/** Content of which only our second name is left. */
const findHeld = Effect.fnUntraced(function*(
  files: LayoutFiles,
  digest: ContentDigest
): Effect.fn.Return<Option.Option<StoredBlob>, FsError> {
  const stat = yield* statIfThere(files.fs, secondNameOf(files, digest))
  return stat?.kind === "file"
    ? Option.some({ digest, size: stat.size, touched: touchedAt(stat) })
    : Option.none()
})

/** The size of a blob that a stat does not show as a file, or of its second name or its copy in the trash. */
const statOpened = (files: LayoutFiles, trusted: Trusted, digest: ContentDigest, size: number | undefined) =>
  Effect.scoped(Effect.map(
    openBlob(files, trusted, digest, sizeIs(size)),
    (opened) => opened === undefined ? Option.none<number>() : Option.some(opened.stat.size)
  ))

/** When a file was written or created, not its ctime: each second name changes that. Later uses have marks. */
const touchedAt = ({ birthNs, mtimeNs }: FileStat): number =>
  Math.max(...[mtimeNs, birthNs].map((time) => Number(time / 1_000_000n)))

const writtenAt = ({ mtimeNs }: FileStat): number => Number(mtimeNs / 1_000_000n)

/** Whether a blob is reached through a link, its own or that of a folder, and which one of ours is behind it. */
const linksTo = Effect.fnUntraced(function*(
  { blob, blobs, fs, root }: LayoutFiles,
  digest: ContentDigest
): Effect.fn.Return<Pick<StoredBlob, "linked" | "leadsTo">, FsError> {
  const real = yield* ifThere(fs.realPath(blob(digest)))
  const base = yield* ifThere(fs.realPath(root))
  if (real === undefined || base === undefined || real === join(base, relative(root, blob(digest)))) return {}
  const leadsTo = relative(join(base, relative(root, blobs)), real).replace(sep, ":")
  return isContentDigest(leadsTo) ? { linked: true, leadsTo } : { linked: true }
})

/** A blob as reading would find it: a link is passed over unless it may be followed. */
const statBlob = (files: LayoutFiles, path: string): Effect.Effect<FileStat | undefined, FsError> =>
  files.symlinks === "refuse"
    ? statIfThere(files.fs, path)
    : Effect.catchTag(guardedStat(files, path), "SymlinkRefused", () => Effect.succeed(undefined))

/** A finished file that is to become a blob. */
interface Finished {
  readonly path: string
  readonly handle: FileHandle
  readonly digest: ContentDigest
  readonly how: SecondNameBy
}

/**
 * Gives a finished file its name under `blobs/`, after it was marked and got its second name. If a blob of that name
 * exists, ours replaces it: the old one may be torn or not synced. Answers whether a blob of the same size was there.
 */
export const placeBlob = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { durable, verified }: Trusted,
  { digest, handle, how, path }: Finished
): Effect.fn.Return<boolean, FsError | SymlinkRefused> {
  const target = files.blob(digest)
  yield* prepareFolder(files, target)
  // No other process knows its name yet: its bytes are those that were written.
  const written = { stat: yield* handle.stat, mtimeReliable: files.times.exact }
  yield* markWithSecondName(files, path, digest, how)
  const linked = yield* changing(files, dirname(target), tell(files.fs.link(path, target), "EEXIST", ...cannotLink))
  let existed = false
  if (linked === "done") yield* files.fs.unlink(path)
  else {
    if (linked !== "EEXIST") yield* fallBack(files, "link")
    const there = yield* statIfThere(files.fs, target)
    if (there?.kind === "link" && files.symlinks === "refuse") {
      return yield* new SymlinkRefused({ path: relative(files.root, target) })
    }
    existed = there !== undefined && (there.kind !== "file" || there.size === written.stat.size)
    yield* files.fs.rename(path, target)
    // Between two names of one file a rename does nothing, and leaves both.
    yield* ifThere(files.fs.unlink(path))
  }
  yield* syncFolder(files, dirname(target))
  const placed = afterNaming(files, written, yield* handle.stat)
  verified.add(placed)
  durable.add(placed)
  return existed
})

/** Changes a folder of blobs, so that the next look need not list it where nothing else has changed it. */
const changing = Effect.fnUntraced(
  function*<A>(
    { blobsSeen, fs, times }: LayoutFiles,
    folder: string,
    change: Effect.Effect<A, FsError>
  ): Effect.fn.Return<A, FsError> {
    const looked = times.exact ? blobsSeen.looks.get(folder) : undefined
    if (looked === undefined) return yield* change
    const before = yield* statIfThere(fs, folder)
    const done = yield* change
    const after = yield* statIfThere(fs, folder)
    if (before !== undefined && after !== undefined && identityOf(before) === looked) {
      blobsSeen.looks.set(folder, identityOf(after))
      blobsSeen.changed = true
    }
    return done
  }
)

/** A second name for another layout's blob; false where that cannot be, or there is none. */
const linkBlob = Effect.fnUntraced(function*(
  from: LayoutFiles,
  to: LayoutFiles,
  digest: ContentDigest
): Effect.fn.Return<boolean, FsError | SymlinkRefused> {
  return yield* Effect.scoped(Effect.gen(function*() {
    const source = yield* ifThere(openRegular(from, from.blob(digest)))
    if (source === undefined) return false
    const target = to.blob(digest)
    yield* prepareFolder(to, target)
    // Its writer may never have synced it, and the mount acknowledges it.
    yield* syncFile(to, source.handle)
    const linked = yield* tell(to.fs.link(from.blob(digest), target), "EEXIST", ...cannotLink)
    if (linked !== "done" && linked !== "EEXIST") return false
    // A blob already there is trusted only if it is the same inode; otherwise the caller copies and verifies it.
    const there = yield* statIfThere(to.fs, target)
    if (there?.ino !== source.stat.ino || there.dev !== source.stat.dev) return false
    yield* markWithSecondName(to, from.blob(digest), digest, "link")
    yield* syncFolder(to, dirname(target))
    return true
  }))
})
