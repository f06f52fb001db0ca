/** A machine with a simulated disk: processes that share it, a clock, calls that can fail, and a look before each. */
import { type Clock, Duration, Effect } from "effect"
import { heldPath } from "../../../src/node/fs/heldPaths.ts"
import {
  type FileHandle,
  type FileStat,
  type FolderHandle,
  FsError,
  type LayoutFs,
  type OpenFlags
} from "../../../src/node/fs/LayoutFs.ts"
import { linkStatsBy } from "../../../test/support/linkStats.ts"
import * as disks from "./Disk.ts"
import { Code, type Disk } from "./Disk.ts"
import { type Rights, rightsOf, setGid, superuser, type User } from "./rights.ts"
import type { ToolFs } from "./ToolFs.ts"

/** A call of a process, before it happens. */
export interface Call {
  readonly operation: string
  readonly path: string
  /** The process that calls. */
  readonly process: number
}

/** How a call fails instead of doing its work; `torn` does half of a write, `done` all of the work. */
export interface Fault {
  readonly code: string
  readonly form: "refused" | "torn" | "done"
}

export interface MachineOptions {
  /** How coarse the times of files are, in nanoseconds. */
  readonly tickNs?: bigint
  /** Operations that this file system does not have, by the code they fail with. */
  readonly lacking?: Readonly<Record<string, string>>
  /** See `LayoutFs.ordersNames`; not by default. Its power cuts are `ordered`. */
  readonly ordersNames?: boolean
  /** Asked before every call; a fault happens in its place. */
  readonly before?: (call: Call) => Fault | undefined
  /** Whether another fiber may run before every call. */
  readonly yielding?: boolean
  /** What happens to the end before a call does. */
  readonly between?: (call: Call) => Effect.Effect<void>
}

/** A folder that is held open. */
interface Folder {
  readonly process: number
  readonly node: number
  readonly path: string
}

/** An open file. It keeps its node, whatever becomes of its names. */
interface Opened {
  readonly process: number
  readonly node: number
  readonly access: OpenFlags["access"]
}

interface Waiting {
  readonly opened: Opened
  readonly grant: () => void
}

/** A path that goes through a folder that is held, as its beginning. */
const heldForm = new RegExp(`^${heldPath(0).slice(0, -1)}\\d+`, "u")

/** What the system tells of the kind of a file in its mode. */
const kindBits = { file: 0o100000, directory: 0o040000, link: 0o120000 } as const

/** Between two calls, so that times differ where the clock is fine. */
const callNs = 1000n

/** Waiting for longer than this is for what may never happen: only `advance` ends it. */
const patienceMillis = 5000

export class Machine {
  disk: Disk
  nowNs: bigint
  readonly #options: MachineOptions
  readonly #opened = new Set<Opened>()
  /** By the paths that lead through them. */
  readonly #folders = new Map<string, Folder>()
  #numbers = 0
  readonly #dead = new Set<number>()
  readonly #locks = new Map<number, Opened>()
  #waiting: ReadonlyArray<Waiting> = []
  #sleeping: ReadonlyArray<{ readonly until: bigint; readonly wake: () => void }> = []
  #processes = 0

  constructor(options: MachineOptions = {}, disk?: Disk, nowNs = 1_700_000_000_000_000_000n) {
    this.#options = options
    this.nowNs = nowNs
    this.disk = disk ?? disks.emptyDisk(nowNs)
  }

  /** Files that are open. */
  get open(): number {
    return this.#opened.size
  }

  /** Folders that are held open. */
  get folders(): number {
    return this.#folders.size
  }

  /** What lies behind files and folders that are open. */
  get reached(): ReadonlyArray<number> {
    return [...this.#nodes(), ...Array.from(this.#folders.values(), ({ node }) => node)]
  }

  /** Locks that are held. */
  get locked(): number {
    return this.#locks.size
  }

  readonly clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => Number(this.nowNs / 1_000_000n),
    currentTimeMillis: Effect.sync(() => Number(this.nowNs / 1_000_000n)),
    currentTimeNanosUnsafe: () => this.nowNs,
    currentTimeNanos: Effect.sync(() => this.nowNs),
    monotonicTimeNanosUnsafe: () => this.nowNs,
    monotonicTimeNanos: Effect.sync(() => this.nowNs),
    sleep: (duration) => {
      const millis = Duration.toMillis(duration)
      return millis <= patienceMillis
        ? Effect.andThen(Effect.sync(() => this.advance(millis)), Effect.yieldNow)
        : Effect.callback((resume) => {
          const sleeper = {
            until: this.nowNs + BigInt(Math.ceil(millis)) * 1_000_000n,
            wake: () => resume(Effect.void)
          }
          this.#sleeping = [...this.#sleeping, sleeper]
          return Effect.sync(() => {
            this.#sleeping = this.#sleeping.filter((other) => other !== sleeper)
          })
        })
    }
  }

  /** Lets time pass. */
  advance(millis: number): void {
    this.nowNs += BigInt(Math.ceil(millis)) * 1_000_000n
    const woken = this.#sleeping.filter(({ until }) => until <= this.nowNs)
    this.#sleeping = this.#sleeping.filter((sleeper) => !woken.includes(sleeper))
    for (const { wake } of woken) wake()
  }

  /** The machine as it is after a crash, its processes gone. */
  crashed(kind: disks.Crash, chance: disks.Chance, options = this.#options): Machine {
    return new Machine(options, disks.crash(this.disk, kind, chance), this.nowNs)
  }

  /** The death of a process: its files are closed, its locks free, and its calls never return. */
  kill(process: number): void {
    this.#dead.add(process)
    for (const opened of this.#opened) if (opened.process === process) this.#close(opened)
    for (const [held, folder] of this.#folders) if (folder.process === process) this.#folders.delete(held)
  }

  /** Makes what a program needs that does not go through the port. */
  prepare(act: (disk: Disk, nowNs: bigint) => Disk): void {
    this.disk = act(this.disk, this.nowNs)
  }

  /** A file system for one more process. */
  process(user: User = superuser): { readonly fs: ToolFs; readonly id: number } {
    const id = this.#processes++
    return { fs: this.#fileSystem(id, user), id }
  }

  #fileSystem(process: number, user: User): ToolFs {
    const rights = rightsOf(user)
    /** As the user may go there. */
    const find = (path: string, follow: boolean): disks.Place => this.#find(path, follow, rights.enter)
    const make = (nowNs: bigint, place: disks.Place, made: { kind: "file" | "directory"; mode: number }): void => {
      if (place.node !== undefined) return disks.fail("EEXIST")
      const { gid, mode } = disks.nodeAt(this.disk, place.directory)
      rights.change(this.disk, place)
      const isShared = (mode & setGid) !== 0
      this.disk = disks.create(this.disk, nowNs, place, {
        kind: made.kind,
        mode: (made.mode & ~user.umask) | (isShared && made.kind === "directory" ? setGid : 0),
        uid: user.uid,
        gid: isShared ? gid : user.gid
      }, this.#nodes())
    }
    /** Lets names lead elsewhere, in folders that the user may change. */
    const rename = (nowNs: bigint, paths: ReadonlyArray<string>, nodes: ReadonlyArray<number | undefined>): void => {
      for (const path of paths) rights.change(this.disk, find(path, false))
      this.#rename(nowNs, paths, nodes)
    }
    const call = <A>(
      operation: string,
      path: string,
      act: (nowNs: bigint) => A,
      torn: (nowNs: bigint) => unknown = () => undefined
    ): Effect.Effect<A, FsError> =>
      this.#called({ operation, path: this.#told(path), process }, (nowNs) => {
        const code = this.#options.lacking?.[operation]
        return code === undefined ? act(nowNs) : disks.fail(code)
      }, torn)

    const openHandle: LayoutFs["openHandle"] = (path, { access, follow = false }, mode = 0o644) =>
      call(`open(${access})`, path, (nowNs) => {
        // What makes a new file follows no link in its place.
        const place = find(path, follow && access !== "create")
        const makes = access === "create" || (access === "lock" && place.node === undefined)
        if (access === "create" && place.name === "") return disks.fail("EEXIST")
        if (makes) {
          make(nowNs, place, { kind: "file", mode })
        }
        const node = place.node ?? find(path, follow).node
        if (node === undefined) return disks.fail("ENOENT")
        const { kind } = disks.nodeAt(this.disk, node)
        if (!makes && kind !== "link") rights.open(this.disk, node, access)
        if (kind === "link") return disks.fail("ELOOP")
        if (kind === "directory" && access !== "read") return disks.fail("EISDIR")
        const opened: Opened = { process, node, access }
        this.#opened.add(opened)
        return opened
      }).pipe(
        // What was opened by a call that says it failed, no caller could close.
        Effect.map((opened) => this.#handle(opened, this.#told(path), rights, call))
      )

    const openFolder: LayoutFs["openFolder"] = (path, follow) =>
      call("open(folder)", path, () => {
        const node = this.#findAny(path, follow, rights.enter)
        if (node === undefined) return undefined
        const { kind } = disks.nodeAt(this.disk, node)
        if (kind !== "directory") return disks.fail(kind === "link" ? "ELOOP" : "ENOTDIR")
        return this.#hold({ process, node, path: this.#told(path) }, follow)
      })

    const overwrite: ToolFs["overwrite"] = (path, mode = 0o644) =>
      Effect.acquireRelease(
        call("open(overwrite)", path, (nowNs): Opened => {
          const place = find(path, true)
          if (place.node === undefined) {
            make(nowNs, place, { kind: "file", mode })
          }
          const node = find(path, true).node ?? disks.fail("ENOENT")
          if (place.node !== undefined) rights.open(this.disk, node, "update")
          this.disk = disks.truncate(this.disk, nowNs, node, 0)
          const opened: Opened = { process, node, access: "update" }
          this.#opened.add(opened)
          return opened
        }).pipe(Effect.map((opened) => this.#handle(opened, path, rights, call))),
        ({ close }) => close
      )

    const at = (path: string, follow: boolean): number => find(path, follow).node ?? disks.fail("ENOENT")

    const linkStat: LayoutFs["linkStat"] = (path) => call("stat", path, () => this.#stat(at(path, false)))

    return {
      nativeLock: Effect.succeed(true),
      // Watchers are told of nothing: each has to look for itself.
      watch: () => Effect.void,
      openHandle,
      openFolder,
      open: (path, flags, mode) => Effect.acquireRelease(openHandle(path, flags, mode), ({ close }) => close),
      overwrite,
      setTime: (path, mtimeNs) =>
        call("utime", path, (nowNs) => {
          const node = at(path, true)
          rights.own(this.disk, node)
          this.disk = disks.withNode(this.disk, node, { ...disks.nodeAt(this.disk, node), mtimeNs, ctimeNs: nowNs })
        }),
      stat: (path) => call("stat", path, () => this.#stat(at(path, true))),
      linkStat,
      linkStats: linkStatsBy(linkStat),
      glance: (path) => {
        try {
          return this.#stat(at(path, false))
        } catch (error) {
          if (error instanceof Code) return undefined
          throw error
        }
      },
      ordersNames: () => Effect.succeed(this.#options.ordersNames ?? false),
      tellsEveryChange: () => Effect.succeed((this.#options.tickNs ?? 1n) <= callNs),
      realPath: (path) =>
        call("realpath", path, () => {
          const { node, path: real } = find(path, true)
          return node === undefined ? disks.fail("ENOENT") : real
        }),
      readDirectory: (path) =>
        call("readdir", path, () => {
          const id = at(path, true)
          const node = disks.nodeAt(this.disk, id)
          rights.open(this.disk, id, "read")
          return node.kind === "directory" ? Array.from(node.entries.keys()) : disks.fail("ENOTDIR")
        }),
      makeDirectory: (path, mode) =>
        call("mkdir", path, (nowNs) => {
          make(nowNs, find(path, false), { kind: "directory", mode })
        }),
      removeDirectory: (path) =>
        call("rmdir", path, (nowNs) => {
          const node = disks.nodeAt(this.disk, at(path, false))
          if (node.kind !== "directory") return disks.fail("ENOTDIR")
          if (node.entries.size > 0) return disks.fail("ENOTEMPTY")
          rename(nowNs, [path], [undefined])
        }),
      link: (from, to) =>
        call("link", to, (nowNs) => {
          const node = at(from, false)
          if (find(to, false).node !== undefined) return disks.fail("EEXIST")
          if (disks.nodeAt(this.disk, node).kind === "directory") return disks.fail("EPERM")
          rights.link(this.disk, node)
          rename(nowNs, [to], [node])
        }),
      rename: (from, to) =>
        call("rename", to, (nowNs) => {
          const { directory: source, node } = find(from, false)
          const { directory, node: target } = find(to, false)
          if (node === undefined) return disks.fail("ENOENT")
          if (node === target) return
          if (disks.isWithin(this.disk, directory, node)) return disks.fail("EINVAL")
          if (target !== undefined && disks.isWithin(this.disk, source, target)) return disks.fail("ENOTEMPTY")
          this.#replaceable(node, target)
          rename(nowNs, [from, to], [undefined, node])
        }),
      exchange: (a, b) =>
        call("exchange", b, (nowNs) => {
          // Both folders are looked for before what is in them.
          const [first, second] = [find(a, false), find(b, false)]
          const [one, other] = [first.node, second.node]
          if (one === undefined || other === undefined) return disks.fail("ENOENT")
          if (one === other) return
          if (disks.isWithin(this.disk, first.directory, other) || disks.isWithin(this.disk, second.directory, one)) {
            return disks.fail("EINVAL")
          }
          rename(nowNs, [a, b], [other, one])
        }),
      unlink: (path) =>
        call("unlink", path, (nowNs) => {
          if (disks.nodeAt(this.disk, at(path, false)).kind === "directory") return disks.fail("EISDIR")
          rename(nowNs, [path], [undefined])
        }),
      syncDirectory: (path) =>
        call("syncdir", path, () => {
          const node = at(path, true)
          rights.open(this.disk, node, "read")
          this.disk = disks.sync(this.disk, node, this.#options.ordersNames)
        })
    }
  }

  /** Where a path leads; one through a folder that is held begins there, as long as that is anywhere. */
  #find(path: string, follow: boolean, enter?: disks.Enter): disks.Place {
    const held = heldForm.exec(path)?.[0]
    const folder = held === undefined ? undefined : this.#folders.get(held)
    if (held === undefined || folder === undefined) return disks.find(this.disk, path, follow, enter)
    const place = disks.pathOf(this.disk, folder.node) ?? disks.fail("ENOENT")
    return disks.find(this.disk, path.slice(held.length), follow, enter, { node: folder.node, path: place })
  }

  /** Nothing also where a part of the path is not there, or a file. */
  #findAny(path: string, follow: boolean, enter?: disks.Enter, isLinkNothing = false): number | undefined {
    try {
      return this.#find(path, follow, enter).node
    } catch (error) {
      const codes = ["ENOENT", "ENOTDIR", ...(isLinkNothing ? ["ELOOP"] : [])]
      if (error instanceof Code && codes.includes(error.code)) return undefined
      throw error
    }
  }

  #told(path: string): string {
    return path.replace(heldForm, (held) => this.#folders.get(held)?.path ?? held)
  }

  #hold(folder: Folder, follow: boolean): FolderHandle {
    const held = heldPath(this.#numbers++)
    this.#folders.set(held, folder)
    return {
      path: folder.path,
      isHeld: true,
      at: (name) => name === "" ? held : `${held}/${name}`,
      // No call of its own: what happens right after it is what the next call has to be safe from.
      isInPlace: () => this.#findAny(folder.path, follow, undefined, true) === folder.node,
      close: Effect.sync(() => void this.#folders.delete(held))
    }
  }

  #handle(
    opened: Opened,
    path: string,
    rights: Rights,
    call: <A>(
      operation: string,
      path: string,
      act: (nowNs: bigint) => A,
      torn?: (nowNs: bigint) => unknown
    ) => Effect.Effect<A, FsError>
  ): FileHandle {
    const { access, node } = opened
    const canRead = access !== "create"
    const canWrite = access !== "read"
    const file = () => {
      const found = disks.nodeAt(this.disk, node)
      return found.kind === "file" ? found : disks.fail("EISDIR")
    }
    const write = (bytes: Uint8Array, position: number) => (nowNs: bigint): void => {
      if (bytes.length > 0 && !canWrite) disks.fail("EBADF")
      if (bytes.length > 0) this.disk = disks.write(this.disk, nowNs, node, bytes, position)
    }
    const sync = call("sync", path, () => void (this.disk = disks.sync(this.disk, node)))
    return {
      stat: call("fstat", path, () => this.#stat(node)),
      read: (target, position) =>
        call("read", path, () => {
          if (target.length === 0) return 0
          if (!canRead) return disks.fail("EBADF")
          const bytes = file().content.subarray(position, position + target.length)
          target.set(bytes)
          return bytes.length
        }),
      write: (bytes, position) =>
        call("write", path, write(bytes, position), write(bytes.subarray(0, bytes.length >> 1), position)),
      truncate: (size) =>
        call("truncate", path, (nowNs) => {
          if (!canWrite) return disks.fail("EINVAL")
          this.disk = disks.truncate(this.disk, nowNs, node, size)
        }),
      setOwner: (uid, gid) =>
        call("chown", path, (nowNs) => {
          rights.give(this.disk, node, { uid, gid })
          this.disk = disks.withNode(this.disk, node, { ...disks.nodeAt(this.disk, node), uid, gid, ctimeNs: nowNs })
        }),
      setMode: (asked) =>
        call("chmod", path, (nowNs) => {
          const mode = rights.mode(this.disk, node, asked)
          this.disk = disks.withNode(this.disk, node, { ...disks.nodeAt(this.disk, node), mode, ctimeNs: nowNs })
        }),
      sync,
      dataSync: sync,
      tryLock: call("lock", path, () => {
        if (!canWrite) return disks.fail("EBADF")
        if (this.#locks.has(node)) return this.#locks.get(node) === opened
        this.#locks.set(node, opened)
        return true
      }),
      waitForLock: Effect.andThen(
        call("lock", path, () => undefined),
        Effect.callback((resume) => {
          const waiting: Waiting = { opened, grant: () => resume(Effect.void) }
          this.#waiting = [...this.#waiting, waiting]
          this.#grant(node)
          return Effect.sync(() => {
            this.#waiting = this.#waiting.filter((other) => other !== waiting)
          })
        })
      ),
      close: Effect.sync(() => this.#close(opened))
    }
  }

  /** What happens when a process calls: never anything once it is dead. */
  #called<A>(call: Call, act: (nowNs: bigint) => A, torn: (nowNs: bigint) => unknown): Effect.Effect<A, FsError> {
    const { operation, path, process } = call
    const run = Effect.suspend(() => {
      if (this.#dead.has(process)) return Effect.never
      const fault = this.#options.before?.(call)
      if (this.#dead.has(process)) return Effect.never
      this.nowNs += callNs
      const nowNs = this.#tick()
      try {
        if (fault === undefined) return Effect.succeed(act(nowNs))
        if (fault.form === "done") this.#undoOpen(() => act(nowNs))
        if (fault.form === "torn") torn(nowNs)
        return Effect.fail(this.#failed(call, fault.code))
      } catch (error) {
        if (error instanceof Code) return Effect.fail(new FsError({ operation, path, code: error.code, cause: error }))
        throw error
      }
    })
    const { between, yielding } = this.#options
    if (between !== undefined) return Effect.andThen(Effect.suspend(() => between(call)), run)
    return yielding === true ? Effect.andThen(Effect.yieldNow, run) : run
  }

  #failed({ operation, path }: Call, code: string): FsError {
    if (operation === "sync" && code === "EIO") {
      const { node } = this.#find(path, true)
      if (node !== undefined) this.disk = disks.poison(this.disk, node)
    }
    return new FsError({ operation, path, code, cause: new Code(code) })
  }

  /** What a call opened that then says it failed is not the caller's to close. */
  #undoOpen(act: () => unknown): void {
    const before = new Set(this.#opened)
    act()
    for (const opened of this.#opened) if (!before.has(opened)) this.#close(opened)
  }

  #tick(): bigint {
    const { tickNs = 1n } = this.#options
    return this.nowNs - this.nowNs % tickNs
  }

  #nodes(): ReadonlyArray<number> {
    return Array.from(this.#opened, ({ node }) => node)
  }

  #rename(nowNs: bigint, paths: ReadonlyArray<string>, nodes: ReadonlyArray<number | undefined>): void {
    const operation = paths.map((path, at) => {
      const { directory, name } = this.#find(path, false)
      return { directory, name, to: nodes[at] }
    })
    this.disk = disks.change(this.disk, nowNs, operation)
  }

  #replaceable(node: number, target: number | undefined): void {
    if (target === undefined) return
    const from = disks.nodeAt(this.disk, node)
    const to = disks.nodeAt(this.disk, target)
    if (to.kind === "directory" && from.kind !== "directory") disks.fail("EISDIR")
    if (to.kind !== "directory" && from.kind === "directory") disks.fail("ENOTDIR")
    if (to.kind === "directory" && to.entries.size > 0) disks.fail("ENOTEMPTY")
  }

  #close(opened: Opened): void {
    this.#opened.delete(opened)
    this.#waiting = this.#waiting.filter((waiting) => waiting.opened !== opened)
    if (this.#locks.get(opened.node) !== opened) return
    this.#locks.delete(opened.node)
    this.#grant(opened.node)
  }

  #grant(node: number): void {
    const next = this.#waiting.find((waiting) => waiting.opened.node === node)
    if (next === undefined || this.#locks.has(node)) return
    this.#waiting = this.#waiting.filter((waiting) => waiting !== next)
    this.#locks.set(node, next.opened)
    next.grant()
  }

  #stat(id: number): FileStat {
    const node = disks.nodeAt(this.disk, id)
    const { birthNs, ctimeNs, gid, ino, kind, mtimeNs, uid } = node
    const mode = (node.mode & 0o7777) | kindBits[kind]
    const size = node.kind === "file" ? node.content.length : 0
    const links = node.kind === "file" ? node.names : 1
    return { kind, dev: 1n, ino, size, mtimeNs, ctimeNs, birthNs, links, mode, uid, gid }
  }
}
