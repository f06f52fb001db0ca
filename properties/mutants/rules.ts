/** Bugs for rules of docs/protocol.md: what the program would be without each. */
import type { Mutant } from "./mutants.ts"

const at = (file: string, test: string): Mutant["caughtBy"] => ({ file: `properties/${file}.property.ts`, test })
const told = (file: string, test: string): Mutant["caughtBy"] => ({ file: `test/${file}.test.ts`, test })

const linearizable = at("linearizable", "what fibers of 2 processes are told")
const foreign = at("foreign", "take nothing away that we have acknowledged, and we nothing of theirs")
const sameBytes = told("foreign/names", "where skopeo writes back the very bytes that it read")
const collector = told("foreign/content", "where umoci gc has read the index before our push")

export const rules: ReadonlyArray<Mutant> = [
  {
    name: "R1: the index tells of the last line",
    breaks: "A group did not happen if the index is the one from before it.",
    file: "src/node/index/layoutView.ts",
    find: "const waits = record._tag === \"Group\" && (yield* storage(stillWaits(files, record)))",
    replace: "const waits = record._tag === \"Group\" && record.before === index.hash",
    caughtBy: sameBytes
  },
  {
    name: "R4: refused without a word",
    breaks: "A group that was overtaken is not said not to have happened.",
    file: "src/node/commit/publish.ts",
    find: "        Effect.tapError(() => takeBack(files, recorded, record, index.hash))\n",
    replace: "",
    caughtBy: linearizable
  },
  {
    name: "R9: only the base counts",
    breaks: "What an index says is its writer's word, unless the version that it read said so.",
    file: "src/node/index/past.ts",
    find: "saidSince(history.upTo(own.seq), heldSince(groups, own.seq))",
    replace: "saidSince(history.upTo(own.seq), heldSince(groups, own.seq).slice(0, 1))",
    caughtBy: foreign,
    runs: 250,
    seed: 3
  },
  {
    name: "R12: a young copy restored",
    breaks: "The bytes of a version that was superseded a moment ago are taken for a restored copy.",
    file: "src/node/index/layoutView.ts",
    find: "const restoredMillis = 24 * 60 * 60 * 1000",
    replace: "const restoredMillis = 0",
    caughtBy: told("foreign/names", "where a person puts back what was saved a minute before")
  },
  {
    name: "R14: built anew and not told",
    breaks: "What is built after rm -rf DIR/* is taken for a rewrite of what was there.",
    file: "src/node/index/parts.ts",
    find: "  if (recorded === undefined || !differ(recorded.blobs, parts.blobs)) return false\n",
    replace: "  if (recorded === undefined || recorded.blobs !== \"\") return false\n",
    caughtBy: told("foreign/names", "into what is built after `rm -rf DIR/*`, where we had committed once")
  },
  {
    name: "R15: no second name",
    breaks: "What we push has no second name.",
    file: "src/node/blobs/secondNames.ts",
    find: "  if (files.hold === \"never\") return\n  const target",
    replace: "  if (files.hold !== \"never\") return\n  const target",
    caughtBy: collector
  },
  {
    name: "R16: content not completed",
    breaks: "A look does not put back what a collection has removed.",
    file: "src/node/commit/completion.ts",
    find: "const isChanged = yield* repair(known, state)",
    replace: "const isChanged = known.seen.end.size < 0 && (yield* repair(known, state))",
    caughtBy: collector
  },
  {
    name: "R19: deleted at once",
    breaks: "A collection deletes content that a tool may count on.",
    file: "src/node/blobs/collectBlobs.ts",
    find: "one.spare ? unlinkTrash(files, one) : Effect.void",
    replace: "unlinkTrash(files, one)",
    caughtBy: told("interop/losses", "takes no content that skopeo has found and counts on")
  }
]
