/**
 * What `docker save` wrote before it wrote layouts: configs, and layers that are tars. Each image gets the manifest that
 * says the same; its digest is the same each time it is made, as long as nothing in the archive changes.
 */
import { Effect, Result, Stream } from "effect"
import { hasher, runningHash } from "../../node/files/hasher.ts"
import { refName } from "../../oci/Annotations.ts"
import { type Descriptor, fieldOf, isJsonObject, isList, type Json } from "../../oci/Descriptor.ts"
import { type ContentDigest, isContentDigest } from "../../oci/Digest.ts"
import { jsonBytes, readJson } from "../../oci/Json.ts"
import { imageConfig, imageManifest, layerTar, layerTarGzip, layerTarZstd } from "../../oci/MediaType.ts"
import * as limits from "../files/limits.ts"
import type { Member, MemberError, Members } from "../files/Members.ts"
import { lookOf } from "../files/openFile.ts"
import { type Blob, type Images, invalidIn, jsonMember, smallMember, wholeOf } from "./Images.ts"

export const list = "manifest.json"

const headBytes = 512

const mediaTypes = { tar: layerTar, other: layerTar, gzip: layerTarGzip, zstd: layerTarZstd }

export const dockerImages = Effect.fnUntraced(function*(members: Members): Effect.fn.Return<Images, MemberError> {
  const images = yield* jsonMember(members, list, limits.indexBytes)
  if (!isList(images)) return yield* invalidIn(members, `${list} is no list of images`)
  const blobs = new Map<ContentDigest, Blob>()
  const entries: Array<Json> = []
  for (const [at, image] of images.entries()) {
    const { bytes, descriptor, digest, names } = yield* imageOf(members, image, at, blobs)
    blobs.set(digest, bytes)
    if (names.length === 0) entries.push(descriptor)
    for (const name of names) entries.push({ ...descriptor, annotations: { [refName]: name } })
  }
  return { entries, bytes: members.find(list)?.size ?? 0, blobs }
})

const texts = (value: Json | undefined): ReadonlyArray<string> | undefined => {
  if (value === undefined || value === null) return []
  const all = isList(value) ? value.filter((one) => typeof one === "string") : []
  return isList(value) && all.length === value.length ? all : undefined
}

const imageOf = Effect.fnUntraced(function*(
  members: Members,
  image: Json,
  at: number,
  blobs: Map<ContentDigest, Blob>
) {
  const where = `${list}, image ${at}`
  const config = isJsonObject(image) ? fieldOf(image, "Config") : undefined
  const layers = isJsonObject(image) ? texts(fieldOf(image, "Layers")) : undefined
  const names = isJsonObject(image) ? texts(fieldOf(image, "RepoTags")) : undefined
  if (typeof config !== "string" || layers === undefined || names === undefined) {
    return yield* invalidIn(members, `${where}, does not name a config and layers`)
  }
  const bytes = yield* smallMember(members, inName(config), limits.configBytes)
  if (bytes === undefined) return yield* invalidIn(members, `${where}, has no config ${config}`)
  const diffs = diffIdsIn(bytes)
  if (diffs?.length !== layers.length) {
    return yield* invalidIn(members, `${where}, has another number of layers than its config`)
  }
  const described: Array<Descriptor> = []
  for (const [place, name] of layers.entries()) {
    const member = members.find(inName(name))
    if (member === undefined) return yield* invalidIn(members, `${where}, has no layer ${name}`)
    const { digest, mediaType } = yield* layerOf(member, diffs[place])
    blobs.set(digest, member)
    described.push({ mediaType, digest, size: member.size })
  }
  const configDigest = hasher.digest("sha256", bytes)
  blobs.set(configDigest, bytes)
  const manifest = jsonBytes({
    schemaVersion: 2,
    mediaType: imageManifest,
    config: { mediaType: imageConfig, digest: configDigest, size: bytes.length },
    layers: described
  })
  const digest = hasher.digest("sha256", manifest)
  const descriptor: Descriptor = { mediaType: imageManifest, digest, size: manifest.length }
  return { bytes: manifest, descriptor, digest, names }
})

const inName = (name: string): string => name.replace(/^\.\//u, "")

const diffIdsIn = (config: Uint8Array): ReadonlyArray<string> | undefined => {
  const json = Result.getOrUndefined(readJson(config))
  const rootfs = isJsonObject(json) ? fieldOf(json, "rootfs") : undefined
  return isJsonObject(rootfs) ? texts(fieldOf(rootfs, "diff_ids")) : undefined
}

/**
 * A layer as it lies there. What its config says of a tar is the digest of the very bytes, which is checked when they are
 * read; of one that is compressed they have to be hashed.
 */
const layerOf = Effect.fnUntraced(function*(
  member: Member,
  diffId: string | undefined
): Effect.fn.Return<{ readonly digest: ContentDigest; readonly mediaType: string }, MemberError> {
  const head = Buffer.concat(
    yield* Effect.scoped(Stream.runCollect(
      member.read({ from: 0, to: Math.min(headBytes, member.size), passing: false })
    ))
  )
  const look = lookOf(head)
  const isPlain = look === "tar" || look === "other"
  const digest = isPlain && isContentDigest(diffId) ? diffId : yield* hashOf(member)
  return { mediaType: mediaTypes[look], digest }
})

const hashOf = Effect.fnUntraced(function*(member: Member): Effect.fn.Return<ContentDigest, MemberError> {
  const hash = runningHash("sha256")
  yield* Stream.runForEach(wholeOf(member), (piece) => Effect.sync(() => hash.update(piece)))
  return hash.digest()
})
