/** What a file system or a platform cannot do, and what is done instead. */
import { Effect } from "effect"
import type { LayoutFiles } from "./layoutFiles.ts"

const sentences = {
  exchange: "Files cannot be exchanged here, so index.json is replaced by renaming: " +
    "what a tool without our lock writes at that very moment can be lost.",
  link: "Files cannot have two names here, so blobs are renamed into place: " +
    "another tool's garbage collection can remove what was just pushed.",
  lock: "The native lock (fs-native-extensions) is not made for this platform, so node:sqlite takes it: " +
    "it excludes the same writers, but who waits for it is served in no order."
} as const

/** Says once for every opening of a layout that something is done in a weaker way. */
export const fallBack = ({ reported, root }: LayoutFiles, lacking: keyof typeof sentences): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (reported.has(lacking)) return Effect.void
    reported.add(lacking)
    return Effect.logWarning(`${root}: ${sentences[lacking]}`)
  })

/** A file system without links, another file system, or a file with too many names. */
export const cannotLink = ["EXDEV", "EPERM", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "ENOSYS"] as const

/** A file system or a platform without exchange. */
export const cannotExchange: ReadonlySet<string> = new Set(["ENOSYS", "EINVAL", "ENOTSUP", "EOPNOTSUPP", "EXDEV"])
