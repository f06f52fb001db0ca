/**
 * umoci. Traced: umoci 0.4.7.
 *
 * Every command looks at `oci-layout`, reads the index, and replaces it by a rename from a folder of its own, which it
 * locks and removes. Nothing is synced; what it writes has the mode 0600. Annotations of the index are kept. Its
 * collection reads the index first, walks what it names, lists the blobs, and removes those that it has not met; the
 * folders that others have left behind as well.
 */
import { Effect } from "effect"
import { type Image, partsOf } from "./images.ts"
import { appended, compact, entryNamed, entryOf, type Index, renamed, without } from "./indexJson.ts"
import {
  blobPath,
  type Desk,
  ifThere,
  indexPath,
  place,
  reachedBy,
  readIndex,
  readLayout,
  removeOthers,
  wholeBlob,
  type Work
} from "./Tool.ts"

const open = (desk: Desk): Work =>
  Effect.gen(function*() {
    yield* readLayout(desk)
    yield* desk.fs.stat(`${desk.root}/blobs`)
    yield* desk.fs.stat(indexPath(desk))
  })

/** With a folder of its own, which goes again when all goes well. */
const withFolder = (desk: Desk, use: (folder: string) => Work): Work =>
  Effect.gen(function*() {
    const folder = `${desk.root}/.umoci-${desk.digits()}`
    yield* desk.fs.makeDirectory(folder, 0o700)
    yield* use(folder)
    yield* desk.fs.removeDirectory(folder)
  })

const putIndex = (desk: Desk, folder: string, index: Index): Work =>
  Effect.gen(function*() {
    yield* desk.pause("stored")
    yield* place(desk, indexPath(desk), `${compact(index)}\n`, { by: `${folder}/index-${desk.digits()}` })
    yield* desk.pause("written")
  })

export const umociTag = (desk: Desk, { from, name }: { readonly from: string; readonly name: string }): Work =>
  Effect.gen(function*() {
    yield* open(desk)
    yield* readIndex(desk)
    const index = yield* readIndex(desk)
    yield* desk.pause("read")
    const source = yield* entryNamed(index, from)
    desk.say({ _tag: "Means", name, digest: source.digest })
    yield* withFolder(desk, (folder) => putIndex(desk, folder, appended(without(index, name), renamed(source, name))))
    desk.say({ _tag: "Done" })
  })

/** A name that is not there is fine. */
export const umociRemove = (desk: Desk, { name }: { readonly name: string }): Work =>
  Effect.gen(function*() {
    yield* open(desk)
    const index = yield* readIndex(desk)
    yield* desk.pause("read")
    desk.say({ _tag: "Means", name, digest: undefined })
    yield* withFolder(desk, (folder) => putIndex(desk, folder, without(index, name)))
    desk.say({ _tag: "Done" })
  })

/** What the source lends: it is read about, and not looked at. */
const sourceOf = (desk: Desk, from: string, { layers: [lent] }: Image): Work<string | undefined> =>
  Effect.gen(function*() {
    const index = yield* readIndex(desk)
    const source = yield* entryNamed(index, from)
    yield* wholeBlob(desk, source.digest)
    if (lent !== undefined) desk.say({ _tag: "Relies", digest: lent.digest })
    return lent?.digest
  })

export interface Builds {
  readonly image: Image
  readonly name: string
  /** The image that it is built on, which lends it the layer that all have; without one everything is brought. */
  readonly from: string | undefined
}

/** As `umoci new`, `insert` and `repack`: the blobs come first, and the index is read again after them. */
export const umociBuild = (desk: Desk, { from, image, name }: Builds): Work =>
  Effect.gen(function*() {
    yield* open(desk)
    const lent = from === undefined ? undefined : yield* sourceOf(desk, from, image)
    yield* withFolder(desk, (folder) =>
      Effect.gen(function*() {
        for (const { bytes, digest } of partsOf(image)) {
          if (digest === lent) continue
          yield* place(desk, blobPath(desk, digest), bytes, { by: `${folder}/blob-${desk.digits()}` })
        }
        const index = yield* readIndex(desk)
        yield* desk.pause("read")
        const entry = renamed(entryOf(image), name)
        desk.say({ _tag: "Means", name, digest: entry.digest })
        yield* putIndex(desk, folder, appended(without(index, name), entry))
      }))
    desk.say({ _tag: "Done" })
  })

export const umociCollect = (desk: Desk): Work =>
  Effect.gen(function*() {
    yield* open(desk)
    const index = yield* readIndex(desk)
    yield* desk.pause("read")
    const kept = yield* reachedBy(desk, index)
    yield* removeOthers(desk, kept)
    for (const name of yield* desk.fs.readDirectory(desk.root)) {
      if (name.startsWith(".umoci-")) yield* ifThere(desk.fs.removeDirectory(`${desk.root}/${name}`))
    }
    desk.say({ _tag: "Done" })
  })
