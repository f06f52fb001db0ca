/** A tar of an OCI Image Layout, which may lie in a folder of it. */
import { Effect, Result } from "effect"
import { fieldOf, isList } from "../../oci/Descriptor.ts"
import { type ContentDigest, isContentDigest } from "../../oci/Digest.ts"
import { bundleFile, readBundleFile } from "../files/bundleFile.ts"
import * as limits from "../files/limits.ts"
import type { MemberError, Members } from "../files/Members.ts"
import { type Blob, type Images, invalidIn, objectMember } from "./Images.ts"

const marker = "oci-layout"

/** Where a layout lies in the archive: the folder, with a slash, that has its `oci-layout`. */
export const layoutsIn = ({ names }: Members): ReadonlyArray<string> => {
  const folders = names.filter((name) => name === marker || name.endsWith(`/${marker}`))
    .map((name) => name.slice(0, -marker.length))
  const depths = folders.map((folder) => folder.split("/").length)
  const least = Math.min(...depths)
  return folders.filter((_, at) => depths[at] === least)
}

export const ociImages = Effect.fnUntraced(function*(
  members: Members,
  folder: string
): Effect.fn.Return<Images, MemberError> {
  const version = yield* objectMember(members, `${folder}${marker}`, limits.markerBytes)
  if (version === undefined || fieldOf(version, "imageLayoutVersion") !== "1.0.0") {
    return yield* invalidIn(members, `${folder}${marker} does not say version 1.0.0`)
  }
  const index = yield* objectMember(members, `${folder}index.json`, limits.indexBytes)
  if (index === undefined) return yield* invalidIn(members, `it has no ${folder}index.json`)
  const entries = fieldOf(index, "manifests") ?? []
  if (!isList(entries)) return yield* invalidIn(members, `${folder}index.json has manifests that are no array`)
  const blobs = new Map<ContentDigest, Blob>()
  const prefix = `${folder}blobs/`
  for (const name of members.names) {
    if (!name.startsWith(prefix)) continue
    const digest = name.slice(prefix.length).replace("/", ":")
    const member = isContentDigest(digest) ? members.find(name) : undefined
    if (member !== undefined && isContentDigest(digest)) blobs.set(digest, member)
  }
  const bundle = yield* objectMember(members, `${folder}${bundleFile}`, limits.indexBytes)
  const base = bundle === undefined
    ? {}
    : {
      base: yield* Effect.fromResult(Result.mapError(readBundleFile(bundle), (reason) => invalidIn(members, reason)))
    }
  return { entries, bytes: members.find(`${folder}index.json`)?.size ?? 0, blobs, ...base }
})
