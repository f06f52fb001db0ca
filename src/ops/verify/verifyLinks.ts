/**
 * Follows what is named, from the entries down, and checks that it is there, of its size, and what it is said to be.
 */
import { Effect, Option, Result } from "effect"
import type { State } from "../../layout/State.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { algorithmOf, type ContentDigest, encodedOf, isContentDigest } from "../../oci/Digest.ts"
import type { ContentFault } from "../../oci/faults.ts"
import { children, type Manifest, parseManifest } from "../../oci/Manifest.ts"
import { kindOf } from "../../oci/MediaType.ts"
import { named } from "../../oci/quoted.ts"
import type { VerifyError } from "../api/errors.ts"
import * as limits from "../limits.ts"
import { damaged } from "../manifests/damage.ts"
import { Graph, type Place } from "../reachability/Graph.ts"
import type { Opened } from "../repositories/catalog.ts"
import type { Report } from "./Report.ts"

export const blobPath = (digest: ContentDigest): string => `blobs/${algorithmOf(digest)}/${encodedOf(digest)}`

/** A manifest to be read, and how many indexes it is inside of. */
interface Waiting {
  readonly descriptor: Descriptor
  readonly digest: ContentDigest
  readonly depth: number
}

interface Walk {
  readonly opened: Opened
  readonly state: State | undefined
  readonly report: Report
  readonly graph: Graph
  readonly queue: Array<Waiting>
}

/** A descriptor, and the manifest that has it and where, unless it is an entry of the index. */
interface Link {
  readonly descriptor: Descriptor
  readonly by?: string
  readonly at?: string
  readonly optional?: boolean
  readonly depth: number
}

/** Breadth first, each manifest once, however many name it. */
export const checkLinks = Effect.fnUntraced(function*(
  opened: Opened,
  roots: ReadonlyArray<Descriptor>,
  state: State | undefined,
  report: Report
): Effect.fn.Return<Graph, VerifyError> {
  const walk: Walk = { opened, state, report, graph: new Graph(), queue: [] }
  for (const descriptor of roots) yield* checkLink(walk, { descriptor, depth: 0 })
  let bytes = 0
  for (let next = 0; next < walk.queue.length; next++) {
    const waiting = walk.queue[next]
    if (waiting === undefined) break
    if (next >= limits.walkManifests || bytes >= limits.walkBytes) {
      walk.graph.incomplete = true
      const message =
        `only ${next} manifests were looked at: the layout has more of them, or of their bytes, than a walk reads`
      yield* report.found("LIMIT_EXCEEDED", { path: "index.json", message })
      break
    }
    bytes += yield* checkManifest(walk, waiting)
  }
  yield* tellLacking(walk)
  return walk.graph
})

const around = ({ graph, state }: Walk, digest: string) => ({
  digest,
  affected: graph.affected(digest, state),
  neededBy: graph.neededBy(digest)
})

const checkLink = Effect.fnUntraced(function*(
  walk: Walk,
  { at, by, depth, descriptor, optional = false }: Link
): Effect.fn.Return<void, VerifyError> {
  const { graph, queue, report } = walk
  const { digest } = descriptor
  graph.add(digest, by)
  const manifest = kindOf(descriptor.mediaType) !== "other"
  if (!isContentDigest(digest)) {
    if (graph.manifests.has(digest)) return
    graph.manifests.add(digest)
    graph.incomplete ||= manifest
    const message = `${named(digest)} is of an algorithm that is not supported, so that it cannot be checked`
    return yield* report.found("DIGEST_UNSUPPORTED", { path: "index.json", message, ...around(walk, digest) })
  }
  const place = graph.places.get(digest) ?? (yield* placeOf(walk, digest, manifest ? 0 : 1))
  const embedded = place === "missing" && Option.isSome(walk.opened.manifests.embedded(descriptor))
  if (typeof place === "string") {
    if (!embedded && !optional) graph.lacking.set(digest, { place, manifest })
  } else if (place.size !== descriptor.size) {
    graph.missized.add(digest)
    const who = by === undefined ? "its entry" : `${at ?? "a descriptor"} of ${by}`
    const state = yield* contentState(walk, digest)
    const message = `${who} says ${descriptor.size} bytes of ${digest}; ${state} ${place.size}`
    yield* report.found("SIZE_MISMATCH", { path: blobPath(digest), message, ...around(walk, digest) })
  }
  if (manifest && !graph.manifests.has(digest)) {
    graph.manifests.add(digest)
    queue.push({ descriptor, digest, depth })
  }
})

/** Which of the two is wrong, the size or the content; at level `links` that is not known. */
const contentState = Effect.fnUntraced(function*(
  { opened, report }: Walk,
  digest: ContentDigest
): Effect.fn.Return<string, VerifyError> {
  if (report.level === "links") return "its file has"
  const actual = yield* damaged(Effect.scoped(
    Effect.flatMap(opened.upkeep.hashing, ({ hash }) => hash(digest, () => Effect.void))
  ))
  const isRight = Result.isSuccess(actual) && Option.getOrUndefined(actual.success) === digest
  return isRight ? "the content is right, and has" : "the content is damaged, and has"
})

/** Looked at once: all that name it mean the same file. */
const placeOf = Effect.fnUntraced(function*(
  { graph, opened, report }: Walk,
  digest: ContentDigest,
  blobs: number
): Effect.fn.Return<Place, VerifyError> {
  const file = yield* damaged(opened.upkeep.blob(digest))
  const place: Place = Result.match(file, {
    onFailure: () => "no file",
    onSuccess: Option.match({
      onNone: () => "missing",
      onSome: ({ kind, size }) => kind === "file" ? { size } : "no file"
    })
  })
  graph.places.set(digest, place)
  if (typeof place !== "string" && report.level === "links") yield* report.looked({ blobs, bytes: place.size })
  return place
})

/** Checks a manifest and everything it names; how many bytes it has. */
const checkManifest = Effect.fnUntraced(function*(
  walk: Walk,
  { depth, descriptor, digest }: Waiting
): Effect.fn.Return<number, VerifyError> {
  const { graph, opened, report } = walk
  const path = blobPath(digest)
  const read = yield* damaged(opened.blobs.get(digest, limits.manifestBytes))
  if (Result.isFailure(read)) {
    graph.incomplete = true
    graph.reported.add(digest)
    yield* tellUnreadable(walk, digest, read.failure)
    return 0
  }
  const content = Option.orElse(read.success, () => opened.manifests.embedded(descriptor))
  // A missing blob is told once all that name it are known.
  if (Option.isNone(content)) return 0
  yield* report.looked({ manifests: 1 })
  const manifest = parseManifest(content.value, descriptor.mediaType, "read")
  if (Result.isFailure(manifest)) {
    graph.incomplete = true
    yield* report.found("MANIFEST_INVALID", { path, message: manifest.failure.message, ...around(walk, digest) })
    return content.value.length
  }
  yield* checkForm(walk, { bytes: content.value, descriptor, path })
  if (depth >= limits.walkDepth && manifest.success.manifests.length > 0) {
    graph.incomplete = true
    const message = `${digest} is inside ${depth} indexes; what it names was not looked at`
    yield* report.found("LIMIT_EXCEEDED", { path, message, ...around(walk, digest) })
    return content.value.length
  }
  for (const { descriptor, optional, path: at } of children(manifest.success)) {
    yield* checkLink(walk, { descriptor, by: digest, at, optional, depth: depth + 1 })
  }
  yield* checkSubject(walk, manifest.success, { digest, path })
  return content.value.length
})

const tellUnreadable = (walk: Walk, digest: ContentDigest, error: ContentFault): Effect.Effect<void> => {
  const particulars = { path: blobPath(digest), message: error.message, ...around(walk, digest) }
  switch (error._tag) {
    case "ContentMismatch":
      return walk.report.found("MANIFEST_CORRUPT", particulars)
    case "LimitExceeded":
      return walk.report.found("MANIFEST_TOO_LARGE", particulars)
    default:
      // What is no file was seen before it was opened.
      return walk.graph.lacking.has(digest) ? Effect.void : walk.report.found("FILE_UNREADABLE", particulars)
  }
}

/** What every reader here lets pass, and others may not. */
const checkForm = (
  walk: Walk,
  { bytes, descriptor: { digest, mediaType }, path }: {
    readonly bytes: Uint8Array
    readonly descriptor: Descriptor
    readonly path: string
  }
): Effect.Effect<void> => {
  const strict = parseManifest(bytes, mediaType, "push")
  if (Result.isSuccess(strict)) return Effect.void
  const { failure } = strict
  const code = failure._tag === "ManifestInvalid" && failure.path === "mediaType"
    ? "MEDIA_TYPE_MISMATCH"
    : "MANIFEST_IRREGULAR"
  return walk.report.found(code, { path, message: failure.message, ...around(walk, digest) })
}

/** A subject need not be there (image-spec, manifest.md), but a signature was made for content that was there. */
const checkSubject = Effect.fnUntraced(function*(
  walk: Walk,
  { subject }: Manifest,
  { digest, path }: { readonly digest: ContentDigest; readonly path: string }
): Effect.fn.Return<void, VerifyError> {
  if (subject === undefined || !isContentDigest(subject.digest)) return
  const place = walk.graph.places.get(subject.digest) ?? (yield* placeOf(walk, subject.digest, 0))
  if (typeof place !== "string") return
  yield* walk.report.found("SUBJECT_MISSING", {
    path,
    message: `${digest} refers to ${subject.digest}, which is not in the layout`,
    digest: subject.digest,
    affected: walk.graph.affected(digest, walk.state),
    neededBy: [digest]
  })
})

/** Missing content is told last, with all that needs it. */
const tellLacking = Effect.fnUntraced(function*(walk: Walk): Effect.fn.Return<void, VerifyError> {
  const { graph, opened, report } = walk
  for (const [digest, { manifest, place }] of graph.lacking) {
    graph.incomplete ||= manifest
    const where = { path: blobPath(digest), ...around(walk, digest) }
    if (place === "no file") {
      yield* report.found("BLOB_NO_FILE", { ...where, message: `what is in the place of ${digest} is no regular file` })
    } else if (isContentDigest(digest) && Option.isSome(yield* opened.blobs.stat(digest))) {
      yield* report.found(manifest ? "MANIFEST_HELD" : "BLOB_HELD", {
        ...where,
        message:
          `${digest} was removed from blobs/, and only .ocilayout holds it: it is read here, and by no other tool`
      })
    } else {
      yield* report.found(manifest ? "MANIFEST_MISSING" : "BLOB_MISSING", {
        ...where,
        // An entry leads to something; what a manifest needs may be elsewhere (image-spec, image-layout.md).
        ...(report.sparse && where.neededBy.length > 0 ? { severity: "info" as const } : {}),
        message: `${manifest ? "manifest" : "blob"} ${digest} is not in the layout`
      })
    }
  }
})
