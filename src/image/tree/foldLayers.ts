/**
 * Puts the layers of an image together (image-spec, layer.md). Where the specification is silent it reads as umoci does:
 * a whiteout speaks of lower layers only, wherever it stands in its own.
 */
import { depth, foldSteps, links, pathBytes } from "../limits.ts"
import type { Entry } from "../table/Entry.ts"
import { type Folder, type Leaf, makeFolder, type Node, partsOf } from "./Node.ts"

/** A layer that does not fit on those below it. */
export class FoldRefused extends Error {
  override readonly name = "FoldRefused"
  /** From 0. */
  readonly layer: number

  constructor(layer: number, reason: string) {
    super(reason)
    this.layer = layer
  }
}

/** More work than any image needs. */
export class FoldTooLong extends Error {
  override readonly name = "FoldTooLong"
}

const whiteout = ".wh."
const opaque = ".wh..wh..opq"
/** Of aufs itself, and no file. */
const ofAufs = ".wh..wh."

/**
 * The file system after all layers, of which each is the entries of its tar in their order. `after` is told of it after
 * each layer.
 *
 * @throws FoldRefused where no runtime could unpack a layer either
 * @throws FoldTooLong
 */
export const foldLayers = (
  layers: ReadonlyArray<ReadonlyArray<Entry>>,
  after?: (layer: number, root: Folder) => void
): Folder => {
  const fold = new Fold()
  for (const [layer, entries] of layers.entries()) {
    fold.begin(layer)
    for (const entry of entries) fold.add(entry)
    after?.(layer, fold.root)
  }
  return fold.root
}

class Fold {
  readonly root = makeFolder(undefined, "", -1)
  #layer = 0
  #steps = 0
  /**
   * The folder of the entry before, and its path as it was written: most entries lie in the same one. Forgotten where
   * something that a path can lead through is replaced or removed.
   */
  #lastPath: string | undefined
  #lastFolder: Folder | undefined

  begin(layer: number): void {
    this.#layer = layer
  }

  #refuse(reason: string): never {
    throw new FoldRefused(this.#layer, reason)
  }

  #step(count = 1): void {
    this.#steps += count
    if (this.#steps > foldSteps) throw new FoldTooLong("more names than can be put together")
  }

  add(entry: Entry): void {
    if (entry.name.length > pathBytes || entry.link.length > pathBytes) this.#refuse("a name is too long")
    const slash = entry.name.lastIndexOf("/")
    const path = slash < 0 ? "" : entry.name.slice(0, slash)
    const written = entry.name.slice(slash + 1)
    const isPlain = written !== "" && written !== "." && written !== ".." && !written.startsWith(whiteout)
    if (isPlain && this.#lastFolder !== undefined && path === this.#lastPath) {
      this.#step()
      return this.#putIn(this.#lastFolder, written, entry)
    }
    const parts = partsOf(entry.name)
    const name = parts.pop()
    if (name === undefined) {
      if (entry.type === "directory") this.root.entry = entry
      return
    }
    if (name.startsWith(whiteout)) return this.#remove(parts, name)
    // No runtime unpacks what it does not know.
    if (entry.type === "other") return
    const folder = this.#folder(parts, true)
    if (folder === undefined) return
    this.#lastPath = path
    this.#lastFolder = isPlain ? folder : undefined
    this.#putIn(folder, name, entry)
  }

  #putIn(folder: Folder, name: string, entry: Entry): void {
    // No runtime unpacks what it does not know.
    if (entry.type === "other") return
    if (entry.type === "directory") this.#putFolder(folder, name, entry)
    else this.#putLeaf(folder, name, entry)
  }

  #putFolder(parent: Folder, name: string, entry: Entry): void {
    const there = parent.kids.get(name)
    if (there?.kind === "folder") {
      there.entry = entry
      there.layer = this.#layer
      this.#touch(there)
    } else this.#put(parent, name, makeFolder(parent, name, this.#layer, entry))
  }

  #putLeaf(parent: Folder, name: string, entry: Entry): void {
    if (entry.type !== "hardlink") {
      const inode = { entry, layer: this.#layer, names: 1 }
      return this.#put(parent, name, { kind: "leaf", inode, layer: this.#layer })
    }
    const target = this.#target(entry)
    if (target === parent.kids.get(name)) this.#refuse(`${entry.name} is a hard link to itself`)
    target.inode.names++
    this.#put(parent, name, { kind: "leaf", inode: target.inode, layer: this.#layer })
  }

  #target({ link, name }: Entry): Leaf {
    const parts = partsOf(link)
    const last = parts.pop()
    const found = last === undefined ? undefined : this.#folder(parts, false)?.kids.get(last)
    return found?.kind === "leaf" ? found : this.#refuse(`${name} is a hard link to ${link}, which is no file`)
  }

  #put(parent: Folder, name: string, node: Node): void {
    if (parent.depth >= depth) this.#refuse("folders lie too deep")
    if (parent.kids.has(name)) this.#lastFolder = undefined
    parent.kids.set(name, node)
    this.#touch(parent)
  }

  /** Above a folder that this layer has touched, all are. */
  #touch(folder: Folder): void {
    for (let at: Folder | undefined = folder; at !== undefined && at.touched !== this.#layer; at = at.parent) {
      at.touched = this.#layer
      this.#step()
    }
  }

  /**
   * The folder that a path leads to, links followed inside of the image; `make` makes those that are missing.
   *
   * @throws FoldRefused where something else is in the way
   */
  #folder(path: ReadonlyArray<string>, make: boolean): Folder | undefined {
    const rest = path.toReversed()
    let at: Folder = this.root
    let followed = 0
    for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
      this.#step()
      if (part === "..") {
        at = at.parent ?? at
        continue
      }
      const found = at.kids.get(part)
      if (found === undefined) {
        if (!make) return undefined
        const made = makeFolder(at, part, this.#layer)
        this.#put(at, part, made)
        at = made
      } else if (found.kind === "folder") at = found
      else if (found.inode.entry.type === "symlink") {
        if (++followed > links) this.#refuse("a path leads through too many links")
        const { link } = found.inode.entry
        if (link.startsWith("/")) at = this.root
        const target = link.split("/").filter((one) => one !== "" && one !== ".")
        this.#step(target.length)
        rest.push(...target.toReversed())
      } else this.#refuse(`${path.join("/")} leads through a file`)
    }
    return at
  }

  #remove(parts: ReadonlyArray<string>, name: string): void {
    const target = name.slice(whiteout.length)
    const isOpaque = name === opaque
    if (!isOpaque && name.startsWith(ofAufs)) return
    if (target === "" || target === "." || target === "..") this.#refuse(`${name} is no whiteout`)
    const folder = this.#folderThere(parts)
    if (folder === undefined) return
    this.#lastFolder = undefined
    if (isOpaque) return this.#clear(folder)
    const there = folder.kids.get(target)
    if (there === undefined) return
    const isOurs = there.kind === "folder"
      ? there.layer === this.#layer || there.touched === this.#layer
      : there.layer === this.#layer
    if (!isOurs) folder.kids.delete(target)
    else if (there.kind === "folder") this.#clear(there)
  }

  /** Below a file there is nothing to remove. */
  #folderThere(parts: ReadonlyArray<string>): Folder | undefined {
    try {
      return this.#folder(parts, false)
    } catch (error) {
      if (error instanceof FoldRefused) return undefined
      throw error
    }
  }

  /** Takes what lower layers have put into a folder out of it. In one layer that has to be done once. */
  #clear(folder: Folder): void {
    const waiting = [folder]
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      if (at.cleared === this.#layer) continue
      at.cleared = this.#layer
      this.#step(at.kids.size)
      for (const [name, kid] of at.kids) {
        const isOurs = kid.kind === "folder" && (kid.layer === this.#layer || kid.touched === this.#layer)
        if (kid.layer === this.#layer && kid.kind === "leaf") continue
        if (isOurs) waiting.push(kid)
        else at.kids.delete(name)
      }
    }
  }
}
