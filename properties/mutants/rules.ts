/** The rules of docs/protocol.md. */
import { type Mutant, plainTest, property } from "./Mutant.ts"

const content = plainTest("foreign/content", "where umoci gc has read the index before our push")

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
    name: "R4: refused without a word",
    breaks: "A group that was overtaken is not said not to have happened.",
    in: "publish",
    find: "yield* $exchange.pipe($a, $b, Effect.tapError($takeBack))",
    replace: "yield* $exchange.pipe($a, $b)",
    caughtBy: property("linearizable", "what fibers of 2 processes are told")
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
    name: "R12: a young copy restored",
    breaks: "The bytes of a version that was superseded a moment ago are taken for a restored copy.",
    in: "restoredMillis",
    find: "const restoredMillis = 24 * 60 * 60 * 1000",
    replace: "const restoredMillis = 0",
    caughtBy: plainTest("foreign/names", "where a person puts back what was saved a minute before")
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
    in: "keep",
    find: "files.hold === \"never\"",
    replace: "files.hold !== \"never\"",
    caughtBy: content
  },
  {
    name: "R16: content not completed",
    breaks: "A look does not put back what a collection has removed.",
    in: "makeCompletion",
    find: "const isChanged = yield* repair(known, state)",
    replace: "const isChanged = known.seen.end.size < 0 && (yield* repair(known, state))",
    caughtBy: content
  },
  {
    name: "R19: deleted at once",
    breaks: "A collection deletes content that a tool may count on.",
    in: "collectBlobs",
    find: "one.spare ? unlinkTrash(files, one) : Effect.void",
    replace: "unlinkTrash(files, one)",
    caughtBy: plainTest("interop/losses", "takes no content that skopeo has found and counts on")
  }
]
