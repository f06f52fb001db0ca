/** Makes what a layout needs before something can be put into it. */
import { Effect } from "effect"
import { dirname, join } from "node:path"
import type { SymlinkRefused } from "../../oci/OciError.ts"
import { sweepMarks } from "../blobs/secondNames.ts"
import { asStorage } from "../files/asStorage.ts"
import {
  makeFolder,
  openLock,
  sweepTemporary,
  syncFolder,
  syncWhole,
  tell,
  withTemporary,
  writeFile
} from "../files/durable.ts"
import { cannotLink, fallBack } from "../files/fallback.ts"
import { guardOwn, type LayoutFiles, ownFolders, RandomName, statIfThere } from "../files/layoutFiles.ts"
import type { FsError } from "../fs/LayoutFs.ts"
import type { IndexCache } from "../index/indexCache.ts"
import { emptyIndex } from "../index/indexText.ts"
import type { Preparation } from "../index/Preparation.ts"

export const makePreparation = (files: LayoutFiles, look: IndexCache["look"]): Preparation => {
  let done = false
  let exists = false
  return {
    foldersCreated: Effect.suspend(() =>
      done ? Effect.void : Effect.gen(function*() {
        const { seen } = yield* look
        yield* asStorage(files.root)(
          Effect.andThen(createOwnFolders(files), Effect.andThen(sweepTemporary(files), sweepMarks(files)))
        )
        yield* keepRepository(files)
        yield* tryTimes(files)
        exists = seen.index !== undefined
        done = true
      })
    ),
    layoutCreated: Effect.suspend(() =>
      exists ? Effect.void : Effect.map(createLayout(files), () => {
        exists = true
      })
    )
  }
}

/**
 * Writes down what the default repository is, unless something is there. What cannot be written now is written with the
 * next change.
 */
export const keepRepository = (files: LayoutFiles): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { kept, path, repository } = files.defaultRepository
    if (kept || repository === undefined) return Effect.void
    files.defaultRepository.kept = true
    return Effect.ignore(Effect.gen(function*() {
      if ((yield* statIfThere(files.fs, path)) === undefined) yield* createFile(files, path, `${repository}\n`)
    }))
  })

/** Tests whether the times of files show every change here. If the test fails, they are not trusted. */
export const tryTimes = ({ fs, temporary, times }: LayoutFiles): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (times.tried) return Effect.void
    times.tried = true
    return Effect.gen(function*() {
      const name = yield* RandomName
      times.exact = yield* fs.tellsEveryChange(join(temporary, `times.${name()}`))
    }).pipe(Effect.ignore)
  })

/** Creates what a layout needs, in an order in which every step of it can be read by others. */
export const createLayout = Effect.fnUntraced(function*(files: LayoutFiles): Effect.fn.Return<void, FsError> {
  yield* makeFolder(files, files.blobs)
  yield* createMarker(files)
  yield* createFile(files, files.index, emptyIndex)
})

const markerText = `{"imageLayoutVersion":"1.0.0"}\n`

/** `oci-layout`; one that is there already stays. */
export const createMarker = (files: LayoutFiles): Effect.Effect<void, FsError> =>
  createFile(files, files.marker, markerText)

/** Writes `oci-layout` again, after a tool has left it torn. */
export const writeMarker = (files: LayoutFiles): Effect.Effect<void, FsError> =>
  writeFile(files, "marker", files.marker, markerText)

/** Makes the folders of our own; who may write the layout may write them. */
export const createOwnFolders = Effect.fnUntraced(function*(
  files: LayoutFiles
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  yield* guardOwn(files)
  for (const folder of ownFolders(files)) yield* makeFolder(files, folder)
})

/** `link` fails where there is a file already, so that a layout created meanwhile is never replaced by an empty one. */
export const createFile = (files: LayoutFiles, path: string, content: string): Effect.Effect<void, FsError> =>
  withTemporary(
    files,
    "new",
    Effect.fnUntraced(function*(temporary, handle) {
      yield* handle.write(Buffer.from(content), 0)
      yield* syncWhole(files, handle)
      const linked = yield* tell(files.fs.link(temporary, path), "EEXIST", ...cannotLink)
      if (linked !== "done" && linked !== "EEXIST") yield* createByRename(files, temporary, path)
      yield* syncFolder(files, dirname(path))
    })
  )

/** Where nothing can be linked, creators take turns under the lock: only then is an absent file still absent. */
const createByRename = Effect.fnUntraced(function*(files: LayoutFiles, temporary: string, path: string) {
  yield* fallBack(files, "link")
  const lock = yield* openLock(files, join(files.own, "creating"))
  if (!(yield* lock.tryLock)) yield* lock.waitForLock
  if ((yield* statIfThere(files.fs, path)) === undefined) yield* files.fs.rename(temporary, path)
}, Effect.scoped)
