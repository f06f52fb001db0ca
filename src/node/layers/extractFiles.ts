/** Writes files of an image below a folder. */
import { Effect } from "effect"
import { reached } from "../../image/inside/FileRow.ts"
import type { OpenImage } from "../../image/inside/openImage.ts"
import { type EntryHandler, readEntries } from "../../image/layers/readEntries.ts"
import type { Entry } from "../../image/table/Entry.ts"
import { bytesOf } from "../../image/tar/bytes.ts"
import { entryOf, type Folder, type Inode, type Leaf, modeOf, partsOf } from "../../image/tree/Node.ts"
import { FileExists, PathUnknown } from "../../oci/OciError.ts"
import type { LookError } from "../../ops/api/errors.ts"
import { asStorage } from "../files/asStorage.ts"
import { FsError } from "../fs/LayoutFs.ts"
import { type Attributes, type NewFile, NewTree, type TreePath } from "../fs/NewTree.ts"

/** What was written by `extractFiles`, and what was not. */
export interface Extracted {
  readonly files: number
  readonly folders: number
  /** Symbolic links. */
  readonly links: number
  /** Of the files, in bytes. */
  readonly bytes: number
  /** What could not be made, and why; at most a hundred of them. */
  readonly skipped: ReadonlyArray<{ readonly path: string; readonly reason: string }>
  /** All that could not be made. */
  readonly skippedCount: number
  /** Files and folders without the setuid and setgid bits that they have in the image. */
  readonly plainModes: number
  /** Files, folders and links without the extended attributes that they have in the image. */
  readonly withoutXattrs: number
  /** Files, folders and links that do not belong to root in the image, and belong to the user here. */
  readonly withoutOwners: number
}

/** Of `extractFiles`. */
export type ExtractError = LookError | PathUnknown | FileExists

/** How files are written. */
export interface ExtractOptions {
  /**
   * Whether files belong to whom they belong to in the image, which only root may say, and keep the bits that let them
   * run with the rights of their owner or group. False by default: they belong to the user, and have no such bits.
   */
  readonly owners?: boolean | undefined
}

const mostSkipped = 100

/** Later times are none that file systems know. */
const mostSeconds = 2 ** 33

const rightsOfOthers = 0o6000

interface Wanted {
  readonly entry: Entry
  readonly inode: Inode
  /** Where its first name goes. */
  readonly path: TreePath
}

/**
 * Writes a file of an image, or a folder with all that is in it, into `directory`, which is made where it is missing: under
 * its own name, and all of an image as the content of the folder itself. Nothing is ever written elsewhere, whatever the
 * names and links of the image say and whatever others do there meanwhile; links are made as they are written, and never
 * followed. Each file has its name only when it is whole and agrees with its hash. Nothing that is there is replaced:
 * `FileExists`, and what was written before stays. Devices and pipes are not made.
 *
 * `PathUnknown`, `FileExists`, `LayerInvalid` where a file is not what it was at the first look, `SymlinkRefused` where a
 * link has taken the place of a folder, `StorageError`.
 */
export const extractFiles = Effect.fn("extractFiles")(function*(
  image: OpenImage,
  path: string,
  directory: string,
  options: ExtractOptions = {}
): Effect.fn.Return<Extracted, ExtractError> {
  const found = reached(image, path, true)
  if (found instanceof PathUnknown) return yield* found
  const told = asStorage(directory)
  const attempt = <A>(run: () => A): Effect.Effect<A, ExtractError> => told(Effect.try({ try: run, catch: failureOf }))
  return yield* Effect.scoped(Effect.gen(function*() {
    const tree = yield* Effect.acquireRelease(
      attempt(() => new NewTree(directory)),
      (tree) => Effect.sync(() => tree.close())
    )
    const work = new Extraction(image, tree, options)
    const start = partsOf(found.path).slice(-1).map((name) => Buffer.from(bytesOf(name)))
    yield* attempt(() => found.node.kind === "folder" ? work.folders(found.node, start) : work.leaf(found.node, start))
    yield* Effect.addFinalizer(() => Effect.ignore(attempt(() => work.discard())))
    for (const [at, table] of image.tables.entries()) {
      yield* readEntries(image.source, table, work.wanted[at] ?? [], work, attempt)
    }
    yield* attempt(() => work.finish())
    return work.done
  }))
})

/** What is in the way was there before. */
const failureOf = (cause: unknown): FsError | FileExists => {
  if (cause instanceof FsError) return cause.code === "EEXIST" ? new FileExists({ path: cause.path }) : cause
  throw cause
}

class Extraction implements EntryHandler<Wanted> {
  readonly #tree: NewTree
  readonly #owners: boolean
  /** By layer. */
  readonly wanted: ReadonlyArray<Array<Wanted>>
  #file: NewFile | undefined
  /** The first name of each file, and the others. */
  readonly #names = new Map<Inode, { readonly first: TreePath; readonly others: Array<TreePath> }>()
  readonly #made: Array<readonly [folder: Folder, path: TreePath]> = []
  readonly #skipped: Array<{ readonly path: string; readonly reason: string }> = []
  readonly #counts = {
    files: 0,
    folders: 0,
    links: 0,
    bytes: 0,
    skippedCount: 0,
    plainModes: 0,
    withoutXattrs: 0,
    withoutOwners: 0
  }

  constructor({ tables }: OpenImage, tree: NewTree, { owners = false }: ExtractOptions) {
    this.#tree = tree
    this.#owners = owners
    this.wanted = tables.map(() => [])
  }

  get done(): Extracted {
    return { ...this.#counts, skipped: this.#skipped }
  }

  /** A folder and all folders and links in it; no recursion, since folders lie in each other thousands deep. */
  folders(start: Folder, at: TreePath): void {
    const waiting: Array<readonly [Folder, TreePath]> = [[start, at]]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [folder, path] = next
      if (path.length > 0 && this.#tree.folder(path)) {
        this.#counts.folders++
        this.#made.push([folder, path])
        const entry = entryOf(folder)
        if (entry !== undefined) this.#count(entry)
      }
      for (const [name, node] of folder.kids) {
        const inside = [...path, Buffer.from(bytesOf(name))]
        if (node.kind === "folder") waiting.push([node, inside])
        else this.leaf(node, inside)
      }
    }
  }

  leaf({ inode }: Leaf, path: TreePath): void {
    const { entry, layer } = inode
    const known = this.#names.get(inode)
    if (known !== undefined) return void known.others.push(path)
    if (entry.type === "symlink") {
      this.#tree.link(path, Buffer.from(bytesOf(entry.link)), this.#attributes(entry, entry.mode))
      this.#counts.links++
      this.#count(entry)
    } else if (entry.type === "file") {
      this.#names.set(inode, { first: path, others: [] })
      this.wanted[layer]?.push({ entry, inode, path })
    } else this.#skip(path, `is a ${entry.type === "fifo" ? "pipe" : `${entry.type} device`}`)
  }

  #skip(path: TreePath, reason: string): void {
    this.#counts.skippedCount++
    if (this.#skipped.length < mostSkipped) this.#skipped.push({ path: `/${path.join("/")}`, reason })
  }

  /** What is made without something that it has in the image. */
  #count({ gid, mode, type, uid, xattrs }: Entry): void {
    if (!this.#owners && type !== "symlink" && (mode & rightsOfOthers) !== 0) this.#counts.plainModes++
    if (xattrs !== undefined) this.#counts.withoutXattrs++
    if (!this.#owners && (uid !== 0 || gid !== 0)) this.#counts.withoutOwners++
  }

  #attributes({ gid, mtime, uid }: Pick<Entry, "gid" | "mtime" | "uid">, mode: number): Attributes {
    return {
      mode: this.#owners ? mode : mode & ~rightsOfOthers,
      mtime: mtime >= 0 && mtime < mostSeconds ? mtime : undefined,
      ...(this.#owners ? { owner: { uid, gid } } : {})
    }
  }

  begin({ path }: Wanted): void {
    this.#file = this.#tree.file(path)
  }

  data(_wanted: Wanted, bytes: Uint8Array): void {
    this.#file?.write(bytes)
  }

  /** A file is whole: it gets its names. */
  end({ entry, inode, path }: Wanted): void {
    const file = this.#file
    this.#file = undefined
    file?.finish(this.#attributes(entry, entry.mode))
    this.#counts.files++
    this.#counts.bytes += entry.size
    this.#count(entry)
    for (const other of this.#names.get(inode)?.others ?? []) {
      this.#tree.name(path, other)
      this.#counts.files++
    }
  }

  /** Lets go of a file that is not whole. */
  discard(): void {
    this.#file?.discard()
    this.#file = undefined
  }

  /** Folders get their attributes when all is in them, the deepest first: some let nothing more be made in them. */
  finish(): void {
    for (const [folder, path] of this.#made.toReversed()) {
      const entry = entryOf(folder)
      this.#tree.finishFolder(
        path,
        entry === undefined ? { mode: modeOf(folder) } : this.#attributes(entry, entry.mode)
      )
    }
  }
}
