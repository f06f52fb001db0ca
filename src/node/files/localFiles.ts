/** Files outside of layouts, inside the directories that were allowed when the program started. */
import { Effect, Option, Result, Stream } from "effect"
import { basename, dirname, isAbsolute, join } from "node:path"
import { fileURLToPath } from "node:url"
import { FileExists, FileUnknown, PathDenied, RangeInvalid } from "../../oci/OciError.ts"
import type { LocalFiles } from "../../ops/ports/LocalFiles.ts"
import { isInside } from "../fs/isInside.ts"
import type { FsError, LayoutFs } from "../fs/LayoutFs.ts"
import { asStorage } from "./asStorage.ts"
import { tell } from "./durable.ts"
import { cannotLink } from "./fallback.ts"
import { ifThere, RandomName } from "./layoutFiles.ts"
import { readPieces } from "./readPieces.ts"

/** The rights of a file before the umask takes its part. */
const byUmask = 0o666

/** @param allowed absolute paths of directories; one that does not exist (yet) allows nothing */
export const makeLocalFiles = (fs: LayoutFs, allowed: ReadonlyArray<string>): LocalFiles =>
  limited(fs, [allowed], allowed)

/**
 * @param limits a file has to be inside a directory of each of these lists
 * @param allowed what that comes to, for people
 */
const limited = (
  fs: LayoutFs,
  limits: ReadonlyArray<ReadonlyArray<string>>,
  allowed: ReadonlyArray<string>
): LocalFiles => {
  const isInOneOf = Effect.fnUntraced(
    function*(directories: ReadonlyArray<string>, real: string): Effect.fn.Return<boolean, FsError> {
      for (const directory of directories) {
        const root = yield* ifThere(fs.realPath(directory))
        if (root !== undefined && isInside(root, real)) return true
      }
      return false
    }
  )

  /** The folder with every link resolved, if it is inside an allowed directory; both sides are compared resolved. */
  const resolve = Effect.fnUntraced(
    function*(path: string, folder: string): Effect.fn.Return<string, FileUnknown | PathDenied | FsError> {
      if (!isAbsolute(path) || path.includes("\0")) {
        return yield* new PathDenied({ path, allowed, reason: "is not an absolute path" })
      }
      // What is not there is where the folder above it is.
      let there = folder
      let real = yield* ifThere(fs.realPath(there))
      while (real === undefined && there !== dirname(there)) {
        there = dirname(there)
        real = yield* ifThere(fs.realPath(there))
      }
      for (const directories of limits) {
        if (real === undefined || !(yield* isInOneOf(directories, real))) {
          return yield* new PathDenied({ path, allowed })
        }
      }
      return real !== undefined && there === folder ? real : yield* missing(folder)
    }
  )

  return {
    allowed,
    within: Effect.fnUntraced(function*(roots) {
      const inner: Array<{ readonly path: string; readonly real: string }> = []
      for (const path of roots.flatMap(pathOf)) {
        // What cannot be looked at allows nothing.
        const real = yield* Effect.orElseSucceed(ifThere(fs.realPath(path)), () => undefined)
        if (real !== undefined) inner.push({ path, real })
      }
      const both = new Set<string>()
      for (const directory of allowed) {
        const outer = yield* asStorage("/")(ifThere(fs.realPath(directory)))
        if (outer === undefined) continue
        for (const { path, real } of inner) {
          if (isInside(outer, real)) both.add(path)
          else if (isInside(real, outer)) both.add(directory)
        }
      }
      return limited(fs, [...limits, inner.map(({ path }) => path)], Array.from(both))
    }),
    read: Effect.fnUntraced(function*(path, window = { offset: 0 }) {
      const there = isAbsolute(path) && !path.includes("\0")
        ? yield* asStorage("/")(ifThere(fs.realPath(path)))
        : undefined
      // What does not exist is said to be missing only where looking is allowed.
      const real = yield* asStorage("/")(resolve(path, there === undefined ? dirname(path) : path))
      if (there === undefined) return yield* missing(path)
      const handle = yield* asStorage("/")(ifThere(fs.open(real, { access: "read" })))
      if (handle === undefined) return yield* missing(path)
      const { kind, size } = yield* asStorage("/")(handle.stat)
      if (kind !== "file") return yield* new FileUnknown({ path, reason: "is not a regular file" })
      const { length, offset } = window
      if (offset > size) return yield* new RangeInvalid({ offset, size })
      const end = length === undefined ? size : Math.min(size, offset + length)
      return { size: end - offset, content: readPieces("/", handle, { from: offset, to: end, passing: true }) }
    }),
    folder: Effect.fnUntraced(function*(path) {
      const real = yield* asStorage("/")(resolve(path, path))
      const { kind } = yield* asStorage("/")(fs.linkStat(real))
      return kind === "directory" ? Option.some(real) : Option.none()
    }),
    create: Effect.fnUntraced(function*(path, content) {
      const folder = yield* asStorage("/")(resolve(path, dirname(path)))
      const target = join(folder, basename(path))
      if ((yield* asStorage("/")(ifThere(fs.linkStat(target)))) !== undefined) return yield* new FileExists({ path })
      const name = yield* RandomName
      const temporary = join(folder, `.ocilayout-${name()}`)
      return yield* asStorage("/")(Effect.acquireUseRelease(
        fs.openHandle(temporary, { access: "create" }, byUmask),
        Effect.fnUntraced(function*(handle) {
          let size = 0
          yield* Stream.runForEach(content, (piece) =>
            Effect.suspend(() => {
              const offset = size
              size += piece.length
              return handle.write(piece, offset)
            }))
          yield* handle.sync
          if (!(yield* placeNew(fs, temporary, target))) return yield* new FileExists({ path })
          return { path: target, size }
        }),
        (handle) => Effect.andThen(handle.close, Effect.ignore(fs.unlink(temporary)))
      ))
    })
  }
}

/**
 * A link fails where there is something by now, and follows nothing; a rename would replace it. Where nothing can be
 * linked, an empty file takes the name first.
 */
const placeNew = Effect.fnUntraced(function*(
  fs: LayoutFs,
  temporary: string,
  target: string
): Effect.fn.Return<boolean, FsError> {
  const linked = yield* tell(fs.link(temporary, target), "EEXIST", ...cannotLink)
  if (linked === "done" || linked === "EEXIST") return linked === "done"
  const reserve = Effect.flatMap(fs.openHandle(target, { access: "create" }, byUmask), ({ close }) => close)
  if ((yield* tell(reserve, "EEXIST")) === "EEXIST") return false
  yield* fs.rename(temporary, target)
  return true
})

/** None for what is no path on this machine. */
const pathOf = (uri: string): ReadonlyArray<string> =>
  Result.match(Result.try(() => fileURLToPath(uri)), {
    onFailure: () => [],
    onSuccess: (path) => path.includes("\0") ? [] : [path]
  })

const missing = (path: string): FileUnknown => new FileUnknown({ path, reason: "does not exist" })
