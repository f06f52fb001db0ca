/** Says what lies where a layout was expected, and how to come from there to a layout. */
import { Effect } from "effect"
import { basename, join } from "node:path"
import { LayoutNotFound } from "../../oci/OciError.ts"
import { quoted, several } from "../../oci/quoted.ts"
import { ifThere, readAll } from "../files/layoutFiles.ts"
import type { FsError, LayoutFs } from "../fs/LayoutFs.ts"

/** How many names of a folder are looked at, and how many folders below it, in search of layouts. */
const looked = 256

/** How deep below a folder layouts are looked for. */
const deepest = 4

/** Of a file, as much as tells an archive. */
const headBytes = 512

interface Told {
  /** What is there, as the end of a sentence. */
  readonly reason: string
  readonly advice: string
}

/** Whether there is a layout in this very directory. */
export const hasLayout = (fs: LayoutFs, directory: string): Effect.Effect<boolean, FsError> =>
  Effect.map(ifThere(fs.stat(join(directory, "oci-layout"))), (stat) => stat?.kind === "file")

/** That there is no layout at an absolute path, with what is there instead. */
export const layoutNotFound = (fs: LayoutFs, path: string): Effect.Effect<LayoutNotFound, FsError> =>
  Effect.map(tellLayout(fs, path), (told) => new LayoutNotFound({ path, ...told }))

/** What is not a directory of layouts, or of nothing yet, is told; nothing otherwise. */
export const treeNotFound = Effect.fnUntraced(function*(
  fs: LayoutFs,
  path: string
): Effect.fn.Return<LayoutNotFound | undefined, FsError> {
  const stat = yield* ifThere(fs.stat(path))
  if (stat?.kind !== "directory") return yield* layoutNotFound(fs, path)
  if (yield* hasLayout(fs, path)) {
    return new LayoutNotFound({
      path,
      reason: "is one layout, not a tree of layouts",
      advice: "leave --per-repository out, or perRepository: use makeDisk"
    })
  }
  const names = yield* fs.readDirectory(path)
  if (names.every((name) => name === ".ocilayout") || (yield* layoutBelow(fs, path)) !== undefined) return undefined
  return yield* layoutNotFound(fs, path)
})

/** What would be mixed up with a layout that is made in a directory; nothing where nothing is in the way. */
export const contentBeside = Effect.fnUntraced(function*(
  fs: LayoutFs,
  path: string
): Effect.fn.Return<ReadonlyArray<string>, FsError> {
  const stat = yield* ifThere(fs.stat(path))
  if (stat?.kind !== "directory" || (yield* hasLayout(fs, path))) return []
  return (yield* fs.readDirectory(path)).filter((name) => !layoutNames.has(name)).toSorted()
})

const layoutNames = new Set(["blobs", "index.json", "oci-layout", ".ocilayout"])

const tellLayout = Effect.fnUntraced(function*(fs: LayoutFs, path: string): Effect.fn.Return<Told, FsError> {
  const stat = yield* ifThere(fs.stat(path))
  if (stat === undefined) {
    return { reason: "does not exist", advice: `check the path; ocilayout init ${shown(path)} makes a new layout` }
  }
  if (stat.kind === "directory") return yield* tellFolder(fs, path)
  return stat.kind === "file" ? yield* tellFile(fs, path) : {
    reason: "is a device, a pipe or a socket, not a directory",
    advice: "name the directory of a layout"
  }
})

const tellFile = Effect.fnUntraced(function*(fs: LayoutFs, path: string): Effect.fn.Return<Told, FsError> {
  const name = basename(path)
  if (layoutNames.has(name)) {
    return { reason: "is a file of a layout, not a directory", advice: "name the directory that it lies in" }
  }
  const head = yield* Effect.scoped(Effect.gen(function*() {
    const handle = yield* fs.open(path, { access: "read", follow: true })
    return yield* readAll(handle, headBytes)
  }))
  const archive = archiveOf(head)
  return archive === undefined
    ? { reason: "is a file, not a directory", advice: "name the directory of a layout" }
    : {
      reason: `is ${archive}`,
      advice: `unpack it into a directory first: mkdir image && tar -xf ${shown(path)} -C image`
    }
})

const archiveOf = (head: Uint8Array): string | undefined => {
  const text = Buffer.from(head).toString("latin1")
  if (text.slice(257, 262) === "ustar") return "a tar archive"
  if (text.startsWith("\u001f\u008b")) return "a compressed archive (gzip)"
  if (text.startsWith("\u0028\u00b5\u002f\u00fd")) return "a compressed archive (zstd)"
  if (text.startsWith("\u00fd7zXZ\0")) return "a compressed archive (xz)"
  return text.startsWith("BZh") ? "a compressed archive (bzip2)" : undefined
}

const tellFolder = Effect.fnUntraced(function*(fs: LayoutFs, path: string): Effect.fn.Return<Told, FsError> {
  const names = new Set(yield* fs.readDirectory(path))
  const target = shown(path)
  if (names.size === 0) {
    return { reason: "is an empty directory", advice: `ocilayout init ${target} makes a layout in it` }
  }
  if (names.size === 1 && names.has(".ocilayout")) {
    return {
      reason: "has nothing but .ocilayout: a layout was removed from it, or its making was cut short",
      advice: `ocilayout init ${target} makes a new layout in it`
    }
  }
  if (names.has("sparse-oci-layout")) {
    return {
      reason:
        "has sparse-oci-layout in the place of oci-layout: a sparse layout of rules_img, whose base layers are elsewhere",
      advice: "have rules_img write a whole OCI layout"
    }
  }
  if (names.has("manifest.json") && names.has("version")) {
    return {
      reason: "is a directory of skopeo's dir: transport",
      advice: `read it as dir:${target}, or make a layout of it: skopeo copy dir:${target} oci:LAYOUT:TAG`
    }
  }
  if (names.has("index.json") || names.has("blobs")) {
    const there = ["index.json", "blobs"].filter((name) => names.has(name)).join(" and ")
    return {
      reason: `has ${there} and no oci-layout, which every layout has`,
      advice: `ocilayout verify ${target} says what is wrong`
    }
  }
  if (names.has("manifest.json") && names.has("repositories")) {
    return {
      reason: "is an unpacked archive of docker save, without an OCI layout in it",
      advice: "make a layout of the archive: skopeo copy docker-archive:FILE oci:LAYOUT:TAG"
    }
  }
  const below = yield* layoutBelow(fs, path)
  if (below !== undefined) {
    return {
      reason: `is no layout itself: there are layouts in it, such as ${quoted(below)}`,
      advice: `name one of them, or with --layout ${target} --per-repository the tree of them`
    }
  }
  const some = Array.from(names).toSorted()
  return {
    reason: `is a directory of other things: ${several(some.map(quoted))}`,
    advice: "check the path"
  }
})

/** A layout in a folder below, by its path from there. */
const layoutBelow = Effect.fnUntraced(function*(
  fs: LayoutFs,
  root: string
): Effect.fn.Return<string | undefined, FsError> {
  let level: ReadonlyArray<string> = [""]
  let seen = 0
  for (let depth = 0; depth < deepest; depth++) {
    const next: Array<string> = []
    for (const folder of level) {
      // What may not be listed is passed by: it is only a guess that is looked for.
      const names = yield* Effect.orElseSucceed(fs.readDirectory(join(root, folder)), (): ReadonlyArray<string> => [])
      for (const name of names.toSorted()) {
        if (seen++ >= looked) return undefined
        const path = folder === "" ? name : `${folder}/${name}`
        if (name.startsWith(".")) continue
        const stats = yield* Effect.orElseSucceed(fs.linkStats([join(root, path)]), () => [])
        if (stats[0]?.kind !== "directory") continue
        if (yield* Effect.orElseSucceed(hasLayout(fs, join(root, path)), () => false)) return path
        next.push(path)
      }
    }
    level = next
  }
  return undefined
})

/** A path as a word of a command. */
const shown = (path: string): string => /^[\w@%+=:,./-]+$/u.test(path) ? path : quoted(path)
