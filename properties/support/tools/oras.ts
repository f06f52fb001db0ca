/**
 * oras. Traced: oras 1.3.
 *
 * The index is read once, when the layout is opened, and every manifest that it names is read with it: one that is
 * missing makes it give up. Blobs that are there are not brought again; others come by temporary files in `ingest`, and
 * get the mode 0444. The index is emptied and written for every manifest that is new, which has no name at first, and
 * again for every name; the entries come in an order that is not that of the file. A manifest that is deleted goes with
 * its names, and then what only it had needed when the layout was opened. Nothing is synced. Annotations are kept.
 */
import { Effect } from "effect"
import { type Blob, type Image, partsOf } from "./images.ts"
import {
  appended,
  compact,
  type Entry,
  entryNamed,
  entryOf,
  type Index,
  nameOf,
  renamed,
  without
} from "./indexJson.ts"
import {
  blobPath,
  type Desk,
  indexPath,
  isThere,
  makeFolderFor,
  makeFolders,
  overwrite,
  place,
  reached,
  reachedBy,
  readIndex,
  readLayout,
  relies,
  removeFile,
  type Work
} from "./Tool.ts"

const open = (desk: Desk): Work<Index> =>
  Effect.gen(function*() {
    yield* desk.fs.stat(`${desk.root}/blobs`)
    yield* readLayout(desk)
    const index = yield* readIndex(desk)
    yield* reachedBy(desk, index)
    yield* desk.pause("read")
    return index
  })

const putBlob = (desk: Desk, blob: Blob): Work<boolean> =>
  Effect.gen(function*() {
    if (yield* relies(desk, blob)) return false
    const { bytes, digest } = blob
    const path = blobPath(desk, digest)
    yield* makeFolderFor(desk, path)
    yield* makeFolders(desk, `${desk.root}/ingest`)
    const by = `${desk.root}/ingest/${digest.slice(7)}_${desk.digits()}`
    yield* place(desk, path, bytes, { by, mode: 0o444 })
    return true
  })

/** What has a name comes first, and in an order of its own. */
const ordered = (index: Index): string => {
  const byDigest = (entries: ReadonlyArray<Entry>) => entries.toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
  const tagged = index.manifests.filter((entry) => nameOf(entry) !== undefined)
  const rest = index.manifests.filter((entry) =>
    nameOf(entry) === undefined && !tagged.some(({ digest }) => digest === entry.digest)
  )
  return compact({ ...index, manifests: [...byDigest(tagged), ...byDigest(rest)] })
}

const withName = (index: Index, entry: Entry, name: string): Index =>
  appended(without(index, name), renamed(entry, name))

export const orasCopy = (desk: Desk, { image, name }: { readonly image: Image; readonly name: string }): Work =>
  Effect.gen(function*() {
    const opened = yield* open(desk)
    const { digest } = image.manifest
    const entry = entryOf(image)
    const added = appended(opened, entry)
    const hasManifest = yield* isThere(desk, blobPath(desk, digest))
    // What has the manifest is taken to have the rest.
    for (const blob of hasManifest ? [image.manifest] : partsOf(image)) {
      const isNew = yield* putBlob(desk, blob)
      if (!isNew || blob !== image.manifest) continue
      yield* desk.pause("stored")
      yield* overwrite(desk, indexPath(desk), ordered(added))
    }
    yield* desk.fs.stat(blobPath(desk, digest))
    desk.say({ _tag: "Means", name, digest })
    yield* overwrite(desk, indexPath(desk), ordered(withName(opened, entry, name)))
    yield* desk.pause("written")
    desk.say({ _tag: "Done" })
  })

export const orasTag = (desk: Desk, { from, name }: { readonly from: string; readonly name: string }): Work =>
  Effect.gen(function*() {
    const index = yield* open(desk)
    const source = yield* entryNamed(index, from)
    yield* desk.fs.stat(blobPath(desk, source.digest))
    desk.say({ _tag: "Relies", digest: source.digest })
    desk.say({ _tag: "Means", name, digest: source.digest })
    yield* overwrite(desk, indexPath(desk), ordered(withName(index, source, name)))
    yield* desk.pause("written")
    desk.say({ _tag: "Done" })
  })

/** Every name of the manifest goes. */
export const orasDelete = (desk: Desk, { name }: { readonly name: string }): Work =>
  Effect.gen(function*() {
    const index = yield* open(desk)
    const source = yield* entryNamed(index, name)
    const rest = index.manifests.filter(({ digest }) => digest !== source.digest)
    const mine = yield* reached(desk, [source.digest], true)
    const others = yield* reached(desk, rest.map(({ digest }) => digest), false)
    for (const entry of index.manifests.filter(({ digest }) => digest === source.digest)) {
      const named = nameOf(entry)
      if (named !== undefined) desk.say({ _tag: "Means", name: named, digest: undefined })
    }
    yield* overwrite(desk, indexPath(desk), ordered({ ...index, manifests: rest }))
    yield* desk.pause("listed")
    for (const digest of mine) if (!others.has(digest)) yield* removeFile(desk, blobPath(desk, digest))
    desk.say({ _tag: "Done" })
  })
