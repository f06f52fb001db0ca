/** Commits as they happen: whenever something may have, what is newer than what was told is read and told. */
import { Effect, Option, Stream } from "effect"
import { changesOf, isAbout } from "../layout/changes.ts"
import type { Catalog } from "./catalog.ts"
import { choose } from "./choose.ts"
import type { HistoryShape } from "./History.ts"
import { newestRevision } from "./makeHistory.ts"
import type { FoundCommit, Journal, RegistryError } from "./ports.ts"

/** What has been told: all commits up to `after`, and of the next one, if it was not on record yet, its events. */
interface Told {
  readonly after: number
  readonly pending: string | undefined
}

/** What is to be told next, oldest first. */
const newer = Effect.fnUntraced(function*(
  journal: Journal,
  told: Told
): Effect.fn.Return<readonly [Told, ReadonlyArray<FoundCommit>], RegistryError> {
  const found = Array.from(
    yield* Stream.runCollect(Stream.takeWhile(journal.commits(), ({ revision }) => revision > told.after))
  )
  // A history that begins anew is told from its beginning.
  if (found.length === 0 && (yield* newestRevision(journal)) < told.after) {
    return yield* newer(journal, { after: 0, pending: undefined })
  }
  let { after, pending } = told
  const fresh: Array<FoundCommit> = []
  for (const commit of found.toReversed()) {
    const events = JSON.stringify(commit.events)
    if (events !== pending || commit.revision !== after + 1) fresh.push(commit)
    if (commit.pending === true) pending = events
    else {
      after = commit.revision
      pending = undefined
    }
  }
  return [{ after, pending }, fresh]
})

/** As if all that there is had been told already. */
const allTold = ({ commits }: Journal): Effect.Effect<Told, RegistryError> =>
  Effect.map(
    Stream.runHead(commits()),
    Option.match({
      onNone: () => ({ after: 0, pending: undefined }),
      onSome: ({ events, pending, revision }) =>
        pending === true
          ? { after: revision - 1, pending: JSON.stringify(events) }
          : { after: revision, pending: undefined }
    })
  )

export const makeWatch = (catalog: Catalog): Pick<HistoryShape, "watch"> => ({
  watch: ({ after, repository } = {}) =>
    Stream.unwrap(Effect.gen(function*() {
      const { journal, layout, repository: name } = yield* choose(catalog, repository)
      const { defaultRepository } = yield* layout.snapshot
      const isAll = repository === undefined
      let told = after === undefined ? yield* allTold(journal) : { after, pending: undefined }
      return journal.changes.pipe(
        Stream.mapEffect(() =>
          Effect.map(newer(journal, told), ([next, commits]) => {
            told = next
            return commits
          })
        ),
        Stream.flatMap((commits) => Stream.fromIterable(commits)),
        Stream.map(({ events, ...commit }) => ({
          ...commit,
          changes: changesOf(events, defaultRepository)
            .filter((change) => isAll || isAbout(change, { repository: name }))
        })),
        Stream.filter(({ changes }) => isAll || changes.length > 0)
      )
    }))
})
