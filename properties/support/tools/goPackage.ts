/**
 * The package `ocilayout` of github.com/docker/oci, as a program that keeps a layout open. Read from its source.
 *
 * The index is read when the layout is opened, and never again: every change is made to what is in memory and replaces
 * the file, by a rename from a name that all such programs share. Blobs of the right size are not brought again. Nothing is
 * synced. Annotations of the index are kept.
 */
import { Effect } from "effect"
import { GivenUp } from "./GivenUp.ts"
import { type Blob, type Image, partsOf } from "./images.ts"
import { appended, entryOf, indentedByTwo, type Index, nameOf, renamed, without } from "./indexJson.ts"
import {
  blobPath,
  type Desk,
  indexPath,
  lookAtSize,
  makeFolderFor,
  makeFolders,
  overwrite,
  place,
  readIndex,
  readLayout,
  type Work
} from "./Tool.ts"

export type HandleUse =
  | { readonly does: "push"; readonly image: Image; readonly name: string }
  | { readonly does: "untag"; readonly name: string }

const prepare = (desk: Desk): Work =>
  Effect.gen(function*() {
    yield* makeFolders(desk, `${desk.root}/blobs/uploads`)
    yield* readLayout(desk)
    yield* desk.fs.stat(indexPath(desk))
  })

const putBlob = (desk: Desk, blob: Blob): Work =>
  Effect.gen(function*() {
    const path = blobPath(desk, blob.digest)
    const found = yield* lookAtSize(desk, blob)
    if (found === "whole") return
    if (found === "of another size") return yield* new GivenUp({ why: "a blob has another size" })
    yield* makeFolderFor(desk, path)
    yield* place(desk, path, blob.bytes, { by: `${desk.root}/blobs/uploads/${desk.digits()}` })
  })

const putIndex = (desk: Desk, index: Index): Work =>
  Effect.gen(function*() {
    yield* overwrite(desk, `${indexPath(desk)}.tmp`, indentedByTwo(index))
    yield* desk.fs.rename(`${indexPath(desk)}.tmp`, indexPath(desk))
    yield* desk.pause("written")
  })

/** Opens the layout, and uses it one time after the other. */
export const goHandle = (desk: Desk, uses: ReadonlyArray<HandleUse>): Work =>
  Effect.gen(function*() {
    yield* readLayout(desk)
    yield* desk.fs.stat(`${desk.root}/blobs`)
    let index = yield* readIndex(desk)
    for (const use of uses) {
      yield* desk.pause("read")
      if (use.does === "push") {
        yield* prepare(desk)
        for (const blob of partsOf(use.image)) yield* putBlob(desk, blob)
        const entry = renamed(entryOf(use.image), use.name)
        const at = index.manifests.findIndex((other) => nameOf(other) === use.name)
        index = at === -1
          ? appended(index, entry)
          : { ...index, manifests: index.manifests.map((other, place) => place === at ? entry : other) }
        desk.say({ _tag: "Means", name: use.name, digest: entry.digest })
      } else {
        if (!index.manifests.some((entry) => nameOf(entry) === use.name)) continue
        index = without(index, use.name)
        desk.say({ _tag: "Means", name: use.name, digest: undefined })
      }
      yield* desk.pause("stored")
      yield* putIndex(desk, index)
      desk.say({ _tag: "Done" })
    }
  })
