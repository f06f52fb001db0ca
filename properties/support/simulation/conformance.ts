/** Draws calls of a `LayoutFs` and carries them out on any, to compare what two of them answer. */
import { Effect, Exit } from "effect"
import fc from "fast-check"
import {
  type FileHandle,
  type FileStat,
  type FolderHandle,
  FsError,
  type LayoutFs
} from "../../../src/node/fs/LayoutFs.ts"

/** A disk under test: paths of calls are below `root`. */
export interface Subject {
  readonly fs: LayoutFs
  readonly root: string
  readonly makeLink: (path: string, target: string) => void
}

const names = ["a", "b", "d", "d/a", "d/b", "d/e", "d/e/a", "l", "d/l", "a/x", "nowhere/a"]
const path = fc.constantFrom(...names)
const slot = fc.nat({ max: 2 })
const position = fc.constantFrom(0, 1, 5, 600)

const stat = ({ kind, mode, size }: FileStat) => ({ kind, mode, ...(kind === "file" ? { size } : {}) })

const drawn = fc.oneof(
  fc.record({
    call: fc.constant("open"),
    path,
    slot,
    access: fc.constantFrom<Array<"read" | "update" | "create" | "lock">>("read", "update", "create", "create", "lock"),
    follow: fc.boolean()
  }),
  fc.record({ call: fc.constant("openFolder"), path, links: fc.boolean() }),
  fc.record({ call: fc.constant("close"), slot }),
  fc.record({ call: fc.constant("read"), slot, position, length: fc.constantFrom(0, 3, 700) }),
  fc.record({ call: fc.constant("write"), slot, position, text: fc.constantFrom("", "xyz", "longer than that") }),
  fc.record({ call: fc.constant("truncate"), slot, size: position }),
  fc.record({ call: fc.constant("setMode"), slot, mode: fc.constantFrom(0o600, 0o755) }),
  fc.record({ call: fc.constantFrom("fstat", "sync", "dataSync", "tryLock"), slot }),
  fc.record({
    call: fc.constantFrom(
      "stat",
      "linkStat",
      "glance",
      "realPath",
      "readDirectory",
      "removeDirectory",
      "unlink",
      "syncDirectory"
    ),
    path
  }),
  fc.record({ call: fc.constant("makeDirectory"), path, mode: fc.constantFrom<Array<number>>(0o700, 0o777) }),
  fc.record({ call: fc.constantFrom("link", "rename", "rename", "exchange"), from: path, to: path }),
  fc.record({ call: fc.constant("symlink"), path, target: fc.constantFrom("a", "d", "../a", "l", "nowhere", "/d") })
)

type Call = typeof drawn extends fc.Arbitrary<infer A> ? A : never

/** A sequence of calls that has something to work on. */
export const calls: fc.Arbitrary<ReadonlyArray<Call>> = fc.array(drawn, { minLength: 1, maxLength: 60, size: "max" })
  .map((calls) => [{ call: "makeDirectory", path: "d", mode: 0o755 }, ...calls])

/** Carries out calls in order; answers what each gave, or its error code. */
export const carryOut = async (subject: Subject, all: ReadonlyArray<Call>): Promise<ReadonlyArray<unknown>> => {
  const slots: Array<FileHandle | undefined> = []
  const answers: Array<unknown> = []
  for (const call of all) answers.push(await answerTo(subject, slots, call))
  for (const handle of slots) if (handle !== undefined) await Effect.runPromise(handle.close)
  answers.push(await tree(subject))
  return answers
}

const answerTo = async (
  subject: Subject,
  slots: Array<FileHandle | undefined>,
  call: Call
): Promise<unknown> => {
  const exit = await Effect.runPromiseExit(effectOf(subject, slots, call))
  if (Exit.isSuccess(exit)) return { ...call, ok: exit.value }
  const [reason] = exit.cause.reasons
  if (reason?._tag === "Fail" && reason.error instanceof FsError) return { ...call, code: reason.error.code }
  throw new Error("no error of the port", { cause: reason })
}

const effectOf = (
  { fs, makeLink, root }: Subject,
  slots: Array<FileHandle | undefined>,
  call: Call
): Effect.Effect<unknown, FsError> => {
  const at = (name: string): string => `${root}/${name}`
  const on = (slot: number, use: (handle: FileHandle) => Effect.Effect<unknown, FsError>) => {
    const handle = slots[slot]
    return handle === undefined ? Effect.void : use(handle)
  }
  if ("slot" in call) {
    if ("access" in call) {
      if (slots[call.slot] !== undefined) return Effect.void
      return Effect.map(fs.openHandle(at(call.path), call), (handle) => {
        slots[call.slot] = handle
      })
    }
    if ("length" in call) {
      const target = new Uint8Array(call.length)
      return on(
        call.slot,
        (handle) => Effect.map(handle.read(target, call.position), (count) => [count, Buffer.from(target).toString()])
      )
    }
    if ("text" in call) return on(call.slot, (handle) => handle.write(Buffer.from(call.text), call.position))
    if ("size" in call) return on(call.slot, (handle) => handle.truncate(call.size))
    if ("mode" in call) return on(call.slot, (handle) => handle.setMode(call.mode))
    return on(call.slot, (handle) => {
      switch (call.call) {
        case "fstat":
          return Effect.map(handle.stat, stat)
        case "sync":
          return handle.sync
        case "dataSync":
          return handle.dataSync
        case "tryLock":
          return handle.tryLock
        default:
          slots[call.slot] = undefined
          return handle.close
      }
    })
  }
  if ("links" in call) {
    return Effect.flatMap(
      fs.openFolder(at(call.path), call.links),
      (folder) =>
        folder === undefined ? Effect.succeed("nothing") : Effect.ensuring(within(fs, folder, root), folder.close)
    )
  }
  if ("target" in call) {
    return Effect.try({
      try: () => makeLink(at(call.path), call.target.startsWith("/") ? root + call.target : call.target),
      catch: (cause) =>
        new FsError({ operation: "symlink", path: call.path, code: (cause as NodeJS.ErrnoException).code ?? "", cause })
    })
  }
  if ("from" in call) {
    const move = call.call === "link" ? fs.link : call.call === "rename" ? fs.rename : fs.exchange
    return move(at(call.from), at(call.to))
  }
  if ("mode" in call) return fs.makeDirectory(at(call.path), call.mode)
  switch (call.call) {
    case "stat":
      return Effect.map(fs.stat(at(call.path)), stat)
    case "linkStat":
      return Effect.map(fs.linkStat(at(call.path)), stat)
    case "glance":
      return Effect.sync(() => {
        const found = fs.glance(at(call.path))
        return found && stat(found)
      })
    case "realPath":
      return Effect.map(fs.realPath(at(call.path)), (path) => path.slice(root.length))
    case "readDirectory":
      return Effect.map(fs.readDirectory(at(call.path)), (names) => names.toSorted())
    case "removeDirectory":
      return fs.removeDirectory(at(call.path))
    case "unlink":
      return fs.unlink(at(call.path))
    default:
      return fs.syncDirectory(at(call.path))
  }
}

/** What a folder that is held tells, and whether what it holds is reached when its path leads nowhere any more. */
const within = Effect.fnUntraced(function*(
  fs: LayoutFs,
  folder: FolderHandle,
  root: string
): Effect.fn.Return<unknown, FsError> {
  const names = (yield* fs.readDirectory(folder.at(""))).toSorted()
  const found = yield* fs.linkStats(["a", "b/x"].map(folder.at))
  yield* fs.rename(root, `${root}.moved`)
  const moved = [folder.isInPlace(), (yield* fs.readDirectory(folder.at(""))).toSorted()]
  yield* fs.rename(`${root}.moved`, root)
  return [folder.path.slice(root.length), names, found.map((one) => one && stat(one)), moved, folder.isInPlace()]
})

/** Every name below the root, with what it leads to and which other names lead to the same. */
const tree = async ({ fs, root }: Subject): Promise<ReadonlyArray<unknown>> => {
  const first = new Map<bigint, string>()
  const visit = (path: string): Effect.Effect<ReadonlyArray<unknown>, FsError> =>
    Effect.gen(function*() {
      const found = yield* fs.linkStat(root + path)
      const same = first.get(found.ino) ?? path
      first.set(found.ino, same)
      if (found.kind !== "directory") return [{ path, same, ...stat(found) }]
      const below: Array<unknown> = [{ path, ...stat(found) }]
      for (const name of (yield* fs.readDirectory(root + path)).toSorted()) {
        below.push(...(yield* visit(`${path}/${name}`)))
      }
      return below
    })
  return await Effect.runPromise(visit(""))
}
