/**
 * regctl. Traced: regctl 0.11.
 *
 * A copy of what is there under its name writes nothing. Otherwise blobs come by temporary files beside them; then
 * `oci-layout` and the index are read, `oci-layout` is emptied and written, the index replaced by a rename. After every
 * write it collects: the index is read again, what it names is walked, the blobs are listed, and all others removed,
 * temporary files of other tools among them. Nothing is synced. Annotations of the index are kept.
 */
import { Effect } from "effect"
import { GivenUp } from "./GivenUp.ts"
import { type Blob, type Image, partsOf } from "./images.ts"
import { appended, compact, entryOf, type Index, nameOf, parseIndex, renamed, without } from "./indexJson.ts"
import {
  blobPath,
  type Desk,
  ifThere,
  indexPath,
  layoutPath,
  makeFolderFor,
  overwrite,
  place,
  reachedBy,
  readFile,
  readIndex,
  readLayout,
  removeOthers,
  type Work
} from "./Tool.ts"

const putBlob = (desk: Desk, { bytes, digest }: Blob, isManifest: boolean): Work =>
  Effect.gen(function*() {
    const path = blobPath(desk, digest)
    // What can be opened is there.
    if (!isManifest && (yield* ifThere(readFile(desk, path))) !== undefined) {
      desk.say({ _tag: "Relies", digest })
      return
    }
    yield* desk.fs.stat(layoutPath(desk))
    yield* makeFolderFor(desk, path)
    const by = isManifest
      ? `${path}.${desk.digits()}.tmp`
      : `${path.slice(0, path.lastIndexOf("/"))}/${desk.digits()}.tmp`
    yield* place(desk, path, bytes, { by })
  })

const putIndex = (desk: Desk, index: Index): Work =>
  Effect.gen(function*() {
    yield* overwrite(desk, layoutPath(desk), "{\"imageLayoutVersion\":\"1.0.0\"}")
    yield* place(desk, indexPath(desk), compact(index), { by: `${indexPath(desk)}.${desk.digits()}.tmp` })
    yield* desk.pause("written")
  })

const collect = (desk: Desk): Work =>
  Effect.gen(function*() {
    yield* readLayout(desk)
    const index = yield* Effect.flatMap(readFile(desk, indexPath(desk)), parseIndex)
    const kept = yield* reachedBy(desk, index)
    yield* removeOthers(desk, kept)
  })

export const regctlCopy = (desk: Desk, { image, name }: { readonly image: Image; readonly name: string }): Work =>
  Effect.gen(function*() {
    const { digest } = image.manifest
    yield* readLayout(desk)
    const before = yield* readIndex(desk)
    if (before.manifests.some((entry) => nameOf(entry) === name && entry.digest === digest)) {
      yield* desk.fs.stat(blobPath(desk, digest))
      return
    }
    for (const blob of partsOf(image)) yield* putBlob(desk, blob, blob === image.manifest)
    yield* desk.pause("stored")
    yield* readLayout(desk)
    const index = yield* readIndex(desk)
    yield* desk.pause("read")
    const created = { "org.opencontainers.image.created": "2023-11-14T22:13:20Z" }
    const entry = renamed({ ...entryOf(image), annotations: created }, name)
    desk.say({ _tag: "Means", name, digest })
    yield* putIndex(desk, appended(without(index, name), entry))
    desk.say({ _tag: "Done" })
    yield* collect(desk)
  })

export const regctlTagDelete = (desk: Desk, { name }: { readonly name: string }): Work =>
  Effect.gen(function*() {
    yield* readLayout(desk)
    const index = yield* readIndex(desk)
    yield* desk.pause("read")
    if (!index.manifests.some((entry) => nameOf(entry) === name)) return yield* new GivenUp({ why: "not found" })
    desk.say({ _tag: "Means", name, digest: undefined })
    yield* putIndex(desk, without(index, name))
    desk.say({ _tag: "Done" })
    yield* collect(desk)
  })
