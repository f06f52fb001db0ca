/** The files of one layout: where they are, how they are opened, and how a failing call is told. */
import { Clock, Context, Effect, type Scope } from "effect"
import { randomUUID } from "node:crypto"
import { dirname, join, relative } from "node:path"
import { algorithmOf, type ContentDigest, encodedOf } from "../../oci/Digest.ts"
import { SymlinkRefused } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import { isInside } from "../fs/isInside.ts"
import { type FileHandle, type FileStat, FsError, hasCode, type LayoutFs } from "../fs/LayoutFs.ts"
import type { BlobsSeen, KeptNames } from "./folderCache.ts"
import { type HistoryLimits, historyLimits } from "./historyLimits.ts"
import { isMtimeReliable } from "./mtimeReliable.ts"
import type { Durability, HoldPolicy, SymlinkPolicy } from "./policies.ts"
import type { Syncs } from "./sharedSync.ts"

export type { Durability, HoldPolicy, SymlinkPolicy } from "./policies.ts"

export interface LayoutFiles {
  readonly fs: LayoutFs
  readonly root: string
  /** The directory of the layouts that this one is among, if it is. */
  readonly tree: string | undefined
  readonly durability: Durability
  readonly symlinks: SymlinkPolicy
  readonly history: HistoryLimits
  readonly marker: string
  readonly index: string
  readonly blobs: string
  /** `.ocilayout`: everything of ours, and everything unfinished. */
  readonly own: string
  readonly lock: string
  readonly holder: string
  /** Which replaced indexes were found unchanged. */
  readonly watched: string
  /** The segment of the journal that is being written; `journalSegments` has those before it. */
  readonly journal: string
  readonly uploads: string
  readonly temporary: string
  /** Indexes that were replaced, watched for a while. */
  readonly replaced: string
  /** The folder of second names of content; see `blobs/secondNames.ts`. */
  readonly kept: string
  /** Marks of content that was just used, by the hour. */
  readonly marks: string
  /** What our own collections have taken away. */
  readonly trash: string
  /** Content that is to stay. */
  readonly pins: string
  /** What is to be collected, for an hour; and how far receivers of the history have been told. */
  readonly plans: string
  readonly bookmarks: string
  /** Caches of facts about manifests and about layers, which can be read again from the content. */
  readonly facts: string
  readonly layers: string
  /** The repository of bare tags and nameless entries, where the layout holds several; see `defaultRepository`. */
  readonly defaultRepository: {
    readonly path: string
    readonly repository: Repository | undefined
    /** Whether this opening has seen to it that it is written down. */
    kept: boolean
  }
  /** What this opening has told already of what the file system cannot do. */
  readonly reported: Set<string>
  /** Folders whose names this opening has synced. */
  readonly durableFolders: Set<string>
  /** What the times of files tell here, once this opening has written something. */
  readonly times: {
    tried: boolean
    /**
     * Whether they tell every change, so that a file that looks as it did when all its bytes were known to be there has
     * them still. Of a file that was read they may have told of a change before its bytes had come.
     */
    exact: boolean
  }
  /** For how long content has a second name. */
  readonly hold: HoldPolicy
  /** Folders of second names that were given since they were synced. */
  readonly unsynced: Set<string>
  readonly blobsSeen: BlobsSeen
  /** What this opening knows of second names. */
  readonly keptNames: KeptNames
  /** What this opening has marked in which hour. */
  readonly marked: { hour: number; readonly digests: Set<ContentDigest> }
  /** Folders that this opening is syncing now. */
  readonly syncs: Syncs
  /** Files that could not be synced: a later sync of them may say nothing about what was lost. */
  readonly doubtful: Set<string>
  readonly blob: (digest: ContentDigest) => string
}

export const layoutFiles = (
  fs: LayoutFs,
  root: string,
  { defaultRepository, durability, history = historyLimits, hold = "always", symlinks, tree }: {
    readonly defaultRepository?: Repository | undefined
    readonly durability: Durability
    readonly hold?: HoldPolicy | undefined
    readonly symlinks: SymlinkPolicy
    readonly history?: HistoryLimits | undefined
    readonly tree?: string | undefined
  }
): LayoutFiles => {
  const own = join(root, ".ocilayout")
  const blobs = join(root, "blobs")
  return {
    fs,
    root,
    tree,
    durability,
    symlinks,
    history,
    marker: join(root, "oci-layout"),
    index: join(root, "index.json"),
    blobs,
    own,
    lock: join(own, "lock"),
    holder: join(own, "holder"),
    watched: join(own, "watched"),
    // Its format is part of its path: version 0.1.0, which would cut off lines it does not know, never sees them.
    journal: join(own, "journal", "2", "current.ndjson"),
    uploads: join(own, "uploads"),
    temporary: join(own, "tmp"),
    replaced: join(own, "replaced"),
    kept: join(own, "kept"),
    marks: join(own, "leases"),
    trash: join(own, "trash"),
    pins: join(own, "pins"),
    plans: join(own, "plans"),
    bookmarks: join(own, "bookmarks"),
    facts: join(own, "facts"),
    layers: join(own, "layers"),
    defaultRepository: { path: join(own, "default-repository"), repository: defaultRepository, kept: false },
    reported: new Set(),
    durableFolders: new Set(),
    times: { tried: false, exact: false },
    hold,
    unsynced: new Set(),
    blobsSeen: { looks: new Map(), changed: false },
    keptNames: { listed: undefined, spare: new Set() },
    marked: { hour: 0, digests: new Set() },
    syncs: new Map(),
    doubtful: new Set(),
    blob: (digest) => join(blobs, algorithmOf(digest), encodedOf(digest))
  }
}

/** What is there, or nothing. */
export const statIfThere = (
  fs: LayoutFs,
  path: string
): Effect.Effect<FileStat | undefined, FsError> => Effect.map(fs.linkStats([path]), ([stat]) => stat)

const isMissing = hasCode("ENOENT", "ENOTDIR")

/** Nothing in the place of "no such file"; `ENOTDIR` says that a part of the path is a file, so nothing is below it. */
export const ifThere = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A | undefined, E, R> =>
  Effect.catchIf(effect, isMissing, () => Effect.undefined)

/** The index, where a link to it is followed only if the policy allows it. */
export const statIndex = ({ fs, index, symlinks }: LayoutFiles): Effect.Effect<FileStat | undefined, FsError> =>
  symlinks === "refuse" ? statIfThere(fs, index) : ifThere(fs.stat(index))

/**
 * Refuses a path below the layout that leads through a link, or out of it, as the policy says. The last component is
 * left to `open`, which refuses a link there without a race; folders are looked at just before. Tells whether the
 * folder that the path lies in was seen to be there.
 */
export const guard = (files: LayoutFiles, path: string): Effect.Effect<boolean, FsError | SymlinkRefused> => {
  switch (files.symlinks) {
    case "follow":
      return Effect.succeed(false)
    case "inside":
      return Effect.as(refuseOutside(files, path), false)
    case "refuse":
      return Effect.map(refuseLinks(files, foldersAbove(files, path)), ([folder]) => folder?.kind === "directory")
  }
}

const refuseOutside = Effect.fnUntraced(function*(
  { fs, root }: LayoutFiles,
  path: string
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  // What does not exist yet would be created where the folder above it leads.
  for (let part = path; part !== root && isInside(root, part); part = dirname(part)) {
    const real = yield* ifThere(fs.realPath(part))
    if (real === undefined) continue
    if (!isInside(yield* fs.realPath(root), real)) return yield* new SymlinkRefused({ path: relative(root, part) })
    return
  }
})

/** What a path leads to, guarded as it: links that may be followed are; nothing where there is nothing. */
export const guardedStat = (
  files: LayoutFiles,
  path: string
): Effect.Effect<FileStat | undefined, FsError | SymlinkRefused> =>
  files.symlinks === "refuse"
    ? Effect.map(refuseLinks(files, foldersAbove(files, path), path), (stats) => stats.at(-1))
    : Effect.andThen(guard(files, path), ifThere(files.fs.stat(path)))

/** The folders that a path leads through, below the layout, the innermost first. */
const foldersAbove = ({ root }: LayoutFiles, path: string): ReadonlyArray<string> => {
  const folders: Array<string> = []
  for (let folder = dirname(path); folder !== root && isInside(root, folder); folder = dirname(folder)) {
    folders.push(folder)
  }
  return folders
}

/** What folders are, none of them a link, and what other paths are. */
const refuseLinks = (
  { fs, root }: LayoutFiles,
  folders: ReadonlyArray<string>,
  ...others: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<FileStat | undefined>, FsError | SymlinkRefused> =>
  Effect.flatMap(fs.linkStats([...folders, ...others]), (found) => {
    const link = folders.find((_, place) => found[place]?.kind === "link")
    return link === undefined
      ? Effect.succeed(found)
      : Effect.fail(new SymlinkRefused({ path: relative(root, link) }))
  })

/** Refuses, in the same way, to write into folders of our own that lie elsewhere. */
export const guardOwn = (files: LayoutFiles): Effect.Effect<void, FsError | SymlinkRefused> =>
  files.symlinks === "refuse"
    ? Effect.asVoid(refuseLinks(files, [files.own, ...ownFolders(files), ...keptFolders(files)]))
    : Effect.forEach([...ownFolders(files), ...keptFolders(files)], (folder) => guard(files, join(folder, "any")), {
      discard: true
    })

/** Made when something is put into them: deleting content goes by them too, after that is on record. */
const keptFolders = ({ kept }: LayoutFiles): ReadonlyArray<string> => [join(kept, "sha256"), join(kept, "sha512")]

/** The folders in it, each after the one it lies in. */
export const ownFolders = (files: LayoutFiles): ReadonlyArray<string> => [
  dirname(dirname(files.journal)),
  dirname(files.journal),
  files.uploads,
  files.temporary,
  files.replaced,
  files.kept,
  files.marks,
  files.trash
]

/** An open regular file and what it was when it was opened. */
export interface Opened {
  readonly handle: FileHandle
  readonly stat: FileStat
  /** Whether any change of the file since it was opened shows in its times. */
  readonly mtimeReliable: boolean
}

/** Opens a regular file of the layout for reading; what is none is refused without having been waited for. */
export const openRegular = (
  files: LayoutFiles,
  path: string
): Effect.Effect<Opened, FsError | SymlinkRefused, Scope.Scope> =>
  Effect.acquireRelease(openRegularHandle(files, path), ({ handle }) => handle.close)

/** As `openRegular`; the caller closes the handle. */
export const openRegularHandle = Effect.fnUntraced(function*(files: LayoutFiles, path: string) {
  yield* guard(files, path)
  const handle = yield* files.fs.openHandle(path, { access: "read", follow: files.symlinks !== "refuse" })
  const regular = Effect.gen(function*() {
    const stat = yield* handle.stat
    if (stat.kind !== "file") {
      return yield* new FsError({ operation: "open", path, code: "ENOTREG", cause: "not a regular file" })
    }
    return { handle, stat, mtimeReliable: isMtimeReliable(yield* Clock.currentTimeMillis, stat) }
  })
  return yield* Effect.onError(regular, () => handle.close)
}, Effect.uninterruptible)

/** Whether a file could not be opened because a link, a folder, a pipe or the like lies in its place. */
export const isNoFile = (error: FsError | SymlinkRefused): boolean =>
  error._tag === "SymlinkRefused" || error.code === "ELOOP" || error.code === "ENOTREG" || error.code === "ENXIO"

/** Reads the whole of an open file. */
export const readAll = Effect.fnUntraced(function*(handle: FileHandle, size: number) {
  const bytes = new Uint8Array(size)
  const count = yield* handle.read(bytes, 0)
  return count === size ? bytes : bytes.subarray(0, count)
})

/** 32 random hexadecimal digits, for names that cannot be guessed; a reference, so that a simulation can repeat them. */
export const RandomName: Context.Reference<() => string> = Context.Reference("ocilayout/node/RandomName", {
  // Six of its bits are always the same, but it asks the system for many at a time.
  defaultValue: () => () => randomUUID().replaceAll("-", "")
})
