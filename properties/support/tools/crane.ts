/**
 * crane. Traced: crane 0.22. An entry has the annotations of its manifest, and its config's type as artifact type.
 *
 * Of a blob that is there nothing is written. Layers come by temporary files beside them; config and manifest are
 * written in place. The index is read when all of it is there, and is emptied and written with other formatting; an entry
 * is always added, whatever has its name. Its collection reads the index first, then lists and removes. Nothing is
 * synced. Annotations of the index are kept.
 */
import { Effect } from "effect"
import type { Blob, Image } from "./images.ts"
import { appended, type Entry, indentedByThree } from "./indexJson.ts"
import {
  blobPath,
  type Desk,
  indexPath,
  lookAtSize,
  makeFolderFor,
  overwrite,
  place,
  reachedBy,
  readIndex,
  removeOthers,
  type Work
} from "./Tool.ts"

const putBlob = (desk: Desk, blob: Blob, isLayer: boolean): Work =>
  Effect.gen(function*() {
    const path = blobPath(desk, blob.digest)
    yield* makeFolderFor(desk, path)
    if ((yield* lookAtSize(desk, blob)) === "whole") return
    if (isLayer) yield* place(desk, path, blob.bytes, { by: `${path}${desk.digits()}` })
    else yield* overwrite(desk, path, blob.bytes)
  })

export const cranePull = (desk: Desk, { image, name }: { readonly image: Image; readonly name: string }): Work =>
  Effect.gen(function*() {
    yield* desk.fs.stat(indexPath(desk))
    for (const layer of image.layers) yield* putBlob(desk, layer, true)
    for (const blob of [image.config, image.manifest]) yield* putBlob(desk, blob, false)
    yield* desk.pause("stored")
    const index = yield* readIndex(desk)
    yield* desk.pause("read")
    const { bytes, digest } = image.manifest
    const annotations = { "example.note": image.note, "org.opencontainers.image.ref.name": name }
    const artifactType = "application/vnd.oci.image.config.v1+json"
    const entry: Entry = { mediaType: image.mediaType, digest, size: bytes.length, annotations, artifactType }
    desk.say({ _tag: "Means", name, digest })
    yield* overwrite(desk, indexPath(desk), indentedByThree(appended(index, entry)))
    yield* desk.pause("written")
    desk.say({ _tag: "Done" })
  })

export const craneCollect = (desk: Desk): Work =>
  Effect.gen(function*() {
    yield* desk.fs.stat(indexPath(desk))
    const index = yield* readIndex(desk)
    yield* desk.pause("read")
    const kept = yield* reachedBy(desk, index)
    yield* removeOthers(desk, kept)
    desk.say({ _tag: "Done" })
  })
