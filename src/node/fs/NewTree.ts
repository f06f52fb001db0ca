/**
 * Writes new files below a folder, and never anywhere else, whatever names and links it is given and whatever others do
 * there meanwhile: each folder is opened through the one above it, following no link, and held while it is written to.
 * Nothing that is there is replaced. Synchronous, since each call is short.
 */
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { errnoOf } from "../../oci/errno.ts"
import { FsError } from "./LayoutFs.ts"

/** `O_PATH` of Linux, which Node does not tell. */
const openPath = 0o10_000_000

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = fs.constants

/** Folders that are held at most. */
const mostFolders = 64

/** What a file or folder is to be; what is left out stays as it was made. */
export interface Attributes {
  readonly mode: number
  /** Seconds since 1970. */
  readonly mtime?: number | undefined
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined
}

/** A path below the folder, as the bytes of its parts. */
export type TreePath = ReadonlyArray<Buffer>

interface Held {
  readonly fd: number
  /** Its path: through its number where the system has such paths, which lead to it wherever it is. */
  readonly path: Buffer
  readonly identity: fs.BigIntStats
  /** Calls that go through it now: until they are done it stays open. */
  users: number
}

const keyOf = (path: TreePath): string => path.map((part) => part.toString("latin1")).join("/")

const slash = Buffer.from("/")

const below = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, slash, name])

export class NewTree {
  readonly #directory: string
  readonly #root: Held
  readonly #isHeld: boolean
  /** By path, the one not used for longest first. */
  readonly #folders = new Map<string, Held>()

  /**
   * Opens the folder, which is made where it is missing; a link to it is followed now, and never again.
   *
   * @param holds whether the system may have paths through open folders, which is then tried
   * @throws FsError
   */
  constructor(directory: string, holds: boolean = process.platform === "linux") {
    this.#directory = directory
    this.#root = this.#attempt("open", [], () => {
      fs.mkdirSync(directory, { recursive: true })
      const fd = fs.openSync(directory, (holds ? openPath : O_RDONLY) | O_DIRECTORY)
      return { fd, path: Buffer.from(directory), identity: fs.fstatSync(fd, { bigint: true }), users: 0 }
    })
    const held = Buffer.from(`/proc/self/fd/${this.#root.fd}`)
    this.#isHeld = holds && isSame(this.#root.identity, fs.statSync(held, { bigint: true, throwIfNoEntry: false }))
    if (this.#isHeld) this.#root = { ...this.#root, path: held }
  }

  /** A call whose failure tells the path below the folder. */
  #attempt<A>(operation: string, path: TreePath, run: () => A): A {
    try {
      return run()
    } catch (cause) {
      if (cause instanceof FsError) throw cause
      const shown = [this.#directory, ...path.map(String)].join("/")
      // The system's own words have the number of the folder in them.
      throw new FsError({
        operation,
        path: shown,
        code: errnoOf(cause) ?? "UNKNOWN",
        cause: new Error(`${operation}: ${errnoOf(cause)}`)
      })
    }
  }

  /** A folder, opened through those above it. */
  #open(path: TreePath): Held {
    const name = path.at(-1)
    if (name === undefined) return this.#inPlace(this.#root, path)
    const key = keyOf(path)
    const known = this.#folders.get(key)
    if (known !== undefined) {
      this.#folders.delete(key)
      this.#folders.set(key, known)
      return this.#inPlace(known, path)
    }
    const above = this.#open(path.slice(0, -1))
    const opened = this.#attempt("open", path, () => {
      const there = below(above.path, name)
      const fd = openFolder(there, this.#isHeld ? openPath : O_RDONLY)
      const held = this.#isHeld ? Buffer.from(`/proc/self/fd/${fd}`) : there
      return { fd, path: held, identity: fs.fstatSync(fd, { bigint: true }), users: 0 }
    })
    this.#folders.set(key, opened)
    this.#makeRoom(opened)
    return opened
  }

  #makeRoom(needed: Held): void {
    for (const [oldest, held] of this.#folders) {
      if (this.#folders.size <= mostFolders) return
      if (held.users > 0 || held === needed) continue
      fs.closeSync(held.fd)
      this.#folders.delete(oldest)
    }
  }

  /** Without paths through open folders, the path has to lead to the very folder still. */
  #inPlace(folder: Held, path: TreePath): Held {
    if (this.#isHeld) return folder
    this.#attempt("open", path, () => {
      const still = fs.lstatSync(folder.path, { bigint: true, throwIfNoEntry: false })
      const isLinkedRoot = path.length === 0 && still?.isSymbolicLink() === true
      const now = isLinkedRoot ? fs.statSync(folder.path, { bigint: true, throwIfNoEntry: false }) : still
      if (!isSame(folder.identity, now)) throw Object.assign(new Error("replaced"), { code: "ELOOP" })
    })
    return folder
  }

  #place(path: TreePath): { readonly folder: Held; readonly at: Buffer } {
    const name = path.at(-1)
    if (name === undefined || isNoName(name)) {
      throw new FsError({ operation: "open", path: this.#directory, code: "EINVAL", cause: new Error("no name") })
    }
    const folder = this.#open(path.slice(0, -1))
    return { folder, at: below(folder.path, name) }
  }

  /**
   * Makes a folder; false where there is one.
   *
   * @param mode what the umask is taken from; by default only its user can enter it until `finishFolder`
   */
  folder(path: TreePath, mode = 0o700): boolean {
    const { at } = this.#place(path)
    return this.#attempt("mkdir", path, () => {
      try {
        fs.mkdirSync(at, { mode })
        return true
      } catch (cause) {
        if (errnoOf(cause) !== "EEXIST" || !fs.lstatSync(at).isDirectory()) throw cause
        return false
      }
    })
  }

  /** What a folder is to be, once all is in it. */
  finishFolder(path: TreePath, attributes: Attributes): void {
    const folder = this.#open(path)
    this.#attempt("chmod", path, () => {
      if (!this.#isHeld) return setAttributes(folder.fd, attributes)
      // What was opened for its path alone takes no attributes.
      const fd = fs.openSync(below(folder.path, Buffer.from(".")), O_RDONLY | O_DIRECTORY)
      try {
        setAttributes(fd, attributes)
      } finally {
        fs.closeSync(fd)
      }
    })
  }

  /** @throws FsError with `EEXIST` where there is something */
  link(path: TreePath, target: Buffer, { mtime, owner }: Omit<Attributes, "mode">): void {
    const { at } = this.#place(path)
    this.#attempt("symlink", path, () => {
      fs.symlinkSync(target, at)
      if (owner !== undefined) fs.lchownSync(at, owner.uid, owner.gid)
      if (mtime !== undefined) fs.lutimesSync(at, mtime, mtime)
    })
  }

  /** A second name for a file that this has made. */
  name(from: TreePath, to: TreePath): void {
    const one = this.#place(from)
    one.folder.users++
    try {
      const other = this.#place(to)
      this.#attempt("link", to, () => fs.linkSync(one.at, other.at))
    } finally {
      one.folder.users--
    }
  }

  /**
   * Begins a file, which has its name only when it is finished.
   *
   * @param mode what the umask is taken from; by default only its user can read it until `finish`
   */
  file(path: TreePath, mode = 0o600): NewFile {
    const { folder, at } = this.#place(path)
    const temporary = below(folder.path, Buffer.from(`.ocilayout-${randomBytes(8).toString("hex")}`))
    const fd = this.#attempt(
      "open",
      path,
      () => fs.openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode)
    )
    const attempt = <A>(operation: string, run: () => A): A => this.#attempt(operation, path, run)
    folder.users++
    const end = (): void => {
      folder.users--
      fs.closeSync(fd)
      fs.unlinkSync(temporary)
    }
    return {
      write: (bytes) =>
        attempt("write", () => {
          for (let written = 0; written < bytes.length;) written += fs.writeSync(fd, bytes, written)
        }),
      finish: (attributes) =>
        attempt("link", () => {
          try {
            if (attributes !== undefined) setAttributes(fd, attributes)
            fs.linkSync(temporary, at)
          } finally {
            end()
          }
        }),
      discard: () => attempt("unlink", end)
    }
  }

  close(): void {
    for (const { fd } of [this.#root, ...this.#folders.values()]) fs.closeSync(fd)
    this.#folders.clear()
  }
}

/** A file that has no name yet. One of `finish` and `discard` ends it. */
export interface NewFile {
  readonly write: (bytes: Uint8Array) => void
  /** Without attributes it stays as it was made. */
  readonly finish: (attributes?: Attributes) => void
  readonly discard: () => void
}

/** What was a folder a moment ago and is none now has made room for a link. */
const openFolder = (path: Buffer, how: number): number => {
  try {
    return fs.openSync(path, how | O_DIRECTORY | O_NOFOLLOW)
  } catch (cause) {
    throw errnoOf(cause) === "ENOTDIR" ? Object.assign(new Error("a link"), { code: "ELOOP" }) : cause
  }
}

const setAttributes = (fd: number, { mode, mtime, owner }: Attributes): void => {
  if (owner !== undefined) fs.fchownSync(fd, owner.uid, owner.gid)
  // After the owner, whose change takes some bits away.
  fs.fchmodSync(fd, mode)
  if (mtime !== undefined) fs.futimesSync(fd, mtime, mtime)
}

const isNoName = (name: Buffer): boolean =>
  name.length === 0 || name.includes(0x2f) || name.includes(0) || name.equals(Buffer.from(".")) ||
  name.equals(Buffer.from(".."))

const isSame = (one: fs.BigIntStats, other: fs.BigIntStats | undefined): boolean =>
  one.ino === other?.ino && one.dev === other.dev
