/** Checks what no manifest tells of: blobs that nothing needs, modes, and foreign files. */
import { Effect, Result, Stream } from "effect"
import type { State } from "../../layout/State.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { named, quoted } from "../../oci/quoted.ts"
import { damaged } from "../manifests/damage.ts"
import type { Leftover } from "../ports/Leftovers.ts"
import type { BlobFile } from "../ports/Upkeep.ts"
import type { Graph } from "../reachability/Graph.ts"
import type { Opened } from "../repositories/catalog.ts"
import type { Report } from "./Report.ts"
import { checkSurplus } from "./verifySurplus.ts"

/** Of many alike, how many there are and one to begin with. */
interface Several {
  readonly count: number
  readonly bytes: number
  readonly first: string
}

const oneMore = (sum: Several, { path, size }: BlobFile): Several => ({
  count: sum.count + 1,
  bytes: sum.bytes + size,
  first: sum.first === "" || path < sum.first ? path : sum.first
})

const none: Several = { count: 0, bytes: 0, first: "" }

export const checkSurroundings = Effect.fnUntraced(function*(
  opened: Opened,
  state: State | undefined,
  graph: Graph,
  report: Report
): Effect.fn.Return<void, ReadFault> {
  const { leftovers, upkeep } = opened
  /** Files that no manifest of an entry needs, as far as they could be followed. */
  const surplus: Array<BlobFile> = []
  let unreadable = none
  yield* listed(
    report,
    "blobs",
    upkeep.blobs,
    Effect.fnUntraced(function*(file) {
      const { digest, kind, readable, size } = file
      if (kind !== "file") {
        if (graph.places.has(digest)) return
        const message = `what is in the place of ${digest} is no regular file`
        return yield* report.found("BLOB_NO_FILE", { path: file.path, digest, message, severity: "warning" })
      }
      if (!readable) unreadable = oneMore(unreadable, file)
      if (report.level === "content") yield* report.looked({ more: size })
      if (graph.places.has(digest)) return
      surplus.push(file)
      if (report.level === "links") yield* report.looked({ blobs: 1, bytes: size })
    })
  )
  if (unreadable.count > 0) {
    const message = `${unreadable.count} blobs may not be read by everybody who may look into the layout`
    yield* report.found("FILE_MODE", { path: unreadable.first, message })
  }
  const unneeded = (yield* checkSurplus(opened, state, surplus, report)).reduce(oneMore, none)
  if (unneeded.count > 0) {
    const doubt = graph.incomplete ? ", as far as can be told while not everything can be read" : ""
    const message = `${unneeded.count} blobs of ${unneeded.bytes} bytes are needed by nothing${doubt}`
    yield* report.found("BLOB_UNREFERENCED", { path: unneeded.first, message })
  }
  yield* listed(report, ".", leftovers.list, (leftover) => tellLeftover(leftover, report))
})

/** Does something with each of a list; a list that breaks off is told of. */
const listed = Effect.fnUntraced(function*<A>(
  report: Report,
  path: string,
  list: Stream.Stream<A, ReadFault>,
  use: (one: A) => Effect.Effect<void>
): Effect.fn.Return<void, ReadFault> {
  const done = yield* damaged(Stream.runForEach(list, use))
  if (Result.isFailure(done)) yield* report.found("FILE_UNREADABLE", { path, message: done.failure.message })
})

const tellLeftover = ({ bytes, changed, path, tool }: Leftover, report: Report): Effect.Effect<void> =>
  tool === undefined
    ? report.found("STRAY_FILE", { path, message: `${quoted(path)} is under blobs/ and is no blob` })
    : report.found("LEFTOVER", {
      path,
      message: `${named(path)} was left by ${tool}: ${bytes} bytes, last touched ${new Date(changed).toISOString()}`
    })
