/**
 * skopeo, buildah and podman, which write layouts with one library. Traced: skopeo 1.9, buildah 1.28, podman 4.3.
 *
 * The index is read before anything is copied. Layers that are there are not brought again; config and layers come by
 * a temporary file in the layout's folder, synced; the manifest is written in place, even if it is there. Then
 * `oci-layout` and `index.json` are emptied and written. Neither is synced. Annotations of the index are kept.
 */
import { Effect } from "effect"
import type { Blob, Image } from "./images.ts"
import {
  appended,
  compact,
  emptyIndex,
  type Entry,
  entryOf,
  type Index,
  nameOf,
  renamed,
  unnamed
} from "./indexJson.ts"
import {
  blobPath,
  type Desk,
  ifThere,
  indexPath,
  layoutPath,
  makeFolderFor,
  makeFolders,
  overwrite,
  place,
  readIndex,
  relies,
  type Work
} from "./Tool.ts"

export interface Copies {
  readonly image: Image
  /** What the copy is named. */
  readonly name: string
  /** Whether layers are compressed anew, as buildah and podman do it: then they are brought again. */
  readonly compresses: boolean
}

const putBlob = (desk: Desk, { bytes, digest }: Blob): Work =>
  Effect.gen(function*() {
    const path = blobPath(desk, digest)
    yield* makeFolderFor(desk, path)
    yield* place(desk, path, bytes, { by: `${desk.root}/oci-put-blob${desk.digits()}`, syncs: true, mode: 0o644 })
  })

/** The name leaves the entry that has it; an entry of the same content without a name is replaced. */
const withEntry = (index: Index, entry: Entry): Index => {
  const name = nameOf(entry)
  const holder = index.manifests.findIndex((other) => nameOf(other) === name)
  const manifests = index.manifests.map((other, at) => at === holder ? unnamed(other) : other)
  const twin = manifests.findIndex((other) => other.digest === entry.digest && nameOf(other) === undefined)
  return twin === -1
    ? appended({ ...index, manifests }, entry)
    : { ...index, manifests: manifests.map((other, at) => at === twin ? entry : other) }
}

export const containersCopy = (desk: Desk, { compresses, image, name }: Copies): Work =>
  Effect.gen(function*() {
    const index = (yield* ifThere(readIndex(desk))) ?? emptyIndex
    if (index === emptyIndex) desk.say({ _tag: "Opened" })
    yield* makeFolders(desk, `${desk.root}/blobs`)
    yield* desk.pause("read")
    for (const layer of image.layers) {
      if (compresses || !(yield* relies(desk, layer))) yield* putBlob(desk, layer)
    }
    yield* putBlob(desk, image.config)
    const { bytes, digest } = image.manifest
    yield* overwrite(desk, blobPath(desk, digest), bytes)
    yield* desk.pause("stored")
    yield* overwrite(desk, layoutPath(desk), "{\"imageLayoutVersion\": \"1.0.0\"}")
    const next = withEntry(index, renamed(entryOf(image), name))
    desk.say({ _tag: "Means", name, digest })
    yield* overwrite(desk, indexPath(desk), compact(next))
    yield* desk.pause("written")
    desk.say({ _tag: "Done" })
  })
