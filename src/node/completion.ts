/**
 * Completes what an index reaches, under the lock and before anything is decided: content that another tool's collection
 * has removed is put back, and what other tools have written gets a second name of ours.
 */
import { Clock, Effect } from "effect"
import { join } from "node:path"
import type { Entry } from "../layout/Entry.ts"
import { entriesOfDigest, type State } from "../layout/State.ts"
import { type ContentDigest, isContentDigest } from "../oci/Digest.ts"
import type { SymlinkRefused } from "../oci/OciError.ts"
import { contentOf, needsOfAll } from "../ops/links.ts"
import type { Manifests } from "../ops/manifests.ts"
import type { BlobStore, RegistryError } from "../ops/ports.ts"
import { settledAt } from "./indexFile.ts"
import { asStorage, guard, identityOf, ifThere, type LayoutFiles, statIfThere } from "./layoutFiles.ts"
import type { FsError } from "./LayoutFs.ts"
import type { Observation } from "./observe.ts"
import { completeBlob } from "./retainBlob.ts"
import { overInTrash } from "./trash.ts"
import type { Trusted } from "./trusted.ts"

export interface Completion {
  readonly complete: (seen: Observation, state: State) => Effect.Effect<void, RegistryError>
}

const algorithms = ["sha256", "sha512"] as const

/** What is pinned is held, and need not be where other tools look for it. */
const noPins = { all: Effect.succeed(new Map<never, never>()) }

export const makeCompletion = (
  files: LayoutFiles,
  trusted: Trusted,
  reading: { readonly manifests: Manifests; readonly blobs: BlobStore }
): Completion => {
  /** What `blobs` looked like when all of it was last looked at; none where it may have changed without looking so. */
  let seenAs: string | undefined
  /** What is held and was not under `blobs` then, since nothing of the index needs it. */
  let spare: ReadonlySet<string> = new Set()
  /** The hour in which the trash was looked through. */
  let emptied = 0
  const storage = asStorage(files.root)

  const reachedBy = (
    entries: ReadonlyArray<Entry>
  ): Effect.Effect<ReadonlyMap<ContentDigest, boolean>, RegistryError> =>
    Effect.map(needsOfAll({ ...reading, pins: noPins }, { entries }), contentOf)

  const completeAll = (content: Iterable<readonly [ContentDigest, boolean]>): Effect.Effect<void, RegistryError> =>
    storage(
      Effect.forEach(content, ([digest, inPlace]) => completeBlob(files, trusted, digest, inPlace), { discard: true })
    )

  const namesIn = (
    folder: string,
    algorithm: string
  ): Effect.Effect<ReadonlyArray<string>, FsError | SymlinkRefused> =>
    Effect.map(
      Effect.andThen(
        guard(files, join(folder, algorithm, "any")),
        ifThere(files.fs.readDirectory(join(folder, algorithm)))
      ),
      (names = []) => names.map((name) => `${algorithm}:${name}`)
    )

  /** Puts back what the index needs and a collection has removed. */
  const repair = Effect.fnUntraced(function*(state: State): Effect.fn.Return<void, RegistryError> {
    const missing = new Set<string>()
    for (const algorithm of algorithms) {
      const [there, kept] = yield* storage(
        Effect.all([namesIn(files.blobs, algorithm), namesIn(files.kept, algorithm)])
      )
      const present = new Set(there)
      for (const digest of kept) if (!present.has(digest)) missing.add(digest)
    }
    if (Array.from(missing).every((digest) => spare.has(digest))) return
    const reached = yield* reachedBy(state.entries)
    yield* completeAll(Array.from(reached).filter(([digest]) => missing.has(digest)))
    spare = new Set(Array.from(missing).filter((digest) => !isContentDigest(digest) || !reached.has(digest)))
  })

  const look = Effect.gen(function*() {
    const stats = yield* Effect.forEach(algorithms, (algorithm) => statIfThere(files.fs, join(files.blobs, algorithm)))
    const now = yield* Clock.currentTimeMillis
    return {
      looks: stats.map((stat) => stat === undefined ? "" : identityOf(stat)).join(" "),
      settled: files.times.exact || stats.every((stat) => stat === undefined || settledAt(now, stat.mtimeNs))
    }
  })

  /** Deletes what has been in the trash for a day; first goes back what the index reaches by now. */
  const emptyTrash = Effect.fnUntraced(function*(state: State): Effect.fn.Return<void, RegistryError> {
    const over = yield* storage(overInTrash(files))
    if (over.length === 0) return
    const digests = new Set(over.map(({ digest }) => digest))
    const reached = yield* reachedBy(state.entries)
    yield* completeAll(Array.from(reached).filter(([digest]) => digests.has(digest)))
    for (const { path } of over) yield* storage(ifThere(files.fs.unlink(path)))
  })

  return {
    complete: Effect.fnUntraced(function*({ found, head }, state): Effect.fn.Return<void, RegistryError> {
      if (files.hold !== "never") {
        const isNew = (entry: Entry): boolean => entriesOfDigest(head, entry.digest).length === 0
        const entries = found === head && state === head
          ? []
          : [...found.entries, ...(state === found ? [] : state.entries)].filter(isNew)
        if (entries.length > 0) yield* completeAll(yield* reachedBy(entries))
      }
      const before = yield* storage(look)
      if (before.looks !== seenAs) {
        yield* repair(state)
        const after = yield* storage(look)
        seenAs = after.settled ? after.looks : undefined
      }
      const hour = Math.floor((yield* Clock.currentTimeMillis) / (60 * 60 * 1000))
      if (hour !== emptied) yield* emptyTrash(state)
      emptied = hour
    })
  }
}
