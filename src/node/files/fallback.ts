/** What a file system or a platform cannot do, and what is done instead. */
import { Effect, Option } from "effect"
import { join } from "node:path"
import { besideDockerSave } from "../../ops/api/dockerSave.ts"
import type { FsError } from "../fs/LayoutFs.ts"
import { type LayoutFiles, statIfThere } from "./layoutFiles.ts"

const sentences = {
  sync: "Files cannot be synced here, so a power cut can take back what was written last, or tear it; " +
    "what was written survives the death of the process.",
  syncFolder: "Folders cannot be synced here, so a power cut can take back what was acknowledged last; " +
    "what is left of it is whole.",
  group: "Files cannot be given to the group of the layout's folder by this user, " +
    "so others of that group may not be able to change them.",
  exchange: "Files cannot be exchanged here, so index.json is replaced by renaming: " +
    "what a tool without our lock writes at that very moment can be lost.",
  link: "Files cannot have two names here, so blobs are renamed into place: " +
    "another tool's garbage collection can remove what was just pushed.",
  dockerSave: `${besideDockerSave}; ocilayout verify compares them.`,
  lock: "The native lock (fs-native-extensions) is not made for this platform, so node:sqlite takes it: " +
    "it excludes the same writers, but who waits for it is served in no order."
} as const

/** Warns of something about a layout; whatever collects logs finds the folder in `oci.layout`. */
export const warnOf = (root: string, sentence: string): Effect.Effect<void> =>
  Effect.annotateLogs(Effect.logWarning(`${root}: ${sentence}`), { "oci.layout": root })

/** Says once for every opening of a layout that something is done in a weaker way. */
export const fallBack = ({ reported, root }: LayoutFiles, lacking: keyof typeof sentences): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (reported.has(lacking)) return Effect.void
    reported.add(lacking)
    return warnOf(root, sentences[lacking])
  })

/**
 * Says once for every opening that `docker load` goes by another file than the one that is changed, where there is it.
 */
export const tellDockerSave = Effect.fnUntraced(function*(files: LayoutFiles): Effect.fn.Return<void> {
  if (files.reported.has("dockerSave")) return
  // Whether it is there is only worth a remark, and no reason to fail.
  const saved = yield* Effect.option(statIfThere(files.fs, join(files.root, "manifest.json")))
  if (Option.isSome(saved) && saved.value !== undefined) return yield* fallBack(files, "dockerSave")
  files.reported.add("dockerSave")
})

/** A call that may be refused with one of these codes: that is said, and goes on without it. */
export const orFallBack = (
  files: LayoutFiles,
  lacking: keyof typeof sentences,
  call: Effect.Effect<void, FsError>,
  codes: ReadonlyArray<string>
): Effect.Effect<void, FsError> =>
  Effect.catchIf(call, ({ code }) => codes.includes(code), () => fallBack(files, lacking))

/** Codes that mean: this call is not supported here. Errors of the medium (EIO, ENOSPC) are not among them. */
const refused = ["EACCES", "EINVAL", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EPERM"] as const

/** A file system that syncs no files, or not by a handle that may only read. */
export const cannotSync = refused

/** What is said of a file that cannot be given away: no right, no such user in this name space, or no owners at all. */
export const cannotOwn = refused

/** A file system or a platform that syncs no folders, or a folder that this user may not read. */
export const cannotSyncFolder = [...refused, "EBADF", "EISDIR"] as const

/** A file system without links, another file system, a file with too many names, or one of another user. */
export const cannotLink = [...refused, "EXDEV", "EMLINK"] as const

/** A file system or a platform without exchange. */
export const cannotExchange: ReadonlySet<string> = new Set([...refused, "EXDEV"])
