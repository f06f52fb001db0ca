/** Groups that did not happen: the journal says so before anything else is answered (R4). */
import { Clock, Effect } from "effect"
import { OutcomeUnknown } from "../../oci/OciError.ts"
import { type LayoutFiles, RandomName } from "../files/layoutFiles.ts"
import type { FsError } from "../fs/LayoutFs.ts"
import type { LayoutView } from "../index/layoutView.ts"
import { appendRecord, cutTorn, emptyJournal, type JournalEnd, startAfresh } from "../journal/journalFile.ts"
import { AbortRecord, genesis, type GroupRecord } from "../journal/journalRecord.ts"
import { setAside } from "../journal/journalSegments.ts"

/**
 * Brings the journal in order before anything is decided: what a crash cut short is cut off, what never happened is
 * said not to have happened (R1, R2, R4), and a broken chain is put aside, since an index needs no journal to be right.
 */
export const finishInterruptedCommit = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { damaged, end, index, unpublished, wiped }: LayoutView
): Effect.fn.Return<JournalEnd, FsError> {
  if (damaged || wiped) {
    const name = yield* RandomName
    // The content that this journal names can be brought back during the undo window, which begins now.
    const now = yield* Clock.currentTimeMillis
    yield* setAside(files, `${damaged ? "damaged" : "removed"}.${now}.${name()}`)
    return emptyJournal
  }
  if (end.torn > 0) yield* cutTorn(files, end)
  const whole = { ...end, torn: 0 }
  const { last } = end
  if (!unpublished || last?.record._tag !== "Group") return whole
  // Its writer may have failed to sync it, and later syncs of the same file would be worth nothing.
  yield* startAfresh(files, whole)
  return yield* appendRecord(files, whole, abortOf(last.hash, last.record, index?.hash ?? ""))
})

/** Says that the group just recorded did not happen. If that fails, it is not known what the next reader will find. */
export const takeBack = (
  files: LayoutFiles,
  end: JournalEnd,
  record: GroupRecord,
  after: string
): Effect.Effect<JournalEnd, OutcomeUnknown> =>
  Effect.mapError(
    appendRecord(files, end, abortOf(end.last?.hash ?? genesis, record, after)),
    ({ code }) =>
      new OutcomeUnknown({ operation: "changing the index", reason: `the journal could not be written: ${code}` })
  )

const abortOf = (hash: string, { commits, journal, seq }: GroupRecord, after: string): AbortRecord =>
  new AbortRecord({
    journal,
    seq: seq + 1,
    prev: hash,
    aborts: seq,
    after,
    revision: commits[0].revision,
    time: commits.at(-1)?.time ?? 0
  })
