/** Content: blobs, uploads, folders, marks, garbage. */
import { type Mutant, plainTest, property } from "./Mutant.ts"

const crash = property("crash", "leaves what was acknowledged, with file times of 4000000 ns")
const fault = property(
  "fault",
  "is told, changes nothing or all, leaks nothing, and spoils nothing later, each of a history"
)
const sweepEntries = property(
  "sweep",
  "takes no entry but by a rule, or without a tag, when nothing that stays needs it and it refers to nothing of it"
)
const sweepNeeded = property(
  "sweep",
  "takes nothing that what stays needs, that is fresh, pinned or can be brought back"
)
const collectedMeanwhile = property(
  "collectBetween",
  "a collection between any two calls of a push takes nothing from a push of chunks that came hours ago"
)
const pushedMeanwhile = property(
  "collectBetween",
  "a push between any two calls of a collection loses nothing of a blob that is there"
)

export const content: ReadonlyArray<Mutant> = [
  {
    name: "no sync of a blob's folder",
    breaks: "The name of a new blob is not synced.",
    in: "placeBlob",
    find: "yield* syncFolder(files, dirname(target))",
    replace: "",
    caughtBy: crash
  },
  {
    name: "a folder that is there is durable",
    breaks: "The name of a folder that another process has made is not synced.",
    in: "makeFolder",
    find: "if (made === \"EEXIST\") return isPart ? yield* makeFolderDurable(files, folder, false) : undefined",
    replace: "if (made === \"EEXIST\") return",
    caughtBy: crash,
    runs: 400
  },
  {
    name: "no sync of a parent",
    breaks: "The name of a new folder is not synced.",
    in: "makeFolderDurable",
    find: "yield* isPart ? syncFolder(files, parent) : tell(files.fs.syncDirectory(parent), ...cannotSyncFolder)",
    replace: "",
    caughtBy: crash
  },
  {
    name: "blob not synced",
    breaks: "A blob gets its name before its bytes are on the disk.",
    in: "makeBlobStore",
    find: `yield* syncFile(files, handle)
yield* layoutCreated`,
    replace: "yield* layoutCreated",
    caughtBy: crash
  },
  {
    name: "blob trusted by its size",
    breaks: "A blob that is there already is kept if it has the right size.",
    in: "placeBlob",
    find: "yield* files.fs.rename(path, target)",
    replace: `if (existed) return true
yield* files.fs.rename(path, target)`,
    caughtBy: property("healing", "a blob that is pushed in one piece takes the place of what is there, and lasts")
  },
  {
    name: "young blob believed",
    breaks: "A blob that was just read or written is trusted by its times, however coarse they are.",
    in: "makeVerified",
    find: "if (!mtimeReliable) return",
    replace: "",
    caughtBy: property("trusted", "holds for the bytes that are there, with file times of 1000000000 ns")
  },
  {
    name: "index before oci-layout",
    breaks: "A new layout has an index before it says that it is a layout.",
    in: "createLayout",
    find: `yield* createMarker(files)
yield* createFile(files, files.index, emptyIndex)`,
    replace: `yield* createFile(files, files.index, emptyIndex)
yield* createMarker(files)`,
    caughtBy: crash
  },
  {
    name: "append not synced",
    breaks: "What was appended to a session is acknowledged before it is on the disk.",
    in: "sessionOf",
    find: `yield* syncFile(files, handle)
yield* lastingSession`,
    replace: "yield* lastingSession",
    caughtBy: crash,
    runs: 400
  },
  {
    name: "session not synced",
    breaks: "What was appended to a session is on the disk, and what says that there is a session is not.",
    in: "sessionOf",
    find: "yield* syncSession(files, folder)",
    replace: "",
    caughtBy: crash,
    runs: 400
  },
  {
    name: "temporary file left",
    breaks: "A temporary file stays when what it was for has failed.",
    in: "withTemporary",
    find: "(handle) => Effect.andThen(handle.close, Effect.ignore(removeIfThere(files, path)))",
    replace: "(handle) => handle.close",
    caughtBy: fault
  },
  {
    name: "handle leaked",
    breaks: "A file that was opened stays open when it cannot be looked at.",
    in: "openRegularHandle",
    find: "return yield* Effect.onError(regular, () => handle.close)",
    replace: "return yield* regular",
    caughtBy: fault
  },
  {
    name: "session not locked",
    breaks: "Two writers append to one session at the same time.",
    in: "makeUploadStore",
    find: "if (held === false) return yield* new UploadBusy({ upload: id })",
    replace: "",
    caughtBy: property("interleaving", "writers on disk through two stores of one upload never mix their bytes")
  },
  {
    name: "session marked after its blob",
    breaks: "A session says that it is committed only after its data has the blob's name.",
    in: "commit",
    find: "yield* writeCommitted(files, folder, { digest, size })",
    replace: `const mark = writeCommitted(files, folder, { digest, size })
yield* Effect.addFinalizer(() => Effect.ignore(mark))`,
    caughtBy: plainTest(
      "node/uploads/uploadFiles",
      "that a crash cut short after that has happened, and its data cannot be appended to"
    )
  },
  {
    name: "commit not synced",
    breaks: "An upload becomes a blob before what a process without durability has appended is on the disk.",
    in: "commit",
    find: `yield* syncFile(files, handle)
yield* writeCommitted(...$$committed)`,
    replace: "yield* writeCommitted(...$$committed)",
    caughtBy: property("healing", "a blob that is pushed in chunks takes the place of what is there, and lasts")
  },
  {
    name: "hash not checked when read",
    breaks: "A reader gets a blob even if its bytes are damaged.",
    in: "requireDigest",
    find: "actual === digest",
    replace: "actual.length === digest.length",
    caughtBy: plainTest("node/blobs/readBlob", "is verified again each time it is read")
  },
  {
    name: "link among the marks followed",
    breaks: "Content is marked as used through a link that leads elsewhere.",
    in: "mark",
    find: "yield* guard(files, folder)",
    replace: "",
    caughtBy: property("hostileLayout", "is never left through a link, whichever of its files is one")
  },
  {
    name: "prefix for inside",
    breaks: "A directory is taken to be inside another whose name it begins with.",
    in: "isInside",
    find: "path.startsWith(folder.endsWith(sep) ? folder : folder + sep)",
    replace: "path.startsWith(folder)",
    caughtBy: property("hostileTools", "answers all arguments, touches nothing it may not, and breaks nothing")
  },
  {
    name: "folder opened through a link",
    breaks: "A folder of the layout that was exchanged for a link is opened where that leads.",
    in: "heldFolders",
    find: "fs.openFolder(above.at(basename(path)), false)",
    replace: "fs.openFolder(above.at(basename(path)), true)",
    caughtBy: property("exchangedFolders", "before a call of any operation, leads no call elsewhere")
  },
  {
    name: "not put back by a push",
    breaks: "A manifest is refused whose blob another tool has removed, though we hold it.",
    in: "protectOnce",
    find: "there === undefined && !(yield* restoreBlob(...$$all))",
    replace: "there === undefined",
    caughtBy: property("leases", "takes no blob from a push, and none from a reader of what was pushed")
  },
  {
    name: "held after the blob",
    breaks: "A blob has its name before it is held, so that a collector may come between.",
    in: "placeBlob",
    find: `yield* markWithSecondName(files, path, digest, how)
const linked = yield* changing(files, dirname(target), tell(files.fs.link(path, target), "EEXIST", ...cannotLink))`,
    replace:
      `const linked = yield* changing(files, dirname(target), tell(files.fs.link(path, target), "EEXIST", ...cannotLink))
yield* markWithSecondName(files, path, digest, how)`,
    caughtBy: collectedMeanwhile,
    runs: 400
  },
  {
    name: "marks not looked at",
    breaks: "A collection deletes content that another process pushed after it was moved to the trash.",
    in: "collectBlobs",
    find: "marked.has(one.digest)",
    replace: "marked.has(one.path)",
    caughtBy: pushedMeanwhile,
    runs: 400
  },
  {
    name: "garbage by an old look",
    breaks: "A collection removes what its plan says, though the layout has changed since.",
    in: "collectBatch",
    find: "blobs.flatMap(({ digest, goes }) => goes ? [digest] : [])",
    replace: "blobs.map(({ digest }) => digest)",
    caughtBy: property("collectBetween", "a push between any two calls of a collection loses nothing of a tag"),
    runs: 400
  },
  {
    name: "blobs taken and forgotten",
    breaks: "What is in the trash is never deleted.",
    in: "makeCompletion",
    find: "for (const { path } of over) yield* storage(ifThere(files.fs.unlink(path)))",
    replace: "",
    caughtBy: property("collect", "by a failing call is told, takes nothing that is needed, and goes on")
  },
  {
    name: "marks looked at too early",
    breaks: "Who holds what is looked for before it is out of sight.",
    in: "collectBlobs",
    find: `const taken: Array<Taken> = []
const takings: $type = []
for (const digest of digests) $take
const now = yield* Clock.currentTimeMillis
const marked = yield* Effect.onError($marked, $putBack)`,
    replace: `const now = yield* Clock.currentTimeMillis
const marked = yield* $marked
const taken: Array<Taken> = []
const takings: $type = []
for (const digest of digests) $take`,
    caughtBy: pushedMeanwhile,
    runs: 400
  },
  {
    name: "taken blob not held",
    breaks: "What a collection has taken to the trash is not looked for there.",
    in: "openKept",
    find: "[Effect.succeed([secondNameOf(files, digest)]), trashOf(files, digest)]",
    replace: "[Effect.succeed([secondNameOf(files, digest)])]",
    caughtBy: plainTest(
      "node/blobs/collectBlobs",
      "gives what it took to a manifest that needs it, until it is gone from the trash: then it is refused"
    )
  },
  {
    name: "taken blob let go of too early",
    breaks: "A blob that is put back is given up where it was before its name is on the disk.",
    in: "undoTaking",
    find: "yield* syncFolder(files, dirname(path))",
    replace: "",
    caughtBy: plainTest(
      "node/blobs/collectBlobs",
      "has a blob's name on the disk again before it lets go of it"
    )
  },
  {
    name: "referrers forgotten",
    breaks: "What refers to something that stays goes.",
    in: "sweep",
    find: "[entry.digest, $subject]",
    replace: "[entry.digest]",
    caughtBy: sweepEntries,
    runs: 1000
  },
  {
    name: "past ignored",
    breaks: "What can be brought back loses its content.",
    in: "sweep",
    find: "for (const { digest, revision } of past) $mark",
    replace: "for (const { digest, revision } of past.slice(past.length)) $mark",
    caughtBy: sweepNeeded
  },
  {
    name: "pins ignored",
    breaks: "What is pinned goes.",
    in: "sweep",
    find: "for (const digest of pins) mark(digest, \"pinned\")",
    replace: "",
    caughtBy: sweepNeeded
  },
  {
    name: "unreadable manifest overlooked",
    breaks: "Untagged entries go that a manifest may need which cannot be read.",
    in: "sweep",
    find: "if (!outlived.has(entry)) mark(entry.digest, unclear)",
    replace: "if (entry.digest === \"\") mark(entry.digest, unclear)",
    caughtBy: sweepEntries,
    runs: 2000
  }
]
