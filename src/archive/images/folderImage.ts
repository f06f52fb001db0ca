/** The one image of a directory as skopeo's `dir:` transport writes it: its manifest, and each blob under its hash. */
import { Effect, Result } from "effect"
import { hasher } from "../../node/files/hasher.ts"
import { type ContentDigest, isContentDigest } from "../../oci/Digest.ts"
import { statedMediaType } from "../../oci/Manifest.ts"
import { imageManifest } from "../../oci/MediaType.ts"
import { manifestBytes } from "../../ops/limits.ts"
import type { MemberError, Members } from "../files/Members.ts"
import { type Blob, type Images, invalidIn, smallMember } from "./Images.ts"

export const folderImage = Effect.fnUntraced(function*(members: Members): Effect.fn.Return<Images, MemberError> {
  const bytes = yield* smallMember(members, "manifest.json", manifestBytes)
  if (bytes === undefined) return yield* invalidIn(members, "it has no manifest.json")
  const stated = yield* Effect.fromResult(
    Result.mapError(statedMediaType(bytes), ({ message }) => invalidIn(members, message))
  )
  const blobs = new Map<ContentDigest, Blob>()
  for (const name of members.names) {
    // Of an image for several platforms, manifests are named so as well, with an ending.
    const digest = `sha256:${name.replace(/\.manifest\.json$/u, "")}`
    const member = isContentDigest(digest) ? members.find(name) : undefined
    if (member !== undefined && isContentDigest(digest)) blobs.set(digest, member)
  }
  const digest = hasher.digest("sha256", bytes)
  blobs.set(digest, bytes)
  return { entries: [{ mediaType: stated ?? imageManifest, digest, size: bytes.length }], bytes: bytes.length, blobs }
})
