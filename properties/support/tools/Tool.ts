/**
 * What the models of other tools have in common: how they read, write, empty and replace files. Every call of a file
 * system is a step of its own, so that an interleaver can stop between any two.
 */
import { Effect, type Scope } from "effect"
import { FsError } from "../../../src/node/fs/LayoutFs.ts"
import { digestOf } from "../contents.ts"
import type { ToolFs } from "../simulation/ToolFs.ts"
import { GivenUp } from "./GivenUp.ts"
import type { Blob } from "./images.ts"
import { type Index, parseIndex } from "./indexJson.ts"

/** Where a tool may take its time. */
export type Moment =
  /** It has read what it will build on. */
  | "read"
  /** Everything that the index is going to name is there. */
  | "stored"
  /** A file is emptied, or made, and not filled yet. */
  | "emptied"
  /** It has written its index. */
  | "written"
  /** It knows which blobs it is going to remove. */
  | "listed"

/** What a tool says of itself, so that its work can be judged. */
export type Said =
  /** It has opened the index that it will build on: its work begins. */
  | { readonly _tag: "Opened" }
  /** What the index that it writes next is to say of a name; nothing of it where there is no digest. */
  | { readonly _tag: "Means"; readonly name: string; readonly digest: string | undefined }
  /** It has seen that a blob is there, and will not bring it. */
  | { readonly _tag: "Relies"; readonly digest: string }
  /** It has done what it was asked, and says so. */
  | { readonly _tag: "Done" }

/** What a tool works with. */
export interface Desk {
  readonly fs: ToolFs
  /** The layout. */
  readonly root: string
  readonly pause: (moment: Moment) => Effect.Effect<void>
  readonly say: (said: Said) => void
  /** Digits that no other temporary file has. */
  readonly digits: () => string
  /** Does it while no other tool is at work. */
  readonly alone: <A>(work: Work<A>) => Work<A>
  /** Does it while no tool wants to be alone. */
  readonly together: <A>(work: Work<A>) => Work<A>
}

export type Work<A = void> = Effect.Effect<A, FsError | GivenUp>

const missing = (error: FsError | GivenUp): boolean => error instanceof FsError && error.code === "ENOENT"

/** Nothing in the place of what is not there. */
export const ifThere = <A>(work: Work<A>): Work<A | undefined> =>
  Effect.catchIf(work, missing, () => Effect.succeed(undefined))

export const isThere = ({ fs }: Desk, path: string): Work<boolean> =>
  Effect.map(ifThere(fs.stat(path)), (stat) => stat !== undefined)

/** @param opened told as soon as the file is open: whatever replaces it afterwards is not read */
export const readFile = ({ fs }: Desk, path: string, opened: () => void = () => undefined): Work<Uint8Array> =>
  Effect.scoped(Effect.gen(function*() {
    const handle = yield* fs.open(path, { access: "read" })
    opened()
    const bytes = new Uint8Array((yield* handle.stat).size)
    return bytes.subarray(0, yield* handle.read(bytes, 0))
  }))

export const indexPath = ({ root }: Desk): string => `${root}/index.json`
export const layoutPath = ({ root }: Desk): string => `${root}/oci-layout`
export const blobPath = ({ root }: Desk, digest: string): string => `${root}/blobs/${digest.replace(":", "/")}`

/** The index that a tool builds on. What another tool is in the middle of writing makes it give up. */
export const readIndex = (desk: Desk): Work<Index> =>
  Effect.flatMap(readFile(desk, indexPath(desk), () => desk.say({ _tag: "Opened" })), parseIndex)

/** `oci-layout` has to be whole as well, for those that look at it. */
export const readLayout = (desk: Desk): Work =>
  Effect.flatMap(
    readFile(desk, layoutPath(desk)),
    (bytes) =>
      Buffer.from(bytes).toString().includes("\"imageLayoutVersion\"")
        ? Effect.void
        : new GivenUp({ why: "oci-layout is empty" })
  )

/** Empties what is there and fills it, as `O_TRUNC` does. */
export const overwrite = (desk: Desk, path: string, text: string | Uint8Array): Work =>
  Effect.scoped(Effect.gen(function*() {
    const handle = yield* desk.fs.overwrite(path)
    yield* desk.pause("emptied")
    yield* handle.write(Buffer.from(text), 0)
  }))

/** Fills a new file, in two writes where there is something to it. */
const fill = (desk: Desk, path: string, bytes: Uint8Array, mode: number): Effect.Effect<
  { readonly sync: Work; readonly chmod: (mode: number) => Work },
  FsError | GivenUp,
  Scope.Scope
> =>
  Effect.gen(function*() {
    const handle = yield* desk.fs.open(path, { access: "create" }, mode)
    const half = bytes.length >> 1
    yield* handle.write(bytes.subarray(0, half), 0)
    yield* handle.write(bytes.subarray(half), half)
    return { sync: handle.sync, chmod: handle.setMode }
  })

export interface Placing {
  /** The temporary file. */
  readonly by: string
  /** Whether its content is synced before it gets its name. */
  readonly syncs?: boolean
  /** The mode that it ends with, instead of that of a temporary file. */
  readonly mode?: number
}

/** Writes a file beside and lets it take the place of what is there. */
export const place = (desk: Desk, path: string, content: string | Uint8Array, { by, mode, syncs }: Placing): Work =>
  Effect.gen(function*() {
    yield* Effect.scoped(Effect.gen(function*() {
      const { chmod, sync } = yield* fill(desk, by, Buffer.from(content), 0o600)
      if (syncs === true) yield* sync
      if (mode !== undefined) yield* chmod(mode)
    }))
    yield* ifThere(desk.fs.linkStat(path))
    yield* desk.fs.rename(by, path)
  })

/** As `mkdir -p` does it. */
export const makeFolders = (desk: Desk, path: string): Work =>
  Effect.gen(function*() {
    if (yield* isThere(desk, path)) return
    yield* makeFolders(desk, path.slice(0, path.lastIndexOf("/")))
    yield* desk.fs.makeDirectory(path, 0o755).pipe(
      Effect.catchIf(({ code }) => code === "EEXIST", () => Effect.void)
    )
  })

/** The folder that a file is going to be in. */
export const makeFolderFor = (desk: Desk, path: string): Work => makeFolders(desk, path.slice(0, path.lastIndexOf("/")))

/** Whether a blob is there, as tools see it that look at sizes alone. What is whole is relied on. */
export const lookAtSize = (desk: Desk, { bytes, digest }: Blob): Work<"missing" | "whole" | "of another size"> =>
  Effect.map(ifThere(desk.fs.stat(blobPath(desk, digest))), (stat) => {
    if (stat === undefined) return "missing"
    if (stat.size !== bytes.length) return "of another size"
    desk.say({ _tag: "Relies", digest })
    return "whole"
  })

/** What looks at names alone relies on every blob that is there. */
export const relies = (desk: Desk, { digest }: Blob): Work<boolean> =>
  Effect.map(isThere(desk, blobPath(desk, digest)), (there) => {
    if (there) desk.say({ _tag: "Relies", digest })
    return there
  })

export const removeFile = ({ fs }: Desk, path: string): Work => Effect.asVoid(ifThere(fs.unlink(path)))

/** A blob that is whole, or none. */
export const wholeBlob = (desk: Desk, digest: string): Work<Uint8Array> =>
  Effect.flatMap(
    readFile(desk, blobPath(desk, digest)),
    (bytes) =>
      digestOf(bytes) === digest ? Effect.succeed(bytes) : new GivenUp({ why: `${digest} is not what its name says` })
  )

const named = (bytes: Uint8Array): ReadonlyArray<string> =>
  Array.from(Buffer.from(bytes).toString().matchAll(/"(sha256:[0-9a-f]{64})"/gu), ([, digest = ""]) => digest)

/**
 * Everything that these lead to, manifests by reading them.
 *
 * @param strict whether a manifest that is not there makes it give up
 */
export const reached = (desk: Desk, digests: Iterable<string>, strict: boolean): Work<ReadonlySet<string>> =>
  Effect.gen(function*() {
    const found = new Set<string>()
    for (const digest of digests) {
      if (found.has(digest)) continue
      found.add(digest)
      const read = wholeBlob(desk, digest)
      const bytes = strict ? yield* read : yield* Effect.orElseSucceed(read, () => undefined)
      for (const child of bytes === undefined ? [] : named(bytes)) found.add(child)
    }
    return found
  })

/** Everything that an index leads to. A manifest that is not there makes the tool give up. */
export const reachedBy = (desk: Desk, { manifests }: Index): Work<ReadonlySet<string>> =>
  reached(desk, manifests.map(({ digest }) => digest), true)

/** Removes every blob that is not among these, and whatever else lies there. */
export const removeOthers = (desk: Desk, kept: ReadonlySet<string>): Work =>
  Effect.gen(function*() {
    const folder = `${desk.root}/blobs/sha256`
    const names = yield* desk.fs.readDirectory(folder)
    yield* desk.pause("listed")
    for (const name of names.toSorted()) {
      if (!kept.has(`sha256:${name}`)) yield* removeFile(desk, `${folder}/${name}`)
    }
  })
