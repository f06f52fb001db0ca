/** Bugs that could be in `src`, each with the property that finds it. */

import { rules } from "./rules.ts"

export interface Mutant {
  readonly name: string
  /** What is wrong with it, in one sentence. */
  readonly breaks: string
  readonly file: string
  /** Occurs in the file exactly once. */
  readonly find: string
  readonly replace: string
  readonly caughtBy: { readonly file: string; readonly test: string }
  /** How often the property is tried, where that is not 100 times, and from which seed, where that is not 1. */
  readonly runs?: number
  readonly seed?: number
}

const at = (file: string, test: string): Mutant["caughtBy"] => ({ file: `properties/${file}.property.ts`, test })

const crash = at("crash", "leaves what was acknowledged, with file times of 4000000 ns")
const fault = at("fault", "is told, changes nothing or all, leaks nothing, and spoils nothing later")
const linearizable = at("linearizable", "what fibers of 2 processes are told")
const healing = at("healing", "a blob that is pushed in one piece takes the place of what is there, and lasts")
const collecting = at("collect", "takes no content from a push that was answered, and all that nobody needs in the end")
const walk = at("walk", "goes each way once")
const leases = at("leases", "takes no blob from a push, and none from whoever reads what was pushed")
const cutShort = at("collect", "loses nothing that was answered within the hour, at whatever call the power goes")
const inMemory = at("layoutModel", "one layout in memory answers as the model does")
const trusted = at("trusted", "holds for the bytes that are there, with file times of 1000000000 ns")
const foreignRewrite = at("core", "hides nothing of ours, and is taken in where it changed something")

export const mutants: ReadonlyArray<Mutant> = [
  ...rules,
  {
    name: "no lock",
    breaks: "A writer does not wait for others.",
    file: "src/node/files/lock.ts",
    find: "    yield* waitFor(files, handle, waitMillis - ((yield* Clock.currentTimeMillis) - started), waitMillis)\n",
    replace: "",
    caughtBy: linearizable
  },
  {
    name: "no re-read",
    breaks: "What was read of the index once is never read again.",
    file: "src/node/index/indexCache.ts",
    find: "    if (stat === undefined || identityOf(stat) !== last.seen.index.identity) return undefined\n",
    replace: "    if (stat !== undefined) return last\n",
    caughtBy: linearizable
  },
  {
    name: "no sync of the root",
    breaks: "That the index was replaced is not synced.",
    file: "src/node/commit/publish.ts",
    find: `  yield* syncFolder(files, dirname(target))
  if (!`,
    replace: "  if (!",
    caughtBy: crash
  },
  {
    name: "no sync of a blob's folder",
    breaks: "The name of a new blob is not synced.",
    file: "src/node/blobs/blobFiles.ts",
    find: "  yield* syncFolder(files, dirname(target))\n",
    replace: "",
    caughtBy: crash
  },
  {
    name: "a folder that is there is durable",
    breaks: "The name of a folder that somebody else has made is not synced.",
    file: "src/node/files/durable.ts",
    find: "    if (made === \"EEXIST\") return isPart ? yield* settle(files, folder, false) : undefined\n",
    replace: "    if (made === \"EEXIST\") return\n",
    caughtBy: crash,
    runs: 400
  },
  {
    name: "a late word undoes a later one",
    breaks: "What was written into a displaced index wins over what has been written since.",
    file: "src/layout/reconcile.ts",
    find: " && own === before) changed",
    replace: ") changed",
    caughtBy: linearizable,
    runs: 2000
  },
  {
    name: "no sync of a parent",
    breaks: "The name of a new folder is not synced.",
    file: "src/node/files/durable.ts",
    find: "    yield* isPart ? syncFolder(files, parent) : tell(files.fs.syncDirectory(parent), ...cannotSyncFolder)\n",
    replace: "",
    caughtBy: crash
  },
  {
    name: "index not synced",
    breaks: "The index is replaced by one whose bytes may not be on the disk.",
    file: "src/node/commit/publish.ts",
    find: `      yield* syncWhole(files, handle)
      yield* givesWay
`,
    replace: "      yield* givesWay\n",
    caughtBy: crash
  },
  {
    name: "blob not synced",
    breaks: "A blob gets its name before its bytes are on the disk.",
    file: "src/node/blobs/blobFiles.ts",
    find: `          yield* syncFile(files, handle)
          yield* established
`,
    replace: "          yield* established\n",
    caughtBy: crash
  },
  {
    name: "journal after the index",
    breaks: "A change is published before it is on record.",
    file: "src/node/commit/publish.ts",
    find: `      const recorded = yield* appendRecord(files, end, record)
      const { displaced, unpublished } = yield* givesWay.pipe(
        Effect.andThen(inTime),
        Effect.andThen(replaceIndex(files, { waiting, target, handle, givesWay })),
        Effect.tapError(() => takeBack(files, recorded, record, index.hash))
      )
`,
    replace: `      const { displaced, unpublished } = yield* givesWay.pipe(
        Effect.andThen(inTime),
        Effect.andThen(replaceIndex(files, { waiting, target, handle, givesWay }))
      )
      const recorded = yield* appendRecord(files, end, record)
`,
    caughtBy: crash
  },
  {
    name: "blob trusted by its size",
    breaks: "A blob that is there already is kept if it has the right size.",
    file: "src/node/blobs/blobFiles.ts",
    find: "    yield* files.fs.rename(path, target)\n    // Between",
    replace: "    if (existed) return true\n    yield* files.fs.rename(path, target)\n    // Between",
    caughtBy: healing
  },
  {
    name: "racy times",
    breaks: "An index is trusted by its times however young it is.",
    file: "src/node/files/mtimeReliable.ts",
    find: "nowMillis - Number(changed / 1_000_000n) >= (isCoarse(mtimeNs) || isCoarse(ctimeNs) ? 2000 : 20)",
    replace: "nowMillis > 0 && changed > 0n && !isCoarse(-1n)",
    caughtBy: linearizable,
    runs: 3000
  },
  {
    name: "young blob believed",
    breaks: "A blob that was just read or written is trusted by its times, however coarse they are.",
    file: "src/node/files/trusted.ts",
    find: "      if (!settled) return\n",
    replace: "",
    caughtBy: trusted
  },
  {
    name: "offset off by one",
    breaks: "An append may begin one byte beside the end of a session.",
    file: "src/layout/Upload.ts",
    find: "      return command.offset === size\n        ? Result.succeed(\n",
    replace: "      return Math.abs(command.offset - size) <= 1\n        ? Result.succeed(\n",
    caughtBy: inMemory
  },
  {
    name: "journal kept after a failed sync",
    breaks: "After a failed sync the journal goes on in the same file.",
    file: "src/node/journal/journalFile.ts",
    find: "    const { fs, journal } = files\n    const good =",
    replace: "    if (end.torn === 0) return\n    const { fs, journal } = files\n    const good =",
    caughtBy: fault
  },
  {
    name: "walk without memo",
    breaks: "A manifest is read again for every index that names it.",
    file: "src/ops/manifests/manifests.ts",
    find: "        if (reached.has(descriptor.digest)) continue\n",
    replace: "",
    caughtBy: walk
  },
  {
    name: "digest dropped with its tag",
    breaks: "A manifest whose last tag is deleted is gone.",
    file: "src/layout/steps.ts",
    find: "  return elsewhere || entry.descriptor === undefined\n    ? drop",
    replace: "  return elsewhere || entry.descriptor === undefined || entry.name._tag === \"Tagged\"\n    ? drop",
    caughtBy: inMemory
  },
  {
    name: "digest dropped when its tag moves",
    breaks: "A manifest whose last tag moves to another is gone.",
    file: "src/layout/steps.ts",
    find: "  return inSequence(state, [moved, ...duplicates, adopted, kept])\n",
    replace: "  return inSequence(state, [moved, ...duplicates, adopted]) ?? kept\n",
    caughtBy: inMemory
  },
  {
    name: "displaced index not looked at",
    breaks: "What a tool put in the place of the index just before the exchange is not seen.",
    file: "src/node/index/replacedIndexes.ts",
    find: "        return there.index.hash !== before\n",
    replace: "        return false\n",
    caughtBy: linearizable,
    runs: 2000
  },
  {
    name: "displaced index not merged",
    breaks: "What a tool wrote into a replaced index is not taken in.",
    file: "src/node/index/past.ts",
    find: "  if (changed.length === 0) return state\n",
    replace: "  if (changed.length >= 0) return state\n",
    caughtBy: linearizable
  },
  {
    name: "generation ignored",
    breaks: "A rewrite of an older version of the index hides what was committed since.",
    file: "src/node/index/past.ts",
    find: "saidSince(history.upTo(own.seq), heldSince(groups, own.seq))",
    replace: "saidSince(history.upTo(own.seq), [])",
    caughtBy: linearizable
  },
  {
    name: "unpublished line taken for committed",
    breaks: "The last line of the journal counts though its index was never published.",
    file: "src/node/index/layoutView.ts",
    find: "  const unpublished = waits && !isOfGroup",
    replace: "  const unpublished = waits && end.size < 0 && !isOfGroup",
    caughtBy: crash
  },
  {
    name: "no abort line",
    breaks: "Of what was never published the journal does not say so.",
    file: "src/node/commit/publish.ts",
    find: "  if (!unpublished || last?.record._tag !== \"Group\") return whole\n",
    replace: "  if (last?.record._tag !== \"Group\" || index !== undefined) return whole\n",
    caughtBy: crash
  },
  {
    name: "index before oci-layout",
    breaks: "A new layout has an index before it says that it is a layout.",
    file: "src/node/commit/initLayout.ts",
    find: `  yield* createMarker(files)
  yield* createFile(files, files.index, emptyIndex)
`,
    replace: `  yield* createFile(files, files.index, emptyIndex)
  yield* createMarker(files)
`,
    caughtBy: crash
  },
  {
    name: "no second name",
    breaks: "What is pushed is held by no second name.",
    file: "src/node/blobs/secondNames.ts",
    find: `  if (files.hold === "never") return
  const target`,
    replace: `  if (files.hold !== "never") return
  const target`,
    caughtBy: leases
  },
  {
    name: "append not synced",
    breaks: "What was appended to a session is acknowledged before it is on the disk.",
    file: "src/node/uploads/uploadFiles.ts",
    find: "storage(Effect.andThen(handle.truncate(size), syncFile(files, handle))))",
    replace: "storage(handle.truncate(size)))",
    caughtBy: crash
  },
  {
    name: "half a batch",
    breaks: "The first commands of a refused batch happen.",
    file: "src/layout/decide.ts",
    find: "    if (Result.isFailure(decision)) return decision\n    next =",
    replace:
      "    if (Result.isFailure(decision)) return events.length > 0 ? Result.succeed(events) : decision\n    next =",
    caughtBy: at("core", "for several commands is that for each in turn, or none")
  },
  {
    name: "group decided on one state",
    breaks: "Each decision of a group is made on the state before the group.",
    file: "src/node/commit/decisions.ts",
    find: "    const events = yield* decide(before)\n    const after",
    replace: "    const events = yield* decide(state)\n    const after",
    caughtBy: at("interleaving", "writers on disk win a tag that must not exist exactly once")
  },
  {
    name: "decided before the lock",
    breaks: "Conditions are checked before the lock is taken.",
    file: "src/node/commit/layoutStore.ts",
    find: "          const member: Member = { actor: yield* Actor, decide: decideOrRefuse }\n",
    replace: `          const decision = yield* decideOrRefuse((yield* cache.look).seen.state)
          const member: Member = { actor: yield* Actor, decide: () => Effect.succeed(decision) }
`,
    caughtBy: at("interleaving", "writers on disk through two stores win a tag that must not exist exactly once")
  },
  {
    name: "ifAbsent ignored",
    breaks: "A tag that must not exist is moved.",
    file: "src/layout/decide.ts",
    find: "  return ifAbsent === true && actual",
    replace: "  return ifAbsent === false && actual",
    caughtBy: inMemory
  },
  {
    name: "no exchange",
    breaks: "The index is renamed over, and what a tool has put there meanwhile is lost.",
    file: "src/node/commit/replaceIndex.ts",
    find: "fs.exchange(waiting.path, target).pipe",
    replace: "fs.rename(waiting.path, target).pipe",
    caughtBy: linearizable
  },
  {
    name: "temporary file left",
    breaks: "A temporary file stays when what it was for has failed.",
    file: "src/node/files/durable.ts",
    find: "(handle) => Effect.andThen(handle.close, Effect.ignore(removeIfThere(files, path)))",
    replace: "(handle) => handle.close",
    caughtBy: fault
  },
  {
    name: "handle leaked",
    breaks: "A file that was opened stays open when it cannot be looked at.",
    file: "src/node/files/layoutFiles.ts",
    find: "    return yield* Effect.onError(regular, () => handle.close)\n",
    replace: "    return yield* regular\n",
    caughtBy: fault
  },
  {
    name: "session not locked",
    breaks: "Two writers append to one session at the same time.",
    file: "src/node/uploads/uploadFiles.ts",
    find: "      if (held === false) return yield* new UploadBusy({ upload: id })\n",
    replace: "",
    caughtBy: at("interleaving", "writers on disk through two stores of one upload never mix their bytes")
  },
  {
    name: "foreign word always last",
    breaks: "A rewrite of an older version wins over what was committed since.",
    file: "src/layout/reconcile.ts",
    find: "    if (isOld) restored.add(name)\n",
    replace: "    if (isOld && diverged === true) restored.add(name)\n",
    caughtBy: foreignRewrite
  },
  {
    name: "replacement not undone",
    breaks: "The inverse of a replaced entry is the same replacement.",
    file: "src/layout/evolve.ts",
    find: "[new EntryReplaced({ ...keyOf(after, entry), from: to, to: from })]",
    replace: "[new EntryReplaced({ ...keyOf(after, entry), from: to, to })]",
    caughtBy: at("core", "taken back lead to the state before, up to the order of entries")
  },
  {
    name: "unknown fields dropped",
    breaks: "Members of the index that nobody knows are lost when it is written again.",
    file: "src/node/index/indexText.ts",
    find: "  const items = [...members.items]\n",
    replace:
      "  const items = members.items.filter((item) => /^\"(?:schemaVersion|mediaType|manifests|annotations)\"/u.test(item))\n",
    caughtBy: at("indexText", "written again says the same but for its entries and its generation")
  },
  {
    name: "key twice",
    breaks: "A manifest may have one key twice, and mean two things to two tools.",
    file: "src/oci/Json.ts",
    find: "    if (options.duplicateKeys === \"lastWins\") return value\n",
    replace: "    if (options.duplicateKeys !== undefined) return value\n",
    caughtBy: at("hostileJson", "of any writer are found too deep, and to have a key twice, exactly when they are")
  },
  {
    name: "no-op not synced",
    breaks: "That nothing is to be done is answered without what is there being on the disk.",
    file: "src/node/commit/layoutStore.ts",
    find: "  if (durable || seen.index === undefined) return\n",
    replace: "  if (!durable || seen.index === undefined) return\n",
    caughtBy: crash,
    runs: 400
  },
  {
    name: "torn line left",
    breaks: "Half a line at the end of the journal is written over and not cut off.",
    file: "src/node/commit/publish.ts",
    find: "  if (end.torn > 0) yield* cutTorn(files, end)\n",
    replace: "",
    caughtBy: crash,
    runs: 1000
  },
  {
    name: "a journal that is there is durable",
    breaks: "The name of a journal that somebody else has made is not synced.",
    file: "src/node/journal/journalFile.ts",
    find: "if (isNew || !end.named)",
    replace: "if (isNew)",
    caughtBy: crash,
    runs: 400
  },
  {
    name: "session marked after its blob",
    breaks: "A session says that it is committed only after its data has the blob's name.",
    file: "src/node/uploads/uploadFiles.ts",
    find: "  yield* writeMeta(files, { data, ...folder }, { repository, committed: { digest, size } })\n",
    replace: `  const mark = writeMeta(files, { data, ...folder }, { repository, committed: { digest, size } })
  yield* Effect.addFinalizer(() => Effect.ignore(mark))
`,
    caughtBy: crash,
    runs: 1000
  },
  {
    name: "commit not synced",
    breaks: "An upload becomes a blob before what a process without durability has appended is on the disk.",
    file: "src/node/uploads/uploadFiles.ts",
    find: "  yield* syncFile(files, handle)\n  yield* writeMeta(",
    replace: "  yield* writeMeta(",
    caughtBy: at("healing", "a blob that is pushed in chunks takes the place of what is there, and lasts")
  },
  {
    name: "blob deleted before it is on record",
    breaks: "A blob is removed before the journal says so, and whether or not it ever does.",
    file: "src/node/commit/layoutStore.ts",
    find:
      "  const published = yield* publish(files, { end, parts: seen.parts, index, overtaken, state: last, written }, [\n",
    replace:
      `  const soon = own.flatMap(({ events }) => events).filter(isNote).filter(({ _tag }) => _tag === "BlobDeleted")
  yield* removeBlobs(files, soon.map(({ digest }) => digest))
  const published = yield* publish(files, { end, parts: seen.parts, index, overtaken, state: last, written }, [
`,
    caughtBy: at("fault", "does the same wherever it comes in many histories"),
    runs: 1000
  },
  {
    name: "hash not checked when read",
    breaks: "A blob is given out whatever its bytes are.",
    file: "src/node/blobs/readBlob.ts",
    find: "  actual === digest\n    ? Effect.void",
    replace: "  actual.length === digest.length\n    ? Effect.void",
    caughtBy: at("hostileLayout", "keeps everything usable that has nothing to do with it")
  },
  {
    name: "link among the marks followed",
    breaks: "Content is marked as used through a link that leads elsewhere.",
    file: "src/node/blobs/secondNames.ts",
    find: "  yield* guard(files, folder)\n",
    replace: "",
    caughtBy: at("hostileLayout", "is never left through a link, whichever of its files is one")
  },
  {
    name: "journal of any depth",
    breaks: "A line of the journal may have an entry deeper than an index may nest.",
    file: "src/node/journal/journalRecord.ts",
    find: "const maxDepth = indexDepth - 2 + 5\n",
    replace: "const maxDepth = 2 * indexDepth\n",
    caughtBy: at("hostileJournal", "is read, and can be followed by another, or is refused")
  },
  {
    name: "upload id in part",
    breaks: "An upload id may have anything around it, and so lead anywhere.",
    file: "src/layout/Upload.ts",
    find: "/^[0-9a-f]{32}$/u.test(input)",
    replace: "/[0-9a-f]{32}/u.test(input)",
    caughtBy: at("hostileNames", "of an upload, a media type or a generation is taken only in its form")
  },
  {
    name: "prefix for inside",
    breaks: "A directory is taken to be inside another whose name it begins with.",
    file: "src/node/files/layoutFiles.ts",
    find: "path.startsWith(folder.endsWith(sep) ? folder : folder + sep)",
    replace: "path.startsWith(folder)",
    caughtBy: at("hostileTools", "answers whatever it is given, touches nothing it may not, and breaks nothing")
  },
  {
    name: "held after the blob",
    breaks: "A blob has its name before it is held, so that a collector may come between.",
    file: "src/node/blobs/blobFiles.ts",
    find: `  yield* hold(files, path, digest, how)
  const linked = yield* changing(files, dirname(target), tell(files.fs.link(path, target), "EEXIST", ...cannotLink))
`,
    replace:
      `  const linked = yield* changing(files, dirname(target), tell(files.fs.link(path, target), "EEXIST", ...cannotLink))
  yield* hold(files, path, digest, how)
`,
    caughtBy: leases
  },
  {
    name: "marks not looked at",
    breaks: "What was taken out of sight as garbage goes, whoever has pushed it meanwhile.",
    file: "src/node/blobs/collectBlobs.ts",
    find: "marked.has(one.digest) ? putBack",
    replace: "marked.has(one.path) ? putBack",
    caughtBy: collecting,
    runs: 300
  },
  {
    name: "garbage by an old look",
    breaks: "A collection removes what its plan says, whatever has happened since.",
    file: "src/ops/garbage/makeGarbage.ts",
    find: "blobs: blobs.flatMap(({ digest, goes }) => goes ? [digest] : []),",
    replace: "blobs: blobs.map(({ digest }) => digest),",
    caughtBy: collecting
  },
  {
    name: "blobs taken and forgotten",
    breaks: "What is in the trash is never deleted.",
    file: "src/node/commit/completion.ts",
    find: "    for (const { path } of over) yield* storage(ifThere(files.fs.unlink(path)))\n",
    replace: "",
    caughtBy: at("collect", "by a failing call is told, takes nothing that is needed, and goes on")
  },
  {
    name: "marks looked at too early",
    breaks: "Who holds what is looked for before it is out of sight.",
    file: "src/node/blobs/collectBlobs.ts",
    find: `  const taken: Array<Taken> = []
  const takings: Array<Result.Result<unknown, FsError | SymlinkRefused>> = []
  for (const digest of digests) {
    let isThere = false
    // Of what another tool has removed only the second name is left.
    for (const path of [files.blob(digest), keptAt(files, digest)]) {
      const trash = yield* trashAt(files, digest)
      const moved = yield* Effect.result(move(files, path, trash))
      takings.push(moved)
      if (Result.isSuccess(moved) && moved.success === "ENOENT") continue
      // What is said to have failed may have been done.
      taken.push({ digest, path, trash, spare: isThere })
      if (Result.isFailure(moved)) break
      isThere = true
    }
  }
  const now = yield* Clock.currentTimeMillis
  const marked = yield* Effect.onError(
    markedSince(files, now - leastGraceMillis),
    () => Effect.forEach(taken, (one) => Effect.ignore(putBack(files, one)))
  )
`,
    replace: `  const now = yield* Clock.currentTimeMillis
  const marked = yield* Effect.onError(
    markedSince(files, now - leastGraceMillis),
    () => Effect.void
  )
  const taken: Array<Taken> = []
  const takings: Array<Result.Result<unknown, FsError | SymlinkRefused>> = []
  for (const digest of digests) {
    let isThere = false
    // Of what another tool has removed only the second name is left.
    for (const path of [files.blob(digest), keptAt(files, digest)]) {
      const trash = yield* trashAt(files, digest)
      const moved = yield* Effect.result(move(files, path, trash))
      takings.push(moved)
      if (Result.isSuccess(moved) && moved.success === "ENOENT") continue
      // What is said to have failed may have been done.
      taken.push({ digest, path, trash, spare: isThere })
      if (Result.isFailure(moved)) break
      isThere = true
    }
  }
`,
    caughtBy: collecting,
    runs: 4000
  },
  {
    name: "taken blob not held",
    breaks: "What a collection has taken to the trash is not looked for there.",
    file: "src/node/blobs/protectBlob.ts",
    find: "of [Effect.succeed([keptAt(files, digest)]), trashOf(files, digest)]",
    replace: "of [Effect.succeed([keptAt(files, digest)])]",
    caughtBy: cutShort,
    runs: 1000
  },
  {
    name: "taken blob let go of too early",
    breaks: "A blob that is put back is given up where it was before its name is on the disk.",
    file: "src/node/blobs/collectBlobs.ts",
    find: "    yield* syncFolder(files, dirname(path))\n",
    replace: "",
    caughtBy: cutShort,
    runs: 1500,
    seed: 2
  },
  {
    name: "referrers forgotten",
    breaks: "What refers to something that stays goes.",
    file: "src/layout/garbage.ts",
    find: "for (const { digest } of belonging.get(one.digest) ?? []) next.push({ digest, why: belongs })",
    replace: "void belonging",
    caughtBy: at("sweep", "takes nothing that what stays needs"),
    runs: 1000
  },
  {
    name: "past ignored",
    breaks: "What can be brought back loses its content.",
    file: "src/layout/garbage.ts",
    find: "of past) mark(",
    replace: "of past.slice(past.length)) mark(",
    caughtBy: at("sweep", "takes nothing that what stays needs")
  },
  {
    name: "pins ignored",
    breaks: "What is pinned goes.",
    file: "src/layout/garbage.ts",
    find: "  for (const digest of pins) mark(digest, \"pinned\")\n",
    replace: "",
    caughtBy: at("sweep", "takes nothing that what stays needs")
  },
  {
    name: "unreadable manifest overlooked",
    breaks: "Untagged entries go that a manifest may need which cannot be read.",
    file: "src/layout/garbage.ts",
    find: "if (!outlived.has(entry)) mark(entry.digest, unclear)",
    replace: "if (entry.digest === \"\") mark(entry.digest, unclear)",
    caughtBy: at("sweep", "takes no entry but by a rule, or without a tag")
  },
  {
    name: "later changes overlooked",
    breaks: "Taking a commit back undoes what has been done to its names since.",
    file: "src/layout/undo.ts",
    find: "if (sameDigests(done.get(name), now.get(name)) || force)",
    replace: "if (name !== \"\" || force)",
    caughtBy: at("undo", "has changed no name but those it changed")
  },
  {
    name: "content not asked for",
    breaks: "Names come back whose content is gone.",
    file: "src/ops/history/makeHistory.ts",
    find: "    if (!there) missing.push",
    replace: "    if (!there && path === \"\") missing.push",
    caughtBy: inMemory
  },
  {
    name: "one move too far",
    breaks: "The Nth previous value of a tag is the one before.",
    file: "src/ops/history/makeHistory.ts",
    find: "Stream.drop(moves, point.previous - 1)",
    replace: "Stream.drop(moves, point.previous)",
    caughtBy: inMemory
  },
  {
    name: "snapshot of what is not on record",
    breaks: "A new segment begins with what another tool did, which is recorded after it.",
    file: "src/node/commit/layoutStore.ts",
    find: "{ head: seen.head, indexBytes",
    replace: "{ head: seen.state, indexBytes",
    caughtBy: crash,
    runs: 200
  },
  {
    name: "segment kept too late",
    breaks: "A new segment takes the place of the last one before that has another name.",
    file: "src/node/journal/journalSegments.ts",
    find: `  yield* keepSegment(files, segmentBefore(files, revision))
  const begun = yield* beginSegment(files, record)
`,
    replace: `  const old_ = Buffer.from(yield* Effect.scoped(Effect.gen(function*() {
    const handle = yield* files.fs.open(files.journal, { access: "read" })
    return yield* readWhole(files.journal, handle, (yield* handle.stat).size)
  })))
  const begun = yield* beginSegment(files, record)
  yield* withTemporary(files, "segment", (temporary, handle) =>
    Effect.andThen(handle.write(old_, 0), files.fs.rename(temporary, segmentBefore(files, revision))))
`,
    caughtBy: crash,
    runs: 200
  },
  {
    name: "new segment not synced",
    breaks: "The journal goes on in a segment whose bytes may not be on the disk.",
    file: "src/node/journal/journalSegments.ts",
    find: "      yield* syncFile(files, handle)\n      yield* replaceJournal(files, path)\n",
    replace: "      yield* replaceJournal(files, path)\n",
    caughtBy: crash,
    runs: 200
  }
]
