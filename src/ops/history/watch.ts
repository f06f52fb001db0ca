/** Commits as they happen: whenever something may have, what is newer than what was told is read and told. */
import { Effect, Option, Stream } from "effect"
import { changesOf, isAbout } from "../../layout/changes.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { RevisionUnknown } from "../../oci/OciError.ts"
import type { HistoryReads, HistoryWrites } from "../api/History.ts"
import { utcOf } from "../api/utcOf.ts"
import type { FoundCommit, Journal } from "../ports/Journal.ts"
import { warnOnce } from "../ports/warnOnce.ts"
import type { Catalog } from "../repositories/catalog.ts"
import { choose } from "../repositories/choose.ts"

/** What has been told: all commits up to `after`, and of the next one, if it was not on record yet, what it said. */
interface Position {
  readonly after: number
  readonly pending: string | undefined
  readonly journal: string | undefined
}

const saying = ({ actor, events }: FoundCommit): string => JSON.stringify([actor, events])

/** What is to be told next, oldest first. */
const newer: (
  journal: Journal,
  told: Position
) => Effect.Effect<readonly [Position, ReadonlyArray<FoundCommit>], ReadFault> = Effect.fnUntraced(
  function*(journal, position) {
    const newest = Option.getOrUndefined(yield* Stream.runHead(journal.commits()))
    const isAnother = newest?.journal !== undefined && position.journal !== undefined &&
      newest.journal !== position.journal
    // A history that begins anew is told from its beginning.
    if (isAnother || (newest?.revision ?? 0) < position.after) {
      return yield* newer(journal, { after: 0, pending: undefined, journal: newest?.journal })
    }
    const found = yield* Stream.runCollect(
      Stream.takeWhile(journal.commits(), ({ revision }) => revision > position.after)
    )
    const [oldest] = found.slice(-1)
    if (oldest !== undefined && oldest.revision > position.after + 1) {
      const asked = `revision ${position.after + 1}`
      return yield* new RevisionUnknown({ asked, newest: newest?.revision ?? 0, oldest: oldest.revision })
    }
    let { after, pending } = position
    const fresh: Array<FoundCommit> = []
    for (const commit of found.toReversed()) {
      const said = saying(commit)
      if (said !== pending || commit.revision !== after + 1) fresh.push(commit)
      if (commit.pending === true) pending = said
      else {
        after = commit.revision
        pending = undefined
      }
    }
    return [{ after, pending, journal: newest?.journal ?? position.journal }, fresh]
  }
)

/** As if all that there is had been told already. */
const positionAtEnd = ({ commits }: Journal): Effect.Effect<Position, ReadFault> =>
  Effect.map(
    Stream.runHead(commits()),
    Option.match({
      onNone: () => ({ after: 0, pending: undefined, journal: undefined }),
      onSome: (newest) => ({
        after: newest.pending === true ? newest.revision - 1 : newest.revision,
        pending: newest.pending === true ? saying(newest) : undefined,
        journal: newest.journal
      })
    })
  )

/** How long changes are gathered before they are looked at: a tool makes many in a row. */
const gatherMillis = 100

export const makeWatch = (
  catalog: Catalog
): Pick<HistoryReads, "startWatch" | "watch"> & Pick<HistoryWrites, "tend"> => {
  const startWatch: HistoryReads["startWatch"] = Effect.fn("Registry.startWatch")(
    function*({ after, repository } = {}) {
      const { journal, layout, repository: name } = yield* choose(catalog, repository)
      const { defaultRepository } = yield* layout.snapshot
      const isAll = repository === undefined
      const start = after === undefined
        ? yield* positionAtEnd(journal)
        : { after, pending: undefined, journal: undefined }
      return Stream.suspend(() => {
        let position: Position = start
        return journal.changes.pipe(
          Stream.mapEffect(() =>
            Effect.map(newer(journal, position), ([next, commits]) => {
              position = next
              return commits
            })
          ),
          Stream.flatMap((commits) => Stream.fromIterable(commits)),
          Stream.map(({ events, journal: _journal, time, ...commit }) => ({
            time: utcOf(time),
            ...commit,
            changes: changesOf(events, defaultRepository)
              .filter((change) => isAll || isAbout(change, { repository: name }))
          })),
          Stream.filter(({ changes }) => isAll || changes.length > 0)
        )
      })
    }
  )
  const tend: HistoryWrites["tend"] = Effect.fn("Registry.tend")(function*({ repository } = {}) {
    const { journal, layout } = yield* choose(catalog, repository)
    const look = warnOnce("what other tools have overwritten cannot be put back now")(layout.tend)
    const looks = Stream.mapEffect(journal.changes, () => Effect.andThen(Effect.sleep(gatherMillis), look))
    return yield* Effect.andThen(Stream.runDrain(looks), Effect.never)
  })
  return { startWatch, tend, watch: (options) => Stream.withSpan(Stream.unwrap(startWatch(options)), "Registry.watch") }
}
