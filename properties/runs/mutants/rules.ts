/** The rules of docs/protocol.md. */
import { type Mutant, plainTest, property } from "./Mutant.ts"

const content = plainTest("foreign/content", "where umoci gc has read the index before our push")
const sweepNeeded = property(
  "sweep",
  "takes nothing that what stays needs, that is fresh, pinned or can be brought back"
)

export const rules: ReadonlyArray<Mutant> = [
  {
    name: "R1: the index tells of the last line",
    breaks: "A group did not happen if the index is the one from before it.",
    in: "withIndex",
    find: "const waits = record._tag === \"Group\" && $waits",
    replace: "const waits = record._tag === \"Group\" && record.before === index.hash",
    caughtBy: plainTest("foreign/names", "where skopeo writes back the very bytes that it read")
  },
  {
    name: "R2: the waiting file against the generation",
    breaks: "A group whose generation the index has did not happen if its file waits.",
    in: "withIndex",
    find: "const unpublished = waits && !isOfGroup(index.generation, record)",
    replace: "const unpublished = waits",
    caughtBy: plainTest(
      "node/index/layoutView",
      "reconciling an index with the generation of the last group says that it happened, even if a file waits"
    )
  },
  {
    name: "R3: one folder synced",
    breaks: "After the exchange the folder of replaced indexes is never synced.",
    in: "syncExchanged",
    find: "if (!$ordered) yield* syncFolder(files, files.replaced)",
    replace: "",
    caughtBy: plainTest(
      "node/commit/completion",
      "gets them on the disk before the record, where each folder keeps its own names"
    )
  },
  {
    name: "R4: refused without a word",
    breaks: "A group that was overtaken is not said not to have happened.",
    in: "publish",
    find: "yield* $exchange.pipe($a, $b, Effect.tapError($takeBack))",
    replace: "yield* $exchange.pipe($a, $b)",
    caughtBy: property("linearizable", "what fibers of 2 processes are told")
  },
  {
    name: "R5: the last group swept",
    breaks: "The file that tells whether the last group happened is swept with the others.",
    in: "makeReplacedIndexes",
    find: "if (replaced.before === last?.before && replaced.after === last.after) continue",
    replace: "",
    caughtBy: plainTest(
      "node/index/replacedIndexes",
      "is watched for a minute, then it is gone, except that of the last line"
    )
  },
  {
    name: "R6: the end of the journal read once",
    breaks: "A reader does not look whether the journal has gone on.",
    in: "withIndex",
    find: "if (!waits && $moved) return undefined",
    replace: "",
    caughtBy: plainTest("node/index/layoutView", "gives no answer from a group that is taken back while it looks")
  },
  {
    name: "R7: the index tells of a failed exchange",
    breaks: "After an error the exchange counts as done only if our file is what the index is.",
    in: "replaceIndex",
    find: `const waits = yield* statIfThere(fs, waiting.path)
if (waits?.ino === written.ino && waits.dev === written.dev) return yield* error`,
    replace: `const there = yield* statIfThere(fs, target)
if (there?.ino !== written.ino || there.dev !== written.dev) return yield* error`,
    caughtBy: plainTest(
      "behaviour/lastGroup",
      "has happened where its exchange failed and was done, even if a tool has replaced the index since"
    )
  },
  {
    name: "R8: groups without a name of their own",
    breaks: "The groups of two copies of a layout with one number have one generation.",
    in: "prepareGroup",
    find: "name().slice(0, 16)",
    replace: "\"0\".repeat(16)",
    caughtBy: plainTest(
      "node/commit/layoutStore",
      "writes the generation into the index: the journal's id, the number of its line and its random name"
    )
  },
  {
    name: "R9: only the base counts",
    breaks: "What an index says is its writer's word, unless the version that it read said so.",
    in: "baseOf",
    find: "saidSince(history.upTo(own.seq), heldSince(groups, own.seq))",
    replace: "saidSince(history.upTo(own.seq), heldSince(groups, own.seq).slice(0, 1))",
    caughtBy: property("foreign", "take nothing away that we have acknowledged, and we nothing of theirs"),
    runs: 250,
    seed: 3
  },
  {
    name: "R10: believed without a generation",
    breaks: "An index without a generation changes names that we have changed since it can have been read.",
    in: "merge",
    find: "if (isOld) $old\nelse if (taken !== undefined && own !== digests(taken.get(name))) overruled.add(name)",
    replace: "if (isOld) $old\nelse if (taken === undefined && diverged === true) overruled.add(name)",
    caughtBy: plainTest(
      "node/index/layoutView",
      "reconciling a rewrite without our annotations overrules no name that we have changed"
    )
  },
  {
    name: "R11: removals in replaced indexes do not count",
    breaks: "What a tool removed from an index that was replaced meanwhile stays.",
    in: "takeIn",
    find: "new Set([...found.keys(), ...$since])",
    replace: "found.keys()",
    caughtBy: plainTest("node/index/replacedIndexes", "is merged before any answer, what it removed included")
  },
  {
    name: "R12: a young copy restored",
    breaks: "The bytes of a version that was superseded a moment ago are taken for a restored copy.",
    in: "restoredMillis",
    find: "const restoredMillis = 24 * 60 * 60 * 1000",
    replace: "const restoredMillis = 0",
    caughtBy: plainTest("foreign/names", "where a person puts back what was saved a minute before")
  },
  {
    name: "R13: the generation not renewed",
    breaks: "A look that finds the entries right leaves an old generation.",
    in: "withIndex",
    find: "!isOfGroup(index.generation, top) || partsDiffer(top.parts, parts)",
    replace: "partsDiffer(top.parts, parts)",
    caughtBy: plainTest(
      "node/commit/layoutStore",
      "says what we say in an index that goes back further: its generation is renewed, once, so that what goes on from it counts"
    )
  },
  {
    name: "R14: built anew and not told",
    breaks: "What is built after rm -rf DIR/* is taken for a rewrite of what was there.",
    in: "isBuiltAnew",
    find: "if (recorded === undefined || !differ(recorded.blobs, parts.blobs)) return false",
    replace: "if (recorded === undefined || recorded.blobs !== \"\") return false",
    caughtBy: plainTest("foreign/names", "into what is built after `rm -rf DIR/*`, where we had committed once")
  },
  {
    name: "R15: no second name",
    breaks: "What we push has no second name.",
    in: "giveSecondName",
    find: "files.hold === \"never\"",
    replace: "files.hold !== \"never\"",
    caughtBy: content
  },
  {
    name: "R16: content not completed",
    breaks: "A look does not put back what a collection has removed.",
    in: "makeCompletion",
    find: "const isChanged = yield* putBackMissing(known, state)",
    replace: "const isChanged = known.seen.end.size < 0 && (yield* putBackMissing(known, state))",
    caughtBy: content
  },
  {
    name: "R17: the second name put back",
    breaks: "What was removed gets its name back by a rename, and is held no longer.",
    in: "restoreBlob",
    find: "tell(files.fs.link(held.path, target), $exists, ...$$others)",
    replace: "tell(files.fs.rename(held.path, target), $exists, ...$$others)",
    caughtBy: plainTest(
      "node/commit/completion",
      "is put back by the next writer, also one that changes nothing, and our name for it stays"
    )
  },
  {
    name: "R18: second names for a day",
    breaks: "A sweep of marks takes the second names with them.",
    in: "sweepMarks",
    find: "files.hold === \"day\" ? $marked : undefined",
    replace: "$marked",
    caughtBy: plainTest(
      "node/blobs/secondNames",
      "stays when the marks of its use are over, or ends with the last of them, as the policy says"
    )
  },
  {
    name: "R19: deleted at once",
    breaks: "A collection deletes content that a tool may count on.",
    in: "collectBlobs",
    find: "one.spare ? unlinkTrash(files, one) : Effect.void",
    replace: "unlinkTrash(files, one)",
    caughtBy: plainTest("interop/losses", "takes no content that skopeo has found and counts on")
  },
  {
    name: "R19: an unreadable manifest needs no blob",
    breaks: "A collection takes content that a manifest may need which cannot be read.",
    in: "sweep",
    find: "const why = unclear ?? evidence.busy",
    replace: "const why = evidence.busy",
    caughtBy: sweepNeeded
  },
  {
    name: "R19: an unreadable manifest needs nothing of the trash",
    breaks: "The trash is emptied of content that a manifest may need which cannot be read.",
    in: "makeCompletion",
    find: "if (needs.success.unreadable.size > 0) return",
    replace: "",
    caughtBy: plainTest(
      "node/blobs/trash",
      "keeps everything while a manifest cannot be read, which may need it, and gives it back once it can"
    )
  },
  {
    name: "R19: a tool at work is overlooked",
    breaks: "A collection takes content while a temporary file of another tool is young.",
    in: "sweep",
    find: "const why = unclear ?? evidence.busy",
    replace: "const why = unclear",
    caughtBy: sweepNeeded
  },
  {
    name: "R20: a newer format is no line",
    breaks: "A line of a newer format is taken for one that was cut short, and written over.",
    in: "unknownFormat",
    find: "return $known ? undefined : Number(version)",
    replace: "return undefined",
    caughtBy: plainTest("behaviour/lastGroup", "a journal with a line of a later format is seen by one who has it open")
  }
]
