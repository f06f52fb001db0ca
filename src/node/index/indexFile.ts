/** Reads `oci-layout` and `index.json` as they lie on the disk, torn and hostile ones included. */
import { Clock, Effect, Result, type Schema, type Scope } from "effect"
import { relative } from "node:path"
import { indexLimits } from "../../layout/Command.ts"
import { isJsonObject, isList } from "../../oci/Descriptor.ts"
import { parseJson, readJson } from "../../oci/Json.ts"
import {
  type FormatUnsupported,
  IndexInvalid,
  IndexTooLarge,
  LayoutInvalid,
  LayoutVersionUnsupported,
  type StorageError,
  type SymlinkRefused
} from "../../oci/OciError.ts"
import { asStorage } from "../files/asStorage.ts"
import { identityOf } from "../files/identity.ts"
import {
  ifThere,
  type LayoutFiles,
  type Opened,
  openRegular,
  openRegularHandle,
  readAll
} from "../files/layoutFiles.ts"
import type { FileHandle, FsError } from "../fs/LayoutFs.ts"
import { type Generation, parseGeneration, sha256 } from "../journal/journalRecord.ts"
import { hashOn, type SteppedHash } from "./indexHash.ts"
import { generationOf } from "./indexText.ts"

export type LayoutProblem =
  | IndexInvalid
  | IndexTooLarge
  | LayoutInvalid
  | FormatUnsupported
  | LayoutVersionUnsupported
  | StorageError
  | SymlinkRefused

/** An index as it was read. */
export interface IndexOnDisk {
  /** The file, until it is written again from it. */
  readonly raw: Uint8Array<ArrayBuffer>
  readonly entries: ReadonlyArray<Schema.Json>
  /** SHA-256 of the file. */
  readonly hash: string
  readonly hashed: SteppedHash
  readonly bytes: number
  readonly generation: Generation | undefined
  readonly identity: string
  /** When it was written for the last time: milliseconds since 1970. */
  readonly modified: number
  /** When its status changed for the last time, as when it was put here: milliseconds since 1970. */
  readonly changed: number
  /** False while the file could change without looking changed. */
  readonly mtimeReliable: boolean
  readonly mode: { readonly mode: number; readonly uid: number; readonly gid: number }
}

/** `oci-layout` holds one short object. */
const layoutBytes = 4096

/** How long a tool may take to write a file in place. */
const patienceMillis = 2000

/** A file that makes no sense as it is. */
interface Unreadable {
  readonly _tag: "Unreadable"
  readonly reason: string
  /** Milliseconds since 1970. */
  readonly modified: number
}

/**
 * What an attempt to read a file gives in the end. A file that makes no sense may be in the middle of being written by
 * a tool that truncates and writes: it is looked at again for a while, unless it has not been touched for longer than
 * that.
 */
const patiently = Effect.fnUntraced(function*<A extends { readonly _tag: string }, E>(
  attempt: Effect.Effect<A | Unreadable, E>
): Effect.fn.Return<A | Unreadable, E> {
  const started = yield* Clock.currentTimeMillis
  for (let pause = 1;; pause = Math.min(pause * 2, 200)) {
    const found = yield* attempt
    if (!isUnreadable(found)) return found
    const now = yield* Clock.currentTimeMillis
    if (now - found.modified >= patienceMillis || now - started >= patienceMillis) return found
    // Nothing is open now, so that a caller that must not be interrupted while something is can be.
    yield* Effect.interruptible(Effect.sleep(pause))
  }
})

const isUnreadable = (found: { readonly _tag: string }): found is Unreadable => found._tag === "Unreadable"

/** The index, or nothing when there is none. One that is being written in place is waited for. */
export const readIndex = Effect.fnUntraced(function*(
  files: LayoutFiles,
  path: string = files.index
): Effect.fn.Return<
  { readonly index: IndexOnDisk; readonly handle: FileHandle } | undefined,
  IndexInvalid | IndexTooLarge | StorageError | SymlinkRefused
> {
  const found = yield* patiently(asStorage(files.root)(readIndexOnce(files, path)))
  if (found._tag === "Absent") return undefined
  if (found._tag === "Read") return found
  return yield* new IndexInvalid({ path: relative(files.root, path), reason: found.reason })
})

/** The index as it is, or nothing when there is none; its file is not kept open. */
export const readClosedIndex = (
  files: LayoutFiles,
  path: string = files.index
): Effect.Effect<IndexOnDisk | undefined, IndexInvalid | IndexTooLarge | StorageError | SymlinkRefused> =>
  Effect.uninterruptible(Effect.flatMap(
    readIndex(files, path),
    (read) => read === undefined ? Effect.undefined : Effect.as(read.handle.close, read.index)
  ))

/** Identifies the bytes of a file without parsing them. */
export interface Fingerprint {
  /** SHA-256 of the bytes. */
  readonly hash: string
  readonly identity: string
  /** As of an index that was read. */
  readonly mtimeReliable: boolean
}

/** Nothing where there is no file, where it is larger than an index may be, and where it changes while it is read. */
export const fingerprintOf = Effect.fnUntraced(function*(files: LayoutFiles, path: string) {
  const opened = yield* ifThere(openRegular(files, path))
  if (opened === undefined || opened.stat.size > indexLimits.bytes) return undefined
  const bytes = yield* readAll(opened.handle, opened.stat.size)
  const after = yield* opened.handle.stat
  const identity = identityOf(after)
  if (identity !== identityOf(opened.stat)) return undefined
  return { hash: sha256(bytes), identity, mtimeReliable: opened.mtimeReliable }
}, Effect.scoped)

type Attempt =
  | { readonly _tag: "Absent" }
  | { readonly _tag: "Read"; readonly index: IndexOnDisk; readonly handle: FileHandle }
  | Unreadable

/** The handle stays open with what was read: it pins the inode for as long as the snapshot is kept. */
export const readIndexOnce = Effect.fnUntraced(function*(
  files: LayoutFiles,
  path: string
): Effect.fn.Return<Attempt, FsError | SymlinkRefused | IndexTooLarge> {
  const opened = yield* ifThere(openRegularHandle(files, path))
  if (opened === undefined) return { _tag: "Absent" }
  return yield* Effect.onExit(
    readOpened(opened),
    (exit) => exit._tag === "Success" && exit.value._tag === "Read" ? Effect.void : opened.handle.close
  )
}, Effect.uninterruptible)

const readOpened = Effect.fnUntraced(function*(
  { handle, mtimeReliable, stat }: Opened
): Effect.fn.Return<Attempt, FsError | IndexTooLarge> {
  if (stat.size > indexLimits.bytes) {
    return yield* new IndexTooLarge({ what: "bytes", actual: stat.size, limit: indexLimits.bytes })
  }
  const bytes = yield* readAll(handle, stat.size)
  const after = yield* handle.stat
  const now = yield* Clock.currentTimeMillis
  // A file that is being replaced changes while its own times of writing may be long past.
  if (identityOf(stat) !== identityOf(after)) {
    return { _tag: "Unreadable", reason: "keeps changing while it is read", modified: now }
  }
  const modified = Number(after.mtimeNs / 1_000_000n)
  const parsed = parseIndex(bytes)
  if (Result.isFailure(parsed)) return { _tag: "Unreadable", reason: parsed.failure, modified }
  const { entries } = parsed.success
  if (entries.length > indexLimits.entries) {
    return yield* new IndexTooLarge({ what: "entries", actual: entries.length, limit: indexLimits.entries })
  }
  const { mode, uid, gid } = after
  const hashed = hashOn(bytes, undefined, 0)
  const index: IndexOnDisk = {
    ...parsed.success,
    raw: bytes,
    hash: hashed.hash,
    hashed,
    modified,
    changed: Number(after.ctimeNs / 1_000_000n),
    bytes: bytes.length,
    identity: identityOf(after),
    mtimeReliable,
    mode: { mode, uid, gid }
  }
  return { _tag: "Read", handle, index }
})

/** What the bytes of an index say. */
export const parseIndex = (bytes: Uint8Array): Result.Result<Pick<IndexOnDisk, "entries" | "generation">, string> =>
  Result.gen(function*() {
    const document = yield* readJson(bytes)
    if (!isJsonObject(document)) {
      return yield* Result.fail(
        `is ${
          document === null ? "null" : Array.isArray(document) ? "an array" : `a ${typeof document}`
        }, not an image index`
      )
    }
    const entries = document["manifests"] ?? []
    if (!isList(entries)) return yield* Result.fail("has manifests that are no array")
    if ("layers" in document || "config" in document) {
      return yield* Result.fail("is an image manifest, not an image index")
    }
    return { entries, generation: parseGeneration(generationOf(document)) }
  })

/** An index as text. */
export const textOf = ({ raw }: Pick<IndexOnDisk, "raw">): string =>
  Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString("utf8")

/** `oci-layout` as a file. */
export interface Marker {
  /** When it was written for the last time: milliseconds since 1970. */
  readonly modified: number
  /** Why it is no JSON, where it is not: a tool has left it so. */
  readonly torn: string | undefined
}

interface MarkerRead {
  readonly _tag: "Read"
  readonly modified: number
  readonly document: Schema.Json
}

const readMarker = Effect.fnUntraced(function*(
  files: LayoutFiles
): Effect.fn.Return<
  { readonly _tag: "Absent" } | MarkerRead | Unreadable,
  FsError | LayoutInvalid | SymlinkRefused,
  Scope.Scope
> {
  const opened = yield* ifThere(openRegular(files, files.marker))
  if (opened === undefined) return { _tag: "Absent" }
  const { handle, stat } = opened
  if (stat.size > layoutBytes) {
    return yield* new LayoutInvalid({
      path: relative(files.root, files.marker),
      reason: `is larger than ${layoutBytes} bytes`
    })
  }
  const modified = Number(stat.mtimeNs / 1_000_000n)
  const parsed = parseJson(yield* readAll(handle, stat.size), { maxDepth: 8, duplicateKeys: "lastWins" })
  return Result.isSuccess(parsed)
    ? { _tag: "Read", document: parsed.success, modified }
    : { _tag: "Unreadable", reason: parsed.failure, modified }
}, Effect.scoped)

/**
 * What `oci-layout` is (image-spec, image-layout.md, "oci-layout file"); nothing when there is none. Some tools
 * truncate and write it whenever they write the index, so that it is waited for as the index is. Two of them at once,
 * or one that was killed, leave what is no JSON: that is told as torn.
 */
export const findMarker = Effect.fnUntraced(function*(
  files: LayoutFiles
): Effect.fn.Return<Marker | undefined, LayoutProblem> {
  const path = relative(files.root, files.marker)
  const found = yield* patiently(asStorage(files.root)(readMarker(files)))
  if (found._tag === "Absent") return undefined
  if (found._tag === "Unreadable") return { modified: found.modified, torn: found.reason }
  const version = isJsonObject(found.document) ? found.document["imageLayoutVersion"] : undefined
  if (typeof version !== "string") return yield* new LayoutInvalid({ path, reason: "has no imageLayoutVersion" })
  if (version !== "1.0.0") return yield* new LayoutVersionUnsupported({ path, version })
  return { modified: found.modified, torn: undefined }
})

/** As `findMarker`; one that is torn is an error. */
export const checkLayout = (files: LayoutFiles): Effect.Effect<Marker | undefined, LayoutProblem> =>
  Effect.flatMap(findMarker(files), (marker) => requireWhole(files, marker))

/** A layout without a journal of ours is not known to be one when its `oci-layout` is torn. */
export const requireWhole = (
  files: LayoutFiles,
  marker: Marker | undefined
): Effect.Effect<Marker | undefined, LayoutInvalid> =>
  marker?.torn === undefined
    ? Effect.succeed(marker)
    : Effect.fail(new LayoutInvalid({ path: relative(files.root, files.marker), reason: marker.torn }))
