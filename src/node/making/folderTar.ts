/**
 * A folder of this machine as a tar: always the same for the same files, and of nothing else. Each folder is opened through
 * the one above it, no link is followed, and a file that changes while it is read fails it.
 */
import { Effect, Result, Stream } from "effect"
import * as fs from "node:fs"
import type { FolderOptions, FolderTar } from "../../make/ports/LayerMaker.ts"
import { type Ignored, ignoredBy } from "../../make/tar/ignored.ts"
import { tarEnd, type TarFile, tarHeader, tarPadding } from "../../make/tar/tarHeader.ts"
import { errnoOf } from "../../oci/errno.ts"
import type { StorageError } from "../../oci/OciError.ts"
import { InputUnsuitable } from "../../oci/OciError.ts"
import { storageErrorOf } from "../../oci/storageErrorOf.ts"

/** So much is given at once. */
const pieceBytes = 1024 * 1024

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = fs.constants

/** A name that means a deletion in layers (image-spec, layer.md, "Whiteouts"). */
const whiteout = ".wh."

/** What is wrong with what was given; thrown, since each file is read by calls that are short. */
class Unfit extends Error {
  override readonly name = "Unfit"
  readonly path: string

  constructor(path: string, reason: string) {
    super(reason)
    this.path = path
  }
}

/**
 * The files of a folder as a tar, without an entry for the folder itself: in the order of the bytes of their names, root's
 * unless they keep their owners, with their modes, and with their times in whole seconds. Further names of a file are hard
 * links, symbolic links are as they are, and extended attributes are not read.
 * What the patterns of `exclude` match is not looked at.
 *
 * `InputUnsuitable` for what is no folder, for devices, sockets and pipes, for names that are no UTF-8 or mean a deletion, and
 * for files that change while they are read; `StorageError`.
 */
export const folderTar: FolderTar = (directory, options = {}) =>
  Stream.unwrap(Effect.gen(function*() {
    const pieces = yield* Effect.acquireRelease(
      Effect.sync(() => packed(directory, options)),
      // Ends it where it is, and closes what it holds open.
      (pieces) => Effect.sync(() => void pieces.return())
    )
    return Stream.unfold(pieces, (pieces) =>
      Effect.try({
        try: () => {
          const { done, value } = pieces.next()
          return done === true ? undefined : [value, pieces] as const
        },
        catch: (cause) => failureOf(directory, cause)
      }))
  }))

const failureOf = (directory: string, cause: unknown): InputUnsuitable | StorageError => {
  if (cause instanceof Unfit) return new InputUnsuitable({ input: cause.path, reason: cause.message })
  const errno = errnoOf(cause)
  if (errno === undefined) throw cause
  if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errno)) {
    return new InputUnsuitable({ input: directory, reason: "changed while it was read; try again when it is at rest" })
  }
  return storageErrorOf("read", directory, cause)
}

/** Puts small pieces together. */
class Gathered {
  #room = new Uint8Array(pieceBytes)
  #filled = 0

  get isFull(): boolean {
    return this.#filled === pieceBytes
  }

  /** What is full by these bytes. */
  *add(bytes: Uint8Array): Generator<Uint8Array, void> {
    for (let at = 0; at < bytes.length;) {
      const count = Math.min(bytes.length - at, pieceBytes - this.#filled)
      this.#room.set(bytes.subarray(at, at + count), this.#filled)
      this.#filled += count
      at += count
      if (this.#filled === pieceBytes) yield* this.rest()
    }
  }

  /** Reads a file straight into the room; how many bytes there were. */
  read(fd: number, most: number): number {
    const count = fs.readSync(fd, this.#room, this.#filled, Math.min(most, pieceBytes - this.#filled), null)
    this.#filled += count
    return count
  }

  *rest(): Generator<Uint8Array, void> {
    if (this.#filled > 0) yield this.#room.subarray(0, this.#filled)
    this.#room = new Uint8Array(pieceBytes)
    this.#filled = 0
  }
}

interface OpenFolder {
  /** Which leads to it whatever its name is by now, where the system has such paths. */
  readonly path: string
  readonly close: () => void
}

const openFolder = (path: string): OpenFolder => {
  const fd = fs.openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  const held = `/proc/self/fd/${fd}`
  return { path: fs.existsSync(held) ? held : path, close: () => fs.closeSync(fd) }
}

/** Whether a folder that is open is where it was meant to be: no folder on the way was exchanged for a link. */
const isAt = ({ path }: OpenFolder, real: string): boolean => fs.realpathSync(path) === real

const packed = function*(directory: string, options: FolderOptions): Generator<Uint8Array, void> {
  const gathered = new Gathered()
  const root = fs.statSync(directory, { throwIfNoEntry: false })
  if (root?.isDirectory() !== true) {
    throw new Unfit(directory, root === undefined ? "does not exist" : "is no folder")
  }
  const ignored = ignoredBy(options.exclude ?? [])
  if (Result.isFailure(ignored)) throw new Unfit(ignored.failure.input, ignored.failure.reason)
  const packer = new Packer(gathered, options, ignored.success)
  const at = (options.at ?? "").split("/").filter((part) => part !== "")
  if (at.some((part) => part === "." || part === "..")) {
    throw new Unfit(options.at ?? "", "is no place in an image")
  }
  for (let depth = 1; depth <= at.length; depth++) {
    yield* gathered.add(packer.made(`${at.slice(0, depth).join("/")}/`))
  }
  // What a person names may be a link; what is in it is not followed.
  const real = options.resolved === true ? directory : fs.realpathSync(directory)
  const top = openFolder(real)
  if (options.resolved === true && !isAt(top, real)) {
    top.close()
    throw new Unfit(directory, "leads elsewhere than it did; try again when it is at rest")
  }
  yield* packer.folder(top, at.map((part) => `${part}/`).join(""), directory)
  yield* gathered.add(tarEnd())
  yield* gathered.rest()
}

class Packer {
  readonly #gathered: Gathered
  readonly #options: FolderOptions
  /** The first name of each file that has several, by device and number. */
  readonly #names = new Map<string, string>()
  readonly #ignored: Ignored
  /** Headers of folders that are left out but for what may be brought back in them. */
  readonly #open: Array<Uint8Array> = []

  constructor(gathered: Gathered, options: FolderOptions, ignored: Ignored) {
    this.#gathered = gathered
    this.#options = options
    this.#ignored = ignored
  }

  /** A folder that leads to where the files go. */
  made(name: string): Uint8Array {
    const mtime = Math.min(0, this.#options.latest ?? 0)
    return tarHeader({ type: "directory", name: Buffer.from(name), mode: 0o755, uid: 0, gid: 0, mtime, size: 0 })
  }

  /**
   * Closes the folder at the end.
   *
   * @param told where it is, for people
   * @param below where it is in the folder that is taken
   */
  *folder(folder: OpenFolder, prefix: string, told: string, below = ""): Generator<Uint8Array, void> {
    try {
      for (const name of namesIn(folder, told)) {
        const own = `${folder.path}/${name}`
        const shown = `${told}/${name}`
        const stats = fs.lstatSync(own, { bigint: true })
        const place = `${below}${name}`
        if (this.#ignored.isLeftOut(place)) {
          if (!stats.isDirectory() || !this.#ignored.bringsBack) continue
          yield* this.#perhaps(stats, own, prefix, name, shown, place)
          continue
        }
        if (name.startsWith(whiteout)) throw new Unfit(shown, "has a name that means a deletion in layers; rename it")
        if (stats.isDirectory()) {
          yield* this.#add(this.#header(stats, "directory", `${prefix}${name}/`))
          yield* this.folder(openFolder(own), `${prefix}${name}/`, shown, `${place}/`)
        } else if (stats.isSymbolicLink()) {
          const link = fs.readlinkSync(own, { encoding: "buffer" })
          yield* this.#add(this.#header(stats, "symlink", `${prefix}${name}`, { link, mode: 0o777 }))
        } else if (stats.isFile()) yield* this.#file(own, stats, `${prefix}${name}`, shown)
        else throw new Unfit(shown, `${kindOf(stats)}; no layer is made of that`)
      }
    } finally {
      folder.close()
    }
  }

  /** A folder that is left out is in the tar only where something in it is brought back. */
  *#perhaps(
    stats: fs.BigIntStats,
    own: string,
    prefix: string,
    name: string,
    shown: string,
    place: string
  ): Generator<Uint8Array, void> {
    this.#open.push(this.#header(stats, "directory", `${prefix}${name}/`))
    const depth = this.#open.length
    yield* this.folder(openFolder(own), `${prefix}${name}/`, shown, `${place}/`)
    // Taken already where something was in it.
    if (this.#open.length === depth) this.#open.pop()
  }

  *#add(header: Uint8Array): Generator<Uint8Array, void> {
    for (const folder of this.#open.splice(0)) yield* this.#gathered.add(folder)
    yield* this.#gathered.add(header)
  }

  #header(
    { gid, mode, mtimeMs, uid }: fs.BigIntStats,
    type: TarFile["type"],
    name: string,
    more: Partial<TarFile> = {}
  ): Uint8Array {
    const { latest = Number.POSITIVE_INFINITY, owners = false } = this.#options
    return tarHeader({
      type,
      name: Buffer.from(name),
      mode: Number(mode) & 0o7777,
      uid: owners ? Number(uid) : 0,
      gid: owners ? Number(gid) : 0,
      mtime: Math.min(latest, Math.floor(Number(mtimeMs) / 1000)),
      size: 0,
      ...more
    })
  }

  *#file(path: string, stats: fs.BigIntStats, name: string, told: string): Generator<Uint8Array, void> {
    if (stats.nlink > 1n) {
      const key = `${stats.dev}:${stats.ino}`
      const first = this.#names.get(key)
      if (first !== undefined) {
        yield* this.#add(this.#header(stats, "hardlink", name, { link: Buffer.from(first) }))
        return
      }
      this.#names.set(key, name)
    }
    const fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    try {
      const opened = fs.fstatSync(fd, { bigint: true })
      if (!isSame(stats, opened)) throw new Unfit(told, changed)
      const size = Number(opened.size)
      yield* this.#add(this.#header(opened, "file", name, { size }))
      for (let left = size; left > 0;) {
        const count = this.#gathered.read(fd, left)
        if (count === 0) throw new Unfit(told, changed)
        left -= count
        if (this.#gathered.isFull) yield* this.#gathered.rest()
      }
      if (!isSame(opened, fs.fstatSync(fd, { bigint: true }))) throw new Unfit(told, changed)
      yield* this.#gathered.add(tarPadding(size))
    } finally {
      fs.closeSync(fd)
    }
  }
}

const changed = "changed while it was read; try again when it is at rest"

const isSame = (one: fs.BigIntStats, other: fs.BigIntStats): boolean =>
  one.ino === other.ino && one.dev === other.dev && one.size === other.size && one.mtimeNs === other.mtimeNs &&
  one.mode === other.mode

/** Names in the order of their bytes. */
const namesIn = ({ path }: OpenFolder, told: string): ReadonlyArray<string> =>
  fs.readdirSync(path, { encoding: "buffer" }).toSorted((one, other) => Buffer.compare(one, other)).map((bytes) => {
    const name = bytes.toString("utf8")
    if (!Buffer.from(name).equals(bytes)) {
      throw new Unfit(`${told}/${name}`, "has a name that is no UTF-8, which tools read in several ways; rename it")
    }
    return name
  })

const kindOf = (stats: fs.BigIntStats): string =>
  stats.isSocket()
    ? "is a socket"
    : stats.isFIFO()
    ? "is a pipe"
    : stats.isCharacterDevice() || stats.isBlockDevice()
    ? "is a device"
    : "is no file"
