/** Copies a manifest and everything below it, from one repository to another, of the same registry or of two. */
import { Effect, Option } from "effect"
import { refuseTag } from "../../layout/decide.ts"
import { field } from "../../oci/field.ts"
import { parseTag } from "../../oci/Reference.ts"
import type { Copied, CopyItem, CopyOptions, CopySource, CopyTarget } from "../api/Copy.ts"
import type { CopyError } from "../api/errors.ts"
import type { Change, TagRequest } from "../api/Registry.ts"
import { chooseImage } from "../refs/chooseImage.ts"
import { readSource, type SourceReader } from "../refs/copySource.ts"
import { type Found as Walked, type Part, walkCopy } from "./copyWalk.ts"
import { makeTurns } from "./makeTurns.ts"
import { sendParts } from "./sendParts.ts"

/**
 * Copies a manifest, byte for byte, with everything below it: the children of an index, and all blobs. What the target
 * has already is not sent again, and within one registry blobs are mounted. Everything is verified before it is stored.
 * The manifest, its referrers and the tags become visible in one commit, when all they need is there: a copy that fails
 * or is interrupted leaves no tag, only content that a collection frees, and that the next attempt finds.
 *
 * A layer that is nondistributable, or says where else to get it, is copied where the source has it, and may be
 * missing. Anything else that is missing fails the copy: `NameUnknown` and `ManifestUnknown` for manifests,
 * `BlobUnknown` for blobs, `ContentMismatch` for what is damaged, `LimitExceeded` for what is too much; `TagExists` and
 * `Conflict` where a condition of a tag does not hold, found before anything is copied where that is so already.
 */
export const copyManifest = Effect.fn("copyManifest")(function*(
  source: CopySource,
  target: CopyTarget,
  options: CopyOptions = {}
): Effect.fn.Return<Copied, CopyError> {
  const { tags = [] } = target
  const [copied, ...others] = yield* copyManifests([{ source, tags }], target, options)
  return copied === undefined || others.length > 0 ? yield* Effect.die("one copy has one result") : copied
})

/**
 * As `copyManifest`, for several manifests and their tags in one commit: all of them become visible, or none does. A
 * result for each of them, in their order. Into several repositories of one layout where items name theirs.
 */
export const copyManifests = Effect.fn("copyManifests")(function*(
  items: ReadonlyArray<CopyItem>,
  target: Omit<CopyTarget, "tags">,
  options: CopyOptions = {}
): Effect.fn.Return<ReadonlyArray<Copied>, CopyError> {
  const found = yield* Effect.forEach(items, (item) => {
    const own = { ...target, repository: item.repository ?? target.repository }
    return prepare(item, own, options)
  })
  const total = found.reduce((sum, { walked }) => sum + sizeOf(walked.parts), 0)
  let bytes = 0
  const passed = (more: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      bytes += more
      return options.onProgress?.({ bytes, total }) ?? Effect.void
    })
  const { turns = makeTurns() } = options
  const sent = yield* Effect.forEach(
    found,
    ({ item, reader, target: own, walked }) =>
      sendParts(reader, item.source, own, walked.parts, { ...options, passed, turns })
  )
  const changes = found.flatMap((one) => changesOf(one, options))
  const { revision } = changes.length === 0
    ? { revision: Option.none<number>() }
    : yield* target.registry.batch(changes)
  return found.flatMap(
    ({ item: { tags }, target: { repository }, walked: { entries, manifests } }, at): ReadonlyArray<Copied> => {
      const [root] = entries
      const parts = sent[at]
      if (root === undefined || parts === undefined) return []
      return [{
        repository,
        digest: root.descriptor.digest,
        tags: [...tags.map(nameOf), ...entries.flatMap((entry) => entry.tags)],
        manifests,
        ...parts,
        revision
      }]
    }
  )
})

interface Prepared {
  readonly item: CopyItem
  readonly target: Omit<CopyTarget, "tags">
  readonly reader: SourceReader
  readonly walked: Walked
  /** The target has all of it, under these tags: nothing is left to do. */
  readonly isDone: boolean
}

const prepare = Effect.fnUntraced(function*(
  item: CopyItem,
  target: CopyTarget,
  { platform, referrers = false, sparse = false }: CopyOptions
): Effect.fn.Return<Prepared, CopyError> {
  const reader = readSource(item.source)
  const root = platform === undefined
    ? yield* reader.root
    : (yield* chooseImage(reader, yield* reader.candidates, platform)).manifest
  const { digest } = root.descriptor
  const tagged = yield* Effect.forEach(item.tags, (tag) => checkTag(target, tag, digest))
  const isDone = !referrers && tagged.length > 0 && tagged.every((actual) => actual === digest)
  if (isDone || (!referrers && (yield* isWhole(target, digest)))) {
    const walked = { entries: [{ ...root, tags: [] }], parts: [], manifests: 1, documents: new Set<string>() }
    return { item, target, reader, walked, isDone }
  }
  const walked = yield* walkCopy(reader, root, { referrers, sparse })
  // A list that the target has of its own is kept up to date by the pushes of what it is to list.
  const entries = yield* Effect.filter(
    walked.entries,
    (entry) => entry.isList === true ? Effect.map(hasTag(target, entry.tags), (has) => !has) : Effect.succeed(true)
  )
  return { item, target, reader, walked: { ...walked, entries }, isDone }
})

/**
 * Where manifests are kept apart, one comes after all that it names: what is there is whole, and is not looked at again. A
 * layout may hold manifests without what they name.
 */
const isWhole = ({ registry, repository }: CopyTarget, digest: string): Effect.Effect<boolean, CopyError> =>
  registry.manifestsApart === true ? hasManifest(registry, repository, digest) : Effect.succeed(false)

const hasManifest = (
  registry: CopyTarget["registry"],
  repository: string,
  digest: string
): Effect.Effect<boolean, CopyError> =>
  registry.resolveManifest(repository, digest).pipe(
    Effect.as(true),
    Effect.catchTags({ ManifestUnknown: () => Effect.succeed(false), NameUnknown: () => Effect.succeed(false) })
  )

const hasTag = ({ registry, repository }: CopyTarget, tags: ReadonlyArray<string>) =>
  Effect.map(
    Effect.forEach(tags, (tag) =>
      registry.resolveTag(repository, tag).pipe(
        Effect.as(true),
        Effect.catchTags({ ManifestUnknown: () => Effect.succeed(false), NameUnknown: () => Effect.succeed(false) })
      )),
    (found) => found.includes(true)
  )

const sizeOf = (parts: ReadonlyArray<Part>): number => parts.reduce((sum, { descriptor }) => sum + descriptor.size, 0)

const changesOf = (
  { isDone, item: { tags }, target: { registry: { manifestsApart = false }, repository }, walked: { entries } }:
    Prepared,
  { sparse = false }: CopyOptions
): ReadonlyArray<Change> => {
  if (isDone) return []
  const changes = entries.map((entry, place): Change => ({
    _tag: "PushManifest",
    repository,
    bytes: entry.bytes,
    mediaType: entry.descriptor.mediaType,
    options: {
      digest: entry.descriptor.digest,
      tags: place === 0 ? tags : entry.tags,
      stored: true,
      sparse,
      ...field("annotations", entry.annotations)
    }
  }))
  // What becomes visible one by one begins with what belongs to the manifest.
  return manifestsApart ? [...changes.slice(1), ...changes.slice(0, 1)] : changes
}

const nameOf = (tag: TagRequest): string => typeof tag === "string" ? tag : tag.tag

/**
 * Whether a tag could be set as things are; whether it can is decided when it is. Answers what it points at, where that is
 * all that there is to look at: a layout may hold manifests without what they name.
 */
const checkTag = Effect.fnUntraced(function*(
  { registry, repository }: CopyTarget,
  request: TagRequest,
  digest: string
): Effect.fn.Return<string | undefined, CopyError> {
  const tag = yield* Effect.fromResult(parseTag(nameOf(request)))
  const isApart = registry.manifestsApart === true
  if (typeof request === "string" && !isApart) return undefined
  const actual = yield* registry.resolveTag(repository, tag).pipe(
    Effect.map((found) => found.digest),
    Effect.catchTags({ ManifestUnknown: () => Effect.undefined, NameUnknown: () => Effect.undefined })
  )
  const refusal = typeof request === "string"
    ? undefined
    : refuseTag(actual, repository, { ...request, tag }, digest)
  if (refusal !== undefined) return yield* refusal
  return isApart ? actual : undefined
})
