/** Checks the files that make a folder a layout: `oci-layout`, `index.json`, the journal. */
import { Effect, Result, Stream } from "effect"
import type { State } from "../../layout/State.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { sentence } from "../../oci/quoted.ts"
import { damaged } from "../manifests/damage.ts"
import type { FilesCondition } from "../ports/Upkeep.ts"
import type { Opened } from "../repositories/catalog.ts"
import type { Report } from "./Report.ts"

const index = "index.json"
const marker = "oci-layout"
const journal = ".ocilayout/journal"

/** The state to go by; nothing where no index tells it. */
export const checkFoundation = Effect.fnUntraced(function*(
  opened: Opened,
  report: Report
): Effect.fn.Return<State | undefined, ReadFault> {
  const condition = yield* opened.upkeep.inspect
  yield* checkMarker(condition, report)
  yield* checkJournal(condition, report)
  const isSound = Result.isSuccess(condition.journal) && !condition.journal.success.damaged
  if (isSound && report.level === "content") yield* checkHistory(opened, report)
  if (Result.isFailure(condition.index)) {
    const { failure } = condition.index
    const torn = failure._tag === "IndexInvalid"
    yield* report.found(torn ? "INDEX_INVALID" : "INDEX_UNREADABLE", { path: index, message: failure.message })
    return undefined
  }
  const found = condition.index.success
  if (found === undefined) return yield* withoutIndex(opened, condition, report)
  if (found.manifests !== "list") {
    const message = `${index} has ${found.manifests === "null" ? "null in the place of" : "no"} manifests`
    yield* report.found("INDEX_NO_LIST", { path: index, message })
  }
  if (found.otherVersion !== undefined) {
    const { written } = found.otherVersion
    const message = `${index} has ${
      written === undefined ? "no schemaVersion" : `schemaVersion ${sentence(written)}`
    }, not 2`
    yield* report.found("INDEX_VERSION", { path: index, message })
  }
  if (found.keyTwice !== undefined) {
    yield* report.found("INDEX_KEY_TWICE", { path: index, message: `${index} has the key ${found.keyTwice} twice` })
  }
  if (!found.readable) {
    yield* report.found("FILE_MODE", { path: index, message: `not all users may read ${index}` })
  }
  // What stands in the way of reading the layout was told above: its index is good all the same.
  return Result.getOrElse(yield* damaged(opened.layout.snapshot), () => found.state)
})

/** Without an index there is nothing wrong as long as nothing has ever been put into the layout. */
const withoutIndex = Effect.fnUntraced(function*(
  { layout, upkeep }: Opened,
  condition: FilesCondition,
  report: Report
): Effect.fn.Return<State | undefined, ReadFault> {
  const begun = Result.isSuccess(condition.journal) && condition.journal.success.begun
  const [blob] = yield* Stream.runCollect(Stream.take(upkeep.blobs, 1))
  if (!begun && blob === undefined) return Result.getOrUndefined(yield* damaged(layout.snapshot))
  yield* report.found("INDEX_MISSING", {
    path: index,
    message: `${index} is missing, though ${begun ? "the journal has commits" : "there are blobs"}`
  })
  return undefined
})

/** The journal as far back as it goes, every line of it. */
const checkHistory = Effect.fnUntraced(function*(
  { journal: { commits } }: Opened,
  report: Report
): Effect.fn.Return<void, ReadFault> {
  const read = yield* damaged(Stream.runDrain(commits()))
  // What else stands in the way of reading it is told with what it is.
  if (Result.isSuccess(read) || read.failure._tag !== "HistoryInvalid") return
  yield* report.found("JOURNAL_DAMAGED", { path: journal, message: read.failure.message })
})

const checkMarker = Effect.fnUntraced(function*({ index: found, marker: written }: FilesCondition, report: Report) {
  if (Result.isFailure(written)) {
    return yield* report.found("LAYOUT_FILE_INVALID", { path: marker, message: written.failure.message })
  }
  const hasIndex = Result.isFailure(found) || found.success !== undefined
  if (written.success === "missing" && hasIndex) {
    yield* report.found("LAYOUT_FILE_MISSING", { path: marker, message: `${marker} is missing beside ${index}` })
  }
})

const checkJournal = Effect.fnUntraced(function*({ journal: read }: FilesCondition, report: Report) {
  if (Result.isFailure(read)) {
    return yield* report.found("FILE_UNREADABLE", { path: journal, message: read.failure.message })
  }
  const { damaged, torn } = read.success
  if (damaged) {
    yield* report.found("JOURNAL_DAMAGED", { path: journal, message: "the chain of the journal is broken" })
  }
  if (torn > 0) {
    const message = `the journal ends with ${torn} bytes that are no line: a write that was cut short`
    yield* report.found("JOURNAL_TORN", { path: journal, message })
  }
})
