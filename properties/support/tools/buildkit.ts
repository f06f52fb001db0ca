/**
 * BuildKit, which exports into a layout with `tar=false`. Read from its source.
 *
 * The index is locked among its own kind only, by a file beside it that goes again; it is read, written over from its
 * beginning, and cut to its new length. Annotations are kept.
 */
import { Effect } from "effect"
import { GivenUp } from "./GivenUp.ts"
import { type Image, partsOf } from "./images.ts"
import { appended, compact, entryOf, renamed, without } from "./indexJson.ts"
import {
  blobPath,
  type Desk,
  indexPath,
  makeFolderFor,
  makeFolders,
  place,
  readIndex,
  relies,
  removeFile,
  type Work
} from "./Tool.ts"

export const buildkitExport = (desk: Desk, { image, name }: { readonly image: Image; readonly name: string }): Work =>
  Effect.gen(function*() {
    for (const blob of partsOf(image)) {
      const path = blobPath(desk, blob.digest)
      yield* makeFolderFor(desk, path)
      yield* makeFolders(desk, `${desk.root}/ingest`)
      if (yield* relies(desk, blob)) continue
      yield* place(desk, path, blob.bytes, { by: `${desk.root}/ingest/${desk.digits()}` })
    }
    yield* desk.pause("stored")
    const lock = `${indexPath(desk)}.lock`
    yield* Effect.scoped(Effect.gen(function*() {
      const held = yield* desk.fs.open(lock, { access: "lock" })
      if (!(yield* held.tryLock)) return yield* new GivenUp({ why: "index.json.lock is held" })
      const index = yield* readIndex(desk)
      yield* desk.pause("read")
      const entry = renamed(entryOf(image), name)
      const text = Buffer.from(compact(appended(without(index, name), entry)))
      desk.say({ _tag: "Means", name, digest: entry.digest })
      const handle = yield* desk.fs.open(indexPath(desk), { access: "update" })
      yield* handle.write(text, 0)
      yield* handle.truncate(text.length)
      yield* desk.pause("written")
      yield* removeFile(desk, lock)
    }))
    desk.say({ _tag: "Done" })
  })
