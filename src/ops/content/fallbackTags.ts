/**
 * Tags `sha256-<hex>` that list what refers to a manifest, for tools that know no other way (distribution-spec, "Referrers
 * tag schema"). Where there is one, each change of what refers to the manifest changes it in the same commit.
 */
import { Effect, Option, Stream } from "effect"
import { attachedTag } from "../../layout/belonging.ts"
import type { Command } from "../../layout/Command.ts"
import { entriesOf, withDigest } from "../../layout/query.ts"
import type { State } from "../../layout/State.ts"
import { type Descriptor, fieldOf, isJsonObject, type Json, type JsonObject } from "../../oci/Descriptor.ts"
import { isList } from "../../oci/Descriptor.ts"
import type { Digest } from "../../oci/Digest.ts"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import { jsonBytes, readJson } from "../../oci/Json.ts"
import type { Manifest } from "../../oci/Manifest.ts"
import { imageIndex, kindOf } from "../../oci/MediaType.ts"
import type { DigestInvalid, SizeInvalid, TagInvalid } from "../../oci/OciError.ts"
import { parseTag, type Repository, type Tag } from "../../oci/Reference.ts"
import type { Hasher } from "../ports/Hasher.ts"
import { asReferrer } from "../reachability/belonging.ts"
import type { Opened } from "../repositories/catalog.ts"

type Located = Opened & { readonly repository: Repository }

/** A tag that lists referrers, and its index as it is written. */
export interface List {
  readonly tag: Tag
  readonly descriptor: Descriptor
  readonly document: JsonObject
  readonly manifests: ReadonlyArray<Json>
}

/** Referrers of a digest of SHA-512 have a tag of its beginning: a tag has at most 128 characters. */
const tagFor = (subject: Digest) => parseTag(subject.replace(":", "-").slice(0, "sha512-".length + 64))

/** The lists of a repository, of one subject or of all; what is no index, or the subject itself, is none. */
const listsIn = Effect.fnUntraced(function*(
  opened: Located,
  state: State,
  subject?: Digest
): Effect.fn.Return<ReadonlyArray<List>, ReadFault> {
  const lists: Array<List> = []
  for (const { descriptor, name } of entriesOf(state, opened.repository)) {
    if (name._tag !== "Tagged" || descriptor === undefined || kindOf(descriptor.mediaType) !== "index") continue
    const attached = attachedTag(name.tag)
    if (attached === undefined || attached.suffix !== "" || descriptor.digest.startsWith(attached.digest)) continue
    if (subject !== undefined && !subject.startsWith(attached.digest)) continue
    const bytes = yield* Effect.option(opened.manifests.bytes(descriptor))
    const read = Option.flatMap(
      bytes,
      (content) => Option.getSuccess(readJson(content))
    )
    if (Option.isNone(read) || !isJsonObject(read.value)) continue
    const manifests = fieldOf(read.value, "manifests")
    if (isList(manifests)) lists.push({ tag: name.tag, descriptor, document: read.value, manifests })
  }
  return lists
})

const digestIn = (item: Json): unknown => isJsonObject(item) ? fieldOf(item, "digest") : undefined

/**
 * Writes a list; what it lists need not be there, since other tools may have listed what is absent. The list before
 * goes, unless it has another name.
 */
const write = Effect.fnUntraced(function*(
  opened: Located,
  hasher: Hasher,
  tag: Tag,
  document: object,
  replaced: ReadonlyArray<Command> = []
): Effect.fn.Return<ReadonlyArray<Command>, DigestInvalid | SizeInvalid | WriteFault> {
  const bytes = jsonBytes(document)
  const digest = hasher.digest("sha256", bytes)
  yield* opened.blobs.write(Stream.succeed(bytes), { algorithm: "sha256", digest, size: bytes.length, manifest: true })
  const put: Command = {
    _tag: "PutManifest",
    repository: opened.repository,
    descriptor: { mediaType: imageIndex, digest, size: bytes.length },
    tags: [{ tag }],
    missing: []
  }
  return [put, ...replaced]
})

/** A list that the tag has left. */
const drop = (
  state: State,
  { repository }: Located,
  { digest }: Descriptor
): ReadonlyArray<Command> =>
  withDigest(state, repository, digest).length === 1
    ? [{ _tag: "DeleteManifest", repository, digest, force: false, neededBy: [] }]
    : []

/**
 * What lists a referrer, as it is pushed, under the tag of its subject: where there is such a tag, or one is asked for.
 *
 * @param state as it is under the lock
 */
export const listReferrer = Effect.fnUntraced(function*(
  opened: Located,
  hasher: Hasher,
  state: State,
  { descriptor, manifest, wanted }: {
    readonly descriptor: Descriptor
    readonly manifest: Manifest
    readonly wanted: boolean
  }
): Effect.fn.Return<ReadonlyArray<Command>, DigestInvalid | SizeInvalid | TagInvalid | WriteFault> {
  const subject = manifest.subject?.digest
  if (subject === undefined) return []
  const listed = asReferrer(descriptor, manifest)
  const lists = yield* listsIn(opened, state, subject)
  if (lists.length === 0 && wanted) {
    const document = { schemaVersion: 2, mediaType: imageIndex, manifests: [listed] }
    return yield* write(opened, hasher, yield* Effect.fromResult(tagFor(subject)), document)
  }
  const commands = yield* Effect.forEach(
    lists.filter(({ manifests }) => !manifests.some((item) => digestIn(item) === descriptor.digest)),
    ({ descriptor, document, manifests, tag }) =>
      write(opened, hasher, tag, { ...document, manifests: [...manifests, listed] }, drop(state, opened, descriptor))
  )
  return commands.flat()
})

/** The lists of a repository that name a manifest: they do not need it. */
export const listsNaming = (opened: Located, state: State, digest: Digest) =>
  Effect.map(
    listsIn(opened, state),
    (lists) => lists.filter(({ manifests }) => manifests.some((item) => digestIn(item) === digest))
  )

/**
 * What takes a manifest out of the lists that name it.
 *
 * @param naming as `listsNaming` found them
 */
export const unlistReferrer = Effect.fnUntraced(function*(
  opened: Located,
  hasher: Hasher,
  state: State,
  digest: Digest,
  naming: ReadonlyArray<List>
): Effect.fn.Return<ReadonlyArray<Command>, DigestInvalid | SizeInvalid | WriteFault> {
  const commands = yield* Effect.forEach(naming, ({ descriptor, document, manifests, tag }) => {
    const rest = manifests.filter((item) => digestIn(item) !== digest)
    const { repository } = opened
    return rest.length > 0
      ? write(opened, hasher, tag, { ...document, manifests: rest }, drop(state, opened, descriptor))
      : Effect.succeed<ReadonlyArray<Command>>([
        { _tag: "DeleteTag", repository, tag },
        ...drop(state, opened, descriptor)
      ])
  })
  return commands.flat()
})
