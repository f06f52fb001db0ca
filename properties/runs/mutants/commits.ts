/** Commits: lock, index, journal, and what other tools wrote. */
import { type Mutant, plainTest, property } from "./Mutant.ts"

const linearizable = property("linearizable", "what fibers of 2 processes are told")
const crash = property("crash", "leaves what was acknowledged, with file times of 4000000 ns")
const segments = property(
  "segments",
  "loses no commit and tells none twice, at whatever call the machine goes down"
)

export const commits: ReadonlyArray<Mutant> = [
  {
    name: "no lock",
    breaks: "A writer does not wait for others.",
    in: "holdLock",
    find: "yield* waitFor(files, handle, waitMillis - ((yield* Clock.currentTimeMillis) - started), waitMillis)",
    replace: "",
    caughtBy: linearizable
  },
  {
    name: "no re-read",
    breaks: "What was read of the index once is never read again.",
    in: "makeIndexCache",
    find: "if (stat === undefined || identityOf(stat) !== last.seen.index.identity) return undefined",
    replace: "if (stat !== undefined) return last",
    caughtBy: linearizable
  },
  {
    name: "no sync of the root",
    breaks: "That the index was replaced is not synced.",
    in: "syncExchanged",
    find: "yield* syncFolder(files, dirname(target))",
    replace: "",
    caughtBy: crash
  },
  {
    name: "a late word undoes a later one",
    breaks: "What was written into a replaced index wins over what has been written since.",
    in: "takeIn",
    find: "if ($changed && own === before) changed.add(name)",
    replace: "if ($changed) changed.add(name)",
    caughtBy: linearizable,
    runs: 2000
  },
  {
    name: "index not synced",
    breaks: "The index is replaced by one whose bytes may not be on the disk.",
    in: "publish",
    find: "yield* syncWhole(files, handle)",
    replace: "",
    caughtBy: crash
  },
  {
    name: "journal after the index",
    breaks: "A change is published before it is on record.",
    in: "publish",
    find: `const recorded = yield* appendRecord(...$$appended)
const { replaced, unpublished } = yield* givesWay.pipe($inTime, $replace, Effect.tapError($takeBack))`,
    replace: `const { replaced, unpublished } = yield* givesWay.pipe($inTime, $replace)
const recorded = yield* appendRecord(...$$appended)`,
    caughtBy: crash
  },
  {
    name: "racy times",
    breaks: "An index is trusted by its times however young it is.",
    in: "isMtimeReliable",
    find: "nowMillis - Number(changed / 1_000_000n) >= (isCoarse(mtimeNs) || isCoarse(ctimeNs) ? 2000 : 20)",
    replace: "nowMillis > 0 && changed > 0n && !isCoarse(-1n)",
    caughtBy: linearizable,
    runs: 3000
  },
  {
    name: "journal kept after a failed sync",
    breaks: "After a failed sync the journal goes on in the same file.",
    in: "startAfresh",
    find: `const { fs, journal } = files
const good = $good`,
    replace: `if (end.torn === 0) return
const { fs, journal } = files
const good = $good`,
    caughtBy: property(
      "fault",
      "is told, changes nothing or all, leaks nothing, and spoils nothing later, each of a history"
    )
  },
  {
    name: "replaced index not looked at",
    breaks: "What a tool put in the place of the index just before the exchange is not seen.",
    in: "makeReplacedIndexes",
    find: "return there.hash !== before",
    replace: "return false",
    caughtBy: plainTest("node/index/replacedIndexes", "is merged before any answer, what it removed included")
  },
  {
    name: "replaced index not merged",
    breaks: "What a tool wrote into a replaced index is not taken in.",
    in: "withReplacedIndexes",
    find: "if (changed.length === 0) return state",
    replace: "if (changed.length >= 0) return state",
    caughtBy: linearizable
  },
  {
    name: "generation ignored",
    breaks: "A rewrite of an older version of the index hides what was committed since.",
    in: "baseOf",
    find: "saidSince(history.upTo(own.seq), heldSince(groups, own.seq))",
    replace: "saidSince(history.upTo(own.seq), [])",
    caughtBy: linearizable
  },
  {
    name: "unpublished line taken for committed",
    breaks: "The last line of the journal counts though its index was never published.",
    in: "withIndex",
    find: "const unpublished = waits && $other",
    replace: "const unpublished = waits && end.size < 0 && $other",
    caughtBy: plainTest(
      "node/index/layoutView",
      "the index from before the last group while its file waits says that it never happened"
    )
  },
  {
    name: "no abort line",
    breaks: "Of what was never published the journal does not say so.",
    in: "finishInterruptedCommit",
    find: "if (!unpublished || last?.record._tag !== \"Group\") return whole",
    replace: "if (last?.record._tag !== \"Group\" || index !== undefined) return whole",
    caughtBy: crash
  },
  {
    name: "group decided on one state",
    breaks: "Each decision of a group is made on the state before the group.",
    in: "decideInTurn",
    find: "yield* decide(before)",
    replace: "yield* decide(state)",
    caughtBy: property(
      "interleaving",
      "writers on disk win a tag that must not exist exactly once, now one and now another"
    )
  },
  {
    name: "decided before the lock",
    breaks: "Conditions are checked before the lock is taken.",
    in: "makeLayoutStore",
    find: "const proposal = propose(yield* Actor, transaction)",
    replace: `const asked = propose(yield* Actor, transaction)
const decision = yield* asked.decide((yield* cache.look).seen.state)
const proposal = { ...asked, decide: () => Effect.succeed(decision) }`,
    caughtBy: property(
      "interleaving",
      "writers on disk through two stores win a tag that must not exist exactly once, now one and now another"
    )
  },
  {
    name: "no exchange",
    breaks: "The index is renamed over, and what a tool has put there meanwhile is lost.",
    in: "replaceIndex",
    find: "fs.exchange(waiting.path, target).pipe",
    replace: "fs.rename(waiting.path, target).pipe",
    caughtBy: linearizable
  },
  {
    name: "foreign word always last",
    breaks: "A rewrite of an older version wins over what was committed since.",
    in: "merge",
    find: `if (isOld) restored.add(name)
else $other`,
    replace: `if (isOld && diverged === true) restored.add(name)
else $other`,
    caughtBy: property("core", "hides nothing of ours, and is taken in where it changed something")
  },
  {
    name: "unknown fields dropped",
    breaks: "Members of the index that no specification knows are lost when it is written again.",
    in: "frame",
    find: "const items = [...members.items]",
    replace:
      "const items = members.items.filter((item) => /^\"(?:schemaVersion|mediaType|manifests|annotations)\"/u.test(item))",
    caughtBy: property(
      "indexText",
      "written again says the same but for its entries and its generation, in the same words"
    )
  },
  {
    name: "no-op not synced",
    breaks: "That nothing is to be done is answered without what is there being on the disk.",
    in: "acknowledge",
    find: "if (durable || seen.index === undefined) return",
    replace: "if (!durable || seen.index === undefined) return",
    caughtBy: plainTest(
      "node/commit/layoutStore",
      "is not believed from a process that promises less"
    )
  },
  {
    name: "torn line left",
    breaks: "Half a line at the end of the journal is written over and not cut off.",
    in: "finishInterruptedCommit",
    find: "if (end.torn > 0) yield* cutTorn(files, end)",
    replace: "",
    caughtBy: crash,
    runs: 1000
  },
  {
    name: "a journal that is there is durable",
    breaks: "The name of a journal that another process has made is not synced.",
    in: "appendRecord",
    find: "isNew || !end.named",
    replace: "isNew",
    caughtBy: crash,
    runs: 400
  },
  {
    name: "blob deleted before it is on record",
    breaks: "A blob is removed before the journal says so, and whether or not it ever does.",
    in: "writeDecided",
    find: "const published = yield* publish(...$$all)",
    replace:
      `const soon = own.flatMap(({ events }) => events).filter(isNote).filter(({ _tag }) => _tag === "BlobDeleted")
yield* removeBlobs(files, soon.map(({ digest }) => digest))
const published = yield* publish(...$$all)`,
    caughtBy: property("fault", "does the same wherever it comes in many histories"),
    runs: 1000
  },
  {
    name: "journal of any depth",
    breaks: "A line of the journal may have an entry deeper than an index may nest.",
    in: "maxDepth",
    find: "const maxDepth = jsonDepth - 2 + 5",
    replace: "const maxDepth = 2 * jsonDepth",
    caughtBy: property("hostileJournal", "is read, and can be followed by another, or is refused")
  },
  {
    name: "snapshot of what is not on record",
    breaks: "A new segment begins with what another tool did, which is recorded after it.",
    in: "writeDecided",
    find: "rotate(files, finished, { head: seen.head, ...$$rest })",
    replace: "rotate(files, finished, { head: seen.state, ...$$rest })",
    caughtBy: segments
  },
  {
    name: "segment kept too late",
    breaks: "A new segment takes the place of the last one before that has another name.",
    in: "rotate",
    find: `yield* keepSegment(files, segmentBefore(files, revision))
const begun = yield* beginSegment(files, record)`,
    replace: `const old_ = Buffer.from(yield* Effect.scoped(Effect.gen(function*() {
  const handle = yield* files.fs.open(files.journal, { access: "read" })
  return yield* readWhole(files.journal, handle, (yield* handle.stat).size)
})))
const begun = yield* beginSegment(files, record)
yield* writeSynced(files, "segment", old_, (temporary) => files.fs.rename(temporary, segmentBefore(files, revision)))`,
    caughtBy: segments
  },
  {
    name: "new segment not synced",
    breaks: "The journal goes on in a segment whose bytes may not be on the disk.",
    in: "beginSegment",
    find: "writeSynced(files, \"segment\", bytes, $place)",
    replace: "writeSynced({ ...files, durability: \"none\" }, \"segment\", bytes, $place)",
    caughtBy: segments
  },
  {
    name: "an index hashed from too late",
    breaks: "Of an index whose beginning has changed only the entries that have are hashed again.",
    in: "writeIndex",
    find: "const shared = isSameBefore ? $length : 0",
    replace: "const shared = $length",
    caughtBy: property(
      "indexBytes",
      "is hashed from where it begins to differ, and written where one before it was, as if neither were so"
    )
  }
]
