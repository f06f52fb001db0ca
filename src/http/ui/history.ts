/** What happened, and taking it back. */
import { DateTime, Effect, Option, Stream } from "effect"
import type { NameChange } from "../../layout/changes.ts"
import { field } from "../../oci/field.ts"
import { Conflict } from "../../oci/OciError.ts"
import type { HistoryCommit } from "../../ops/api/History.ts"
import { knownCommits } from "../../ops/history/knownCommits.ts"
import * as answers from "./answers.ts"
import { rightsIn } from "./names.ts"
import { allowed, answer, type Asked, body, cut, denied, given, notOffered, numberOf, treeMember } from "./Ui.ts"

const mostCommits = 200

/** Changes of one commit. */
const mostChanges = 100

const changeOf = ({ from, refName, repository, tag, to }: NameChange): answers.Change => ({
  ...field("repository", repository),
  ...field("tag", tag),
  ...(refName === undefined ? {} : { name: cut(refName) }),
  ...(from === undefined ? {} : { from: cut(from) }),
  ...(to === undefined ? {} : { to: cut(to) })
})

/** What the client may see of it: changes of repositories that it may pull from. */
const visibleIn = ({ call: { may } }: Asked, { changes }: HistoryCommit): ReadonlyArray<NameChange> =>
  may.everywhere("pull")
    ? changes
    : changes.filter(({ repository }) => repository !== undefined && may.in("pull", repository))

/** Whether these names may be changed by this client, in whichever way. */
const mayChange = (asked: Asked, changes: ReadonlyArray<NameChange>): boolean => {
  const { call: { may }, offers } = asked
  if (!offers.push || !offers.delete) return false
  if (may.everywhere("push") && may.everywhere("delete")) return true
  return changes.every(({ repository }) => {
    if (repository === undefined) return false
    const rights = rightsIn(asked, repository)
    return rights.push && rights.delete
  })
}

const namesSomething = ({ refName, repository }: NameChange): boolean =>
  repository !== undefined || refName !== undefined

const commitOf = (asked: Asked, commit: HistoryCommit): ReadonlyArray<answers.Commit> => {
  const visible = visibleIn(asked, commit)
  if (visible.length === 0 && commit.changes.length > 0) return []
  const { actor, changes, pending, revision, time } = commit
  return [{
    revision,
    time: DateTime.formatIso(time),
    actor: cut(actor),
    changes: visible.slice(0, mostChanges).map(changeOf),
    ...(visible.length > mostChanges ? { omitted: visible.length - mostChanges } : {}),
    canUndo: pending === undefined && changes.some(namesSomething) && mayChange(asked, changes)
  }]
}

export const history = Effect.fnUntraced(function*(asked: Asked) {
  const limit = yield* numberOf(asked, "limit", 50, mostCommits)
  const before = yield* numberOf(asked, "before", 0, Number.MAX_SAFE_INTEGER)
  const repository = given(asked, "repository")
  if (repository !== undefined) yield* allowed(asked, "pull", repository)
  const query = {
    repository: repository ?? (yield* treeMember(asked)),
    tag: given(asked, "tag"),
    ...(before === 0 ? {} : { before })
  }
  const visible = asked.layout.history(query).pipe(
    Stream.flatMap((commit) => Stream.fromIterable(commitOf(asked, commit))),
    Stream.take(limit + 1)
  )
  const { commits: found, damage } = yield* knownCommits(visible)
  const commits = found.slice(0, limit)
  const last = commits.at(-1)
  return answer(answers.History, {
    commits,
    ...(found.length > limit && last !== undefined ? { next: last.revision } : {}),
    ...(damage === undefined ? {} : { incomplete: damage.message })
  })
})

/** Takes a commit back, where the client may change every name of it. */
export const undo = Effect.fnUntraced(function*(asked: Asked) {
  const { dryRun, repository, revision } = yield* body(asked, answers.UndoAsked)
  const { layout, offers, ui } = asked
  if (!offers.push || !offers.delete) return yield* notOffered
  if (repository !== undefined) yield* allowed(asked, "pull", repository)
  const where = ui.perRepository ? { repository } : {}
  const forecast = yield* layout.revert(revision, { ...where, dryRun: true })
  if (!mayChange(asked, forecast.changes)) return yield* denied
  const done = dryRun ? forecast : yield* layout.revert(revision, { ...where, expected: forecast.changes })
  return answer(answers.Changed, {
    changes: done.changes.map(changeOf),
    ...Option.match(done.revision, { onNone: () => ({}), onSome: (revision) => ({ revision }) })
  })
})

/** Makes a tag what it was, from where it was seen. */
export const restore = Effect.fnUntraced(function*(asked: Asked) {
  const { ifDigest, repository, revision, tag } = yield* body(asked, answers.RestoreAsked)
  const { layout, offers } = asked
  if (!offers.push) return yield* notOffered
  yield* allowed(asked, "push", repository)
  const request = { to: { revision }, repository, tag }
  const { changes } = yield* layout.restore({ ...request, dryRun: true })
  const own = changes.find((one) => one.tag === tag)
  if (own !== undefined && own.from !== ifDigest) {
    return yield* new Conflict({
      reason: "it points elsewhere",
      repository,
      tag,
      ...field("expected", ifDigest),
      ...field("actual", own.from)
    })
  }
  if (own !== undefined && own.to === undefined) yield* allowed(asked, "delete", repository)
  const done = yield* layout.restore({ ...request, expected: changes })
  return changed(done.changes.map(changeOf), done.revision)
})

/** Points a tag where it is to be, from where it was seen. */
export const setTag = Effect.fnUntraced(function*(asked: Asked) {
  const { digest, ifDigest, repository, tag } = yield* body(asked, answers.TagAsked)
  if (!asked.offers.push) return yield* notOffered
  yield* allowed(asked, "push", repository)
  const condition = ifDigest === undefined ? { ifAbsent: true } : { ifDigest }
  const { moved, revision } = yield* asked.registry.tagManifest(repository, digest, [{ tag, ...condition }])
  return changed(
    moved.map(({ from, tag }) => ({ repository, tag, to: digest, ...field("from", from) })),
    revision
  )
})

export const deleteTag = Effect.fnUntraced(function*(asked: Asked) {
  const { ifDigest, repository, tag } = yield* body(asked, answers.UntagAsked)
  if (!asked.offers.delete) return yield* notOffered
  yield* allowed(asked, "delete", repository)
  const { revision } = yield* asked.registry.deleteTag(repository, tag, { ifDigest })
  return changed([{ repository, tag, from: ifDigest }], revision)
})

const changed = (changes: ReadonlyArray<answers.Change>, revision: Option.Option<number>) =>
  answer(answers.Changed, {
    changes,
    ...Option.match(revision, { onNone: () => ({}), onSome: (revision) => ({ revision }) })
  })
