/**
 * Makes an index anew where it is lost: of the last commit, or else of what can still be read of it and of the
 * manifests there are under `blobs/`.
 */
import { Effect, Option, Result, type Schema, Stream } from "effect"
import { decide } from "../../layout/decide.ts"
import { entriesOfDigest } from "../../layout/State.ts"
import { refName } from "../../oci/Annotations.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { type ContentDigest, type Digest, encodedOf } from "../../oci/Digest.ts"
import { field } from "../../oci/field.ts"
import { children } from "../../oci/Manifest.ts"
import { parseRepository, parseTag, type Repository, type Tag } from "../../oci/Reference.ts"
import { formatTagged } from "../../oci/RefName.ts"
import type { RepairError } from "../api/errors.ts"
import { repairOf } from "../api/findings.ts"
import * as limits from "../limits.ts"
import { damaged } from "../manifests/damage.ts"
import { asManifest } from "../reachability/unlisted.ts"
import type { Opened } from "../repositories/catalog.ts"
import { did, left, type Outcome, type RepairTask } from "./repairTask.ts"
import { nothingSalvaged, salvage } from "./salvage.ts"

/**
 * Nothing of it is a commit yet: the index comes whole from the first moment on, so that a crash does not leave an
 * empty index that looks right. History shows it as a change of other tools, and the next write records that.
 */
export const rebuildIndex = Effect.fnUntraced(function*(
  { dryRun, finding: { code }, layout, opened }: RepairTask
): Effect.fn.Return<Outcome, RepairError> {
  if (dryRun) return did(repairOf(code).how)
  const found = yield* opened.upkeep.indexBytes
  const { journal } = yield* opened.upkeep.inspect
  const known = Result.isSuccess(journal) && journal.success.begun && !journal.success.damaged
  const written = yield* opened.upkeep.restoreIndex(known ? [] : yield* foundAgain(opened, layout, found))
  if (Option.isNone(written)) return left("it is in order by now")
  const listed = Option.isSome(found) ? yield* keepManifest(opened, layout, found.value) : undefined
  return did(listed === undefined ? written.value : `${written.value}; ${listed}`)
})

/** What the index still says; where it is cut short, the manifests besides that it may have named. */
const foundAgain = Effect.fnUntraced(function*(
  opened: Opened,
  layout: Repository | undefined,
  bytes: Option.Option<Uint8Array>
): Effect.fn.Return<ReadonlyArray<Schema.Json>, RepairError> {
  const { entries, whole } = Option.match(bytes, { onNone: () => nothingSalvaged, onSome: salvage })
  if (whole) return entries
  const named = new Set(entries.map((entry) => entry["digest"]))
  const others = yield* recovered(opened, layout)
  return [...entries, ...others.filter(({ digest }) => !named.has(digest))]
})

/** Some tools write a manifest in the place of the index, and nowhere else: then it becomes a blob, and is listed. */
const keepManifest = Effect.fnUntraced(function*(
  { blobs, layout }: Opened,
  own: Repository | undefined,
  bytes: Uint8Array
): Effect.fn.Return<string | undefined, RepairError> {
  const manifest = asManifest(bytes)
  if (manifest === undefined || manifest.kind === "index") return undefined
  const { digest, size } = yield* blobs.write(Stream.succeed(bytes), { algorithm: "sha256", manifest: true })
  const { repository, tag } = yield* recoveredName(digest, own)
  const descriptor: Descriptor = { mediaType: manifest.mediaType, digest, size }
  yield* layout.transact({
    evidence: () => Effect.void,
    decide: (state) =>
      entriesOfDigest(state, digest).length > 0
        ? Result.succeed([])
        : decide(state, { _tag: "PutManifest", repository, descriptor, tags: [{ tag }], missing: [] })
  })
  return `listed the manifest ${digest} that was in its place`
})

/** The name for a manifest whose own name is lost; in a tree of layouts the repository is the layout's own. */
export const recoveredName = Effect.fnUntraced(function*(
  digest: Digest,
  layout: Repository | undefined
): Effect.fn.Return<{ readonly repository: Repository; readonly tag: Tag }, RepairError> {
  return {
    repository: layout ?? (yield* Effect.fromResult(parseRepository("recovered"))),
    tag: yield* Effect.fromResult(
      parseTag(`${layout === undefined ? "" : "recovered-"}${encodedOf(digest).slice(0, 12)}`)
    )
  }
})

/**
 * Entries for the manifests that no other one has as a part of it, under names that cannot be mistaken for earlier
 * tags.
 */
const recovered = Effect.fnUntraced(function*(
  opened: Opened,
  layout: Repository | undefined
): Effect.fn.Return<ReadonlyArray<Root & Schema.JsonObject>, RepairError> {
  const repository = layout ?? (yield* Effect.fromResult(parseRepository("recovered")))
  const roots = yield* rootsIn(opened)
  const names = namesOf(roots, layout === undefined ? "" : "recovered-")
  return yield* Effect.forEach(
    roots,
    (descriptor, place) =>
      Effect.map(Effect.fromResult(parseTag(names[place] ?? "")), (tag) => ({
        ...descriptor,
        annotations: { [refName]: formatTagged(repository, tag) }
      }))
  )
})

/** The beginning of each digest, as long as it has to be for no two to be the same. */
const namesOf = (roots: ReadonlyArray<Root>, prefix: string): ReadonlyArray<string> => {
  const taken = new Set<string>()
  return roots.map(({ digest }) => {
    const encoded = encodedOf(digest)
    let length = 12
    while (taken.has(encoded.slice(0, length)) && length < encoded.length) length++
    taken.add(encoded.slice(0, length))
    return `${prefix}${encoded.slice(0, length)}`
  })
}

type Root = Descriptor & { readonly digest: ContentDigest }

/** Manifests that no other one has as a part of it, in order of their digests. */
const rootsIn = Effect.fnUntraced(function*(
  { blobs, upkeep }: Opened
): Effect.fn.Return<ReadonlyArray<Root>, RepairError> {
  const found: Array<Root> = []
  const named = new Set<string>()
  yield* Stream.runForEach(
    upkeep.blobs,
    Effect.fnUntraced(function*({ digest, kind, size }) {
      if (kind !== "file" || size > limits.manifestBytes || found.length >= limits.walkManifests) return
      const read = yield* damaged(blobs.get(digest, limits.manifestBytes))
      const bytes = Result.isSuccess(read) ? Option.getOrUndefined(read.success) : undefined
      const manifest = bytes === undefined ? undefined : asManifest(bytes)
      if (manifest === undefined) return
      const { artifactType, mediaType } = manifest
      found.push({ mediaType, digest, size, ...field("artifactType", artifactType) })
      for (const { descriptor } of children(manifest)) named.add(descriptor.digest)
    })
  )
  return found.filter(({ digest }) => !named.has(digest)).toSorted((a, b) => a.digest < b.digest ? -1 : 1)
})
