/** History, views of the past, and undoing: programs over the journal. */
import { DateTime, Effect, Option, Result, Stream } from "effect"
import { changesOf, isAbout, movesTag, type NameChange } from "../../layout/changes.ts"
import type { Command, Missing, Refusal } from "../../layout/Command.ts"
import { decide } from "../../layout/decide.ts"
import { readEntry } from "../../layout/Entry.ts"
import { type Event, isNote } from "../../layout/Event.ts"
import { withDigest } from "../../layout/query.ts"
import { equivalent, nameOf } from "../../layout/reconcile.ts"
import type { State } from "../../layout/State.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { isContentDigest } from "../../oci/Digest.ts"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import { children } from "../../oci/Manifest.ts"
import { kindOf } from "../../oci/MediaType.ts"
import { Conflict, type NameInvalid, RevisionUnknown, type TagInvalid, Unsupported } from "../../oci/OciError.ts"
import { parseRepository, parseTag, type Repository } from "../../oci/Reference.ts"
import type { HistoryReads, HistoryWrites, Point, Restored, RestoreOptions } from "../api/History.ts"
import { utcOf } from "../api/utcOf.ts"
import type { BlobStore } from "../ports/BlobStore.ts"
import type { Journal } from "../ports/Journal.ts"
import type { Catalog, Opened } from "../repositories/catalog.ts"
import { choose } from "../repositories/choose.ts"

/** The newest revision of a layout; 0 before there was any commit. */
const newestRevision = ({ commits }: Journal): Effect.Effect<number, ReadFault> =>
  Effect.map(Stream.runHead(commits()), Option.match({ onNone: () => 0, onSome: ({ revision }) => revision }))

/** The revision that a point means in a layout. */
const revisionAt = Effect.fnUntraced(function*(
  opened: Opened,
  point: Point
): Effect.fn.Return<number, NameInvalid | TagInvalid | ReadFault> {
  if ("revision" in point) return point.revision
  if ("time" in point) {
    const asked = DateTime.toEpochMillis(point.time)
    const found = yield* Stream.runHead(Stream.filter(opened.journal.commits(), ({ time }) => time <= asked))
    if (Option.isSome(found)) return found.value.revision
    const first = yield* Stream.runLast(opened.journal.commits())
    if (Option.isNone(first)) return 0
    return yield* new RevisionUnknown({
      asked: `commit at or before ${DateTime.formatIso(point.time)}, which is before the first one, of ${
        DateTime.formatIso(utcOf(first.value.time))
      },`,
      newest: yield* newestRevision(opened.journal),
      oldest: first.value.revision
    })
  }
  const repository = yield* Effect.fromResult(parseRepository(point.repository))
  const tag = yield* Effect.fromResult(parseTag(point.tag))
  const { defaultRepository } = yield* opened.layout.snapshot
  const moves = Stream.filter(
    opened.journal.commits({ mentioning: tag }),
    ({ events }) => movesTag(changesOf(events, defaultRepository), repository, tag)
  )
  const found = yield* Stream.runHead(Stream.drop(moves, point.previous - 1))
  if (Option.isSome(found)) return found.value.revision - 1
  return yield* new RevisionUnknown({
    asked: `value of ${repository}:${tag} ${point.previous} before now`,
    newest: yield* newestRevision(opened.journal)
  })
})

/** The revision that a point means where something is to be read: before the first commit there is nothing. */
export const readableAt = Effect.fnUntraced(function*(
  opened: Opened,
  point: Point
): Effect.fn.Return<number, NameInvalid | TagInvalid | ReadFault> {
  const revision = yield* revisionAt(opened, point)
  const newest = revision > 0 ? revision : yield* newestRevision(opened.journal)
  return revision > 0 || newest === 0 ? revision : yield* new RevisionUnknown({
    asked: "commit 0, which would be before the first one,",
    newest
  })
})

/** What is to come back, and the layout that it comes back to. */
interface Plan {
  readonly opened: Opened
  /** Decided anew on each state, with what is missing of what it needs. */
  readonly command: (missing: ReadonlyArray<Missing>) => Command
}

/** What gets a name that it did not have. A manifest that only loses its tag does not come back: it was there. */
const manifestsIn = (events: ReadonlyArray<Event>, state: State): ReadonlyArray<Descriptor> =>
  events.flatMap((event) => {
    const value = event._tag === "EntryAdded" ? event.value : event._tag === "EntryReplaced" ? event.to : undefined
    if (value === undefined) return []
    const { descriptor, name } = readEntry(value, state.defaultRepository)
    if (descriptor === undefined) return []
    const isLeft = name._tag === "Untagged" && withDigest(state, name.repository, descriptor.digest).length > 0
    return isLeft ? [] : [descriptor]
  })

/**
 * What of the content that would come back, down to the last layer, is gone.
 *
 * @param look how to look for a blob
 */
const missingOf = Effect.fnUntraced(function*(
  { command, opened }: Plan,
  state: State,
  look: BlobStore["protect"]
): Effect.fn.Return<ReadonlyArray<Missing>, WriteFault> {
  const decision = decide(state, command([]))
  if (Result.isFailure(decision)) return []
  const { facts, reached, unreadable } = yield* opened.manifests.walk(manifestsIn(decision.success, state), true)
  const missing: Array<Missing> = Array.from(unreadable.keys(), (digest) => ({ path: "manifest", digest }))
  const needed = [
    ...Array.from(reached.values(), (descriptor) => ({ path: "manifest", descriptor, optional: false })),
    ...Array.from(facts.values()).flatMap(children).filter(({ role }) => role !== "manifest")
  ]
  for (const { descriptor, optional, path } of needed) {
    const { digest, mediaType } = descriptor
    const held = isContentDigest(digest)
      ? yield* look(digest, { manifest: kindOf(mediaType) !== "other" })
      : Option.none()
    const there = Option.isSome(held) || optional || Option.isSome(opened.manifests.embedded(descriptor))
    if (!there) missing.push({ path, digest })
  }
  return missing
})

/** What a command does to a state, if that is what was expected. */
const expecting = (expected: RestoreOptions["expected"]): typeof decide => (state, command) =>
  Result.flatMap(decide(state, command), (events) => {
    const names = expected === undefined ? [] : differing(changesOf(events, state.defaultRepository), expected)
    return names.length === 0
      ? Result.succeed(events)
      : Result.fail(new Conflict({ reason: "it is not what it was when it was looked at", names }))
  })

/** The names whose changes are not the same in both. */
const differing = (one: ReadonlyArray<NameChange>, other: ReadonlyArray<NameChange>): ReadonlyArray<string> => {
  const texts = [one, other].map((changes) => new Set(changes.map((change) => JSON.stringify(change))))
  const differ = [...one, ...other].filter((change) => !texts.every((set) => set.has(JSON.stringify(change))))
  return Array.from(
    new Set(
      differ.map(({ from, refName, repository, tag, to }) =>
        tag === undefined ? refName ?? `${repository ?? "blob"}@${to ?? from ?? ""}` : `${repository}:${tag}`
      )
    )
  )
}

/** Carries a plan out, or says what that would do. */
const carryOut = Effect.fnUntraced(function*(
  plan: Plan,
  { dryRun = false, expected }: RestoreOptions
): Effect.fn.Return<Restored, WriteFault | Refusal> {
  const { blobs, layout } = plan.opened
  if (!dryRun) {
    const { after, events, revision } = yield* layout.transact({
      evidence: (state) => Effect.map(missingOf(plan, state, blobs.protect), plan.command),
      decide: expecting(expected)
    })
    return { revision, changes: changesOf(events, after.defaultRepository) }
  }
  const state = yield* layout.snapshot
  const events = yield* Effect.fromResult(decide(state, plan.command(yield* missingOf(plan, state, blobs.stat))))
  return { revision: Option.none(), changes: changesOf(events, state.defaultRepository) }
})

/** What stands in the events of every commit about a tag or a repository: bare tags do not name theirs. */
const mentioned = (
  { repository, tag }: { readonly repository: Repository | undefined; readonly tag: string | undefined },
  defaultRepository: Repository | undefined
): string | undefined => tag ?? (repository === defaultRepository ? undefined : repository)

/** By name, the last commit after a revision that changed it. */
const laterChanges = Effect.fnUntraced(function*(
  { journal }: Opened,
  revision: number
): Effect.fn.Return<ReadonlyMap<string, number>, ReadFault> {
  const later = new Map<string, number>()
  yield* Stream.runForEach(
    Stream.takeWhile(journal.commits(), (commit) => commit.revision > revision),
    (commit) =>
      Effect.sync(() => {
        for (const name of commit.events.flatMap(namesIn)) later.set(name, later.get(name) ?? commit.revision)
      })
  )
  return later
})

const namesIn = (event: Event): ReadonlyArray<string> => {
  if (isNote(event)) return []
  const values = event._tag === "EntryReplaced" ? [event.from, event.to] : [event.value]
  return values.map((value) => nameOf(readEntry(value, undefined)))
}

export const makeHistory = (
  catalog: Catalog
): Pick<HistoryReads, "history"> & Pick<HistoryWrites, "revert" | "restore"> => ({
  history: ({ actor, before, limit = 0, repository, since, tag } = {}) =>
    Stream.unwrap(
      Effect.gen(function*() {
        const opened = yield* choose(catalog, repository)
        const about = {
          repository: repository === undefined ? undefined : opened.repository,
          tag: tag === undefined ? undefined : yield* Effect.fromResult(parseTag(tag))
        }
        const oldest = since === undefined ? 0 : DateTime.toEpochMillis(since)
        const isAll = about.repository === undefined && about.tag === undefined
        const { defaultRepository } = yield* opened.layout.snapshot
        const commits = opened.journal.commits({ before, mentioning: mentioned(about, defaultRepository) }).pipe(
          Stream.takeWhile(({ time }) => time >= oldest),
          Stream.filter((commit) => actor === undefined || commit.actor === actor),
          Stream.map(({ events, journal: _journal, time, ...commit }) => ({
            ...commit,
            time: utcOf(time),
            changes: changesOf(events, defaultRepository).filter((change) => isAll || isAbout(change, about))
          })),
          Stream.filter(({ changes }) => isAll || changes.length > 0)
        )
        return limit > 0 ? Stream.take(commits, limit) : commits
      }).pipe(Effect.withSpan("Registry.history"))
    ),

  revert: Effect.fn("Registry.revert")(function*(revision, { force = false, repository, ...options } = {}) {
    const opened = yield* choose(catalog, repository)
    if (revision < 1) {
      const newest = yield* newestRevision(opened.journal)
      return yield* new RevisionUnknown({ asked: `revision ${revision}`, newest })
    }
    // It is the one to be told of where there is none; that before it comes second.
    const after = yield* opened.journal.stateAt(revision)
    const before = yield* opened.journal.stateAt(revision - 1)
    if (equivalent(before, after)) {
      return yield* new Unsupported({
        operation: `reverting revision ${revision}`,
        reason: "it changed no name; blobs that are deleted do not come back"
      })
    }
    const attempt = { before, after, force, later: new Map<string, number>() }
    const now = yield* opened.layout.snapshot
    const decision = decide(now, { _tag: "RevertCommit", ...attempt, missing: [] })
    const later = Result.isFailure(decision) ? yield* laterChanges(opened, revision) : attempt.later
    return yield* carryOut(
      { opened, command: (missing) => ({ _tag: "RevertCommit", ...attempt, later, missing }) },
      options
    )
  }),

  restore: Effect.fn("Registry.restore")(function*({ repository, tag, to, ...options }) {
    if (tag !== undefined && repository === undefined) {
      return yield* new Unsupported({ operation: `restoring the tag ${tag}`, reason: "say of which repository" })
    }
    const opened = yield* choose(catalog, repository)
    const scope = {
      ...(repository === undefined || opened.repository === undefined ? {} : { repository: opened.repository }),
      ...(tag === undefined ? {} : { tag: yield* Effect.fromResult(parseTag(tag)) })
    }
    const revision = yield* revisionAt(opened, to)
    const target = yield* opened.journal.stateAt(revision)
    const restored = yield* carryOut(
      { opened, command: (missing) => ({ _tag: "RestoreNames", target, scope, missing }) },
      options
    )
    return { ...restored, target: revision }
  })
})
