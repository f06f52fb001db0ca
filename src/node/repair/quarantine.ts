/** Where damaged files are kept: out of the way of readers, and never deleted. */
import { Effect, Option, type Scope } from "effect"
import { dirname, join, relative } from "node:path"
import { algorithmOf, type ContentDigest } from "../../oci/Digest.ts"
import type { WriteFault } from "../../oci/faults.ts"
import type { LayoutLocked, SymlinkRefused } from "../../oci/OciError.ts"
import { createOwnFolders } from "../commit/initLayout.ts"
import { asStorage } from "../files/asStorage.ts"
import { prepareFolder, syncFolder, tell } from "../files/durable.ts"
import { cannotLink } from "../files/fallback.ts"
import { hashFile } from "../files/hashFile.ts"
import { identityOf, isAsWritten } from "../files/identity.ts"
import { guard, ifThere, type LayoutFiles, openRegular, RandomName, statIfThere } from "../files/layoutFiles.ts"
import { holdLock } from "../files/lock.ts"
import { nameOfDigest } from "../files/names.ts"
import type { FsError } from "../fs/LayoutFs.ts"

/** Holds the layout's lock until the scope closes, in a layout that ocilayout may never have written yet. */
export const lockToRepair = (
  files: LayoutFiles,
  lockWaitMillis: number
): Effect.Effect<void, FsError | SymlinkRefused | LayoutLocked, Scope.Scope> =>
  Effect.andThen(createOwnFolders(files), holdLock(files, lockWaitMillis))

/** A new name in the quarantine. */
export const quarantined = Effect.fnUntraced(function*(
  files: LayoutFiles,
  name: string
): Effect.fn.Return<string, FsError | SymlinkRefused> {
  const random = yield* RandomName
  const path = join(files.own, "quarantine", `${name}.${random()}`)
  yield* prepareFolder(files, path)
  return path
})

/** Moves a blob into the quarantine if its bytes are not those of its name; tells where it is now. */
export const quarantineBlob = (
  files: LayoutFiles,
  digest: ContentDigest,
  lockWaitMillis: number
): Effect.Effect<Option.Option<string>, WriteFault> =>
  asStorage(files.root)(Effect.scoped(Effect.gen(function*() {
    const opened = yield* ifThere(openRegular(files, files.blob(digest)))
    if (opened === undefined) return Option.none()
    // Before the lock is taken: that takes as long as the blob is large, and others want to write.
    const actual = yield* hashFile(opened.handle, opened.stat.size, algorithmOf(digest))
    if (actual === digest) return Option.none()
    yield* lockToRepair(files, lockWaitMillis)
    // What was written again in place meanwhile may still look as it did.
    const again = opened.mtimeReliable ? actual : yield* hashFile(opened.handle, opened.stat.size, algorithmOf(digest))
    if (again === digest) return Option.none()
    return yield* moveAway(files, digest, identityOf(opened.stat))
  })))

/** A push of the blob takes no lock: if it is another file by now, it goes back where it was. */
const moveAway = Effect.fnUntraced(function*(
  files: LayoutFiles,
  digest: ContentDigest,
  identity: string
): Effect.fn.Return<Option.Option<string>, FsError | SymlinkRefused> {
  const { fs } = files
  const place = files.blob(digest)
  yield* guard(files, place)
  const before = yield* statIfThere(fs, place)
  // Another name, such as one of ours, is a change of the file and not of its bytes. A link is what goes; what it leads
  // to is not ours to move.
  const read = before?.kind === "link" ? yield* ifThere(fs.stat(place)) : before
  if (before === undefined || read === undefined || !isAsWritten(identity, read)) return Option.none()
  const path = yield* quarantined(files, nameOfDigest(digest))
  yield* fs.rename(place, path)
  const moved = yield* fs.linkStat(path)
  if (moved.ino !== before.ino || moved.dev !== before.dev) {
    const linked = yield* tell(fs.link(path, place), "EEXIST", ...cannotLink)
    yield* linked === "done" || linked === "EEXIST" ? fs.unlink(path) : fs.rename(path, place)
    return Option.none()
  }
  yield* syncFolder(files, dirname(path))
  yield* syncFolder(files, dirname(place))
  return Option.some(relative(files.root, path))
})
