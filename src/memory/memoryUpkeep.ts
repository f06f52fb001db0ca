/** What can be wrong with a layout in memory: only blobs that were put there under a wrong name. */
import { Effect, Option, Result, Stream } from "effect"
import type { State } from "../layout/State.ts"
import { algorithmOf, type ContentDigest, encodedOf } from "../oci/Digest.ts"
import type { ReadFault } from "../oci/faults.ts"
import type { Leftovers } from "../ops/ports/Leftovers.ts"
import type { BlobFile, FilesCondition, Upkeep } from "../ops/ports/Upkeep.ts"
import { hasher } from "./hasher.ts"
import type { Blobs, Stored } from "./memoryBlobs.ts"

export const memoryUpkeep = (
  blobs: Blobs,
  snapshot: Effect.Effect<State, ReadFault>
): Upkeep => {
  const fileOf = (digest: ContentDigest, { bytes: { length } }: Stored): BlobFile => ({
    path: `blobs/${algorithmOf(digest)}/${encodedOf(digest)}`,
    digest,
    kind: "file",
    size: length,
    readable: true
  })
  const hashed = (digest: ContentDigest): Option.Option<ContentDigest> =>
    Option.map(
      Option.fromUndefinedOr(blobs.get(digest)),
      ({ bytes }) => hasher.digest(algorithmOf(digest), bytes)
    )
  const none = { blobs: 0, bytes: 0 }
  return {
    held: Effect.succeed({ kept: none, only: none, trash: none }),
    emptyTrash: Effect.void,
    inspect: Effect.map(snapshot, (state): FilesCondition => ({
      marker: Result.succeed("present"),
      index: Result.succeed({ state, manifests: "list", keyTwice: undefined, readable: true }),
      journal: Result.succeed({ begun: true, damaged: false, torn: 0 })
    })),
    blob: (digest) =>
      Effect.sync(() => Option.map(Option.fromUndefinedOr(blobs.get(digest)), (stored) => fileOf(digest, stored))),
    blobs: Stream.suspend(() => Stream.fromIterable(Array.from(blobs, ([digest, stored]) => fileOf(digest, stored)))),
    hashing: Effect.succeed({
      atOnce: 1,
      hash: (digest, passed) =>
        Effect.andThen(
          Effect.suspend(() => passed(blobs.get(digest)?.bytes.length ?? 0)),
          Effect.sync(() => hashed(digest))
        )
    }),
    quarantine: (digest) =>
      Effect.sync(() => {
        const actual = hashed(digest)
        if (Option.isNone(actual) || actual.value === digest) return Option.none()
        blobs.delete(digest)
        return Option.some("nowhere, since nothing here outlives the process")
      }),
    repairFile: () => Effect.succeed(Option.none()),
    indexBytes: Effect.succeedNone,
    beside: () => Effect.succeedNone,
    restoreIndex: () => Effect.succeed(Option.none())
  }
}

export const noLeftovers: Leftovers = { list: Stream.empty, remove: () => Effect.succeed(Option.none()) }
