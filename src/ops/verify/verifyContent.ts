/** Hashes content, several blobs at a time. */
import { Effect, Option, Result, Stream } from "effect"
import type { State } from "../../layout/State.ts"
import type { ContentDigest } from "../../oci/Digest.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { damaged, isDamage } from "../manifests/damage.ts"
import type { Hashing } from "../ports/Upkeep.ts"
import type { Graph } from "../reachability/Graph.ts"
import type { Opened } from "../repositories/catalog.ts"
import type { Report } from "./Report.ts"
import { blobPath } from "./verifyLinks.ts"

/** @param whole whether all blobs there are are meant; otherwise those that are named */
export const checkContent = Effect.fnUntraced(
  function*(
    { upkeep }: Opened,
    graph: Graph,
    { state, whole }: { readonly state: State | undefined; readonly whole: boolean },
    report: Report
  ) {
    const { atOnce, hash } = yield* upkeep.hashing
    // That the list breaks off was told when it was gone through for the first time.
    const digests = whole
      ? Stream.filter(upkeep.blobs, ({ kind }) => kind === "file").pipe(
        Stream.map(({ digest }) => digest),
        Stream.catchIf(isDamage, () => Stream.empty)
      )
      : yield* namedIn(graph, report)
    yield* Stream.runDrain(Stream.mapEffect(
      Stream.filter(digests, (digest) => !graph.missized.has(digest)),
      (digest) => checkBlob(digest, { graph, state, hash }, report),
      { concurrency: atOnce, unordered: true }
    ))
  },
  Effect.scoped
)

/** What is named and is there; it says how much that is before it begins. */
const namedIn = Effect.fnUntraced(function*(graph: Graph, report: Report) {
  const digests: Array<ContentDigest> = []
  let bytes = 0
  for (const [digest, place] of graph.places) {
    if (typeof place === "string") continue
    digests.push(digest)
    bytes += place.size
  }
  yield* report.looked({ more: bytes })
  return Stream.fromIterable(digests)
})

const checkBlob = Effect.fnUntraced(function*(
  digest: ContentDigest,
  { graph, hash, state }: {
    readonly graph: Graph
    readonly state: State | undefined
    readonly hash: Hashing["hash"]
  },
  report: Report
): Effect.fn.Return<void, ReadFault> {
  const manifest = graph.manifests.has(digest)
  const actual = yield* damaged(hash(digest, (bytes) => report.looked({ bytes })))
  if (!manifest) yield* report.looked({ blobs: 1 })
  const needed = graph.places.has(digest)
  const where = {
    path: blobPath(digest),
    digest,
    affected: graph.affected(digest, state),
    neededBy: graph.neededBy(digest)
  }
  if (graph.reported.has(digest)) return
  if (Result.isFailure(actual)) {
    return yield* report.found("FILE_UNREADABLE", { ...where, message: actual.failure.message })
  }
  // It was removed since it was listed.
  if (Option.isNone(actual.success) || actual.success.value === digest) return
  yield* report.found(manifest ? "MANIFEST_CORRUPT" : "BLOB_CORRUPT", {
    ...where,
    message: `the bytes of ${digest} hash to ${actual.success.value}`,
    ...(needed ? {} : { severity: "warning" as const })
  })
})
