/**
 * Identities of the folders and files that make a layout. They show whether the layout was built anew, rewritten by a
 * tool, or copied.
 */
import { Effect } from "effect"
import type { State } from "../../layout/State.ts"
import { isContentDigest } from "../../oci/Digest.ts"
import { type LayoutFiles, statIfThere } from "../files/layoutFiles.ts"
import type { FileStat, FsError } from "../fs/LayoutFs.ts"
import { lastOf, type LayoutIdentity } from "../journal/journalRecord.ts"
import type { Past } from "./past.ts"

export const partsNow = (
  { blobs, fs, marker: layout, own, root }: LayoutFiles
): Effect.Effect<LayoutIdentity, FsError> =>
  Effect.map(fs.linkStats([blobs, own, layout, root]), (stats) => {
    const isTold = stats.some((stat) => stat !== undefined && stat.birthNs > 0n && stat.birthNs !== stat.ctimeNs)
    const identity = (stat: FileStat | undefined): string =>
      stat === undefined ? "" : `${stat.ino}:${isTold ? stat.birthNs : ""}`
    const [content, ours, marker] = stats
    return { blobs: identity(content), own: identity(ours), marker: identity(marker) }
  })

/**
 * Whether two identities are known to be of different things. Inode numbers are given again at once, so the time at
 * which a thing was made counts as well, where the file system tells it: where it does not, that is the time of the
 * last change.
 */
const differ = (one: string, other: string): boolean => {
  if (one === "" || other === "") return false
  const [inode, birth] = one.split(":")
  const [otherInode, otherBirth] = other.split(":")
  return inode !== otherInode || (birth !== "" && otherBirth !== "" && birth !== otherBirth)
}

/** Whether a layout is known to be made of other parts than a record says: it is a copy, or was built anew. */
export const partsDiffer = (recorded: LayoutIdentity, now: LayoutIdentity): boolean =>
  differ(recorded.blobs, now.blobs) || differ(recorded.own, now.own) || differ(recorded.marker, now.marker)

/** Whether a layout is, as far as that is known, the one of a record and not a copy of it. */
export const isSameLayout = (recorded: LayoutIdentity | undefined, now: LayoutIdentity): boolean =>
  recorded === undefined || !differ(recorded.own, now.own)

/**
 * Whether a layout was removed, all but our own folder, and built anew: `blobs` is another folder than in the last
 * record, `.ocilayout` is the same one, and `oci-layout` is another file, or something that our last state needs is
 * missing. A tool with an old index that collects garbage keeps folder and file; a copy of the layout has another
 * `.ocilayout` (R14).
 *
 * @param past of an index that has no generation of ours
 */
export const isBuiltAnew = Effect.fnUntraced(function*(
  { blob, fs }: LayoutFiles,
  { head, lines }: Past,
  { found, parts }: { readonly found: State; readonly parts: LayoutIdentity }
): Effect.fn.Return<boolean, FsError> {
  const recorded = lastOf(lines)?.parts
  if (recorded === undefined || !differ(recorded.blobs, parts.blobs)) return false
  if (recorded.own === "" || parts.own === "" || differ(recorded.own, parts.own)) return false
  if (differ(recorded.marker, parts.marker)) return true
  const there = new Set(found.entries.map(({ digest }) => digest))
  const rest = head.entries.map(({ digest }) => digest).filter((digest) => !there.has(digest))
  for (const digest of new Set(rest)) {
    if (isContentDigest(digest) && (yield* statIfThere(fs, blob(digest))) === undefined) return true
  }
  return false
})
