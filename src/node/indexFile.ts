/** Reads `oci-layout` and `index.json` as they lie on the disk, torn and hostile ones included. */
import { Clock, Effect, Result, type Schema } from "effect"
import { relative } from "node:path"
import { indexLimits } from "../layout/Command.ts"
import { isJsonObject } from "../oci/Descriptor.ts"
import { parseJson } from "../oci/Json.ts"
import {
  IndexInvalid,
  IndexTooLarge,
  LayoutInvalid,
  LayoutVersionUnsupported,
  type StorageError,
  type SymlinkRefused
} from "../oci/OciError.ts"
import { hashOn, type SteppedHash } from "./indexHash.ts"
import { generationOf, indexDepth } from "./indexText.ts"
import { parseGeneration, sha256 } from "./journalRecord.ts"
import {
  asStorage,
  identityOf,
  ifThere,
  type LayoutFiles,
  type Opened,
  openRegular,
  openRegularHandle,
  readAll
} from "./layoutFiles.ts"
import type { FileHandle, FsError } from "./LayoutFs.ts"

export type LayoutProblem =
  | IndexInvalid
  | IndexTooLarge
  | LayoutInvalid
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
  readonly generation: { readonly journal: string; readonly seq: number } | undefined
  readonly identity: string
  /** When it was written for the last time: milliseconds since 1970. */
  readonly modified: number
  /** False while the file could change without looking changed. */
  readonly settled: boolean
  readonly mode: { readonly mode: number; readonly uid: number; readonly gid: number }
}

/** `oci-layout` holds one short object. */
const layoutBytes = 4096

/**
 * Whether a file read at this time is old enough for its times to show every later change: 20 ms, or 2 s where the
 * clock of the file system is coarse. Also where times tell every change: a file is marked before its bytes are there.
 */
export const settledAt = (nowMillis: number, mtimeNs: bigint): boolean =>
  nowMillis - Number(mtimeNs / 1_000_000n) >= (mtimeNs % 1_000_000n === 0n ? 2000 : 20)

/** How long somebody may take to write an index in place. */
const patienceMillis = 2000

/**
 * The index, or nothing when there is none. A file that does not parse may be in the middle of being written by a tool
 * that truncates and writes: it is looked at again for a while, unless it has not been touched for longer than that.
 */
export const readIndex = Effect.fnUntraced(function*(
  files: LayoutFiles,
  path: string = files.index
): Effect.fn.Return<
  { readonly index: IndexOnDisk; readonly handle: FileHandle } | undefined,
  IndexInvalid | IndexTooLarge | StorageError | SymlinkRefused
> {
  const started = yield* Clock.currentTimeMillis
  for (let pause = 1;; pause = Math.min(pause * 2, 200)) {
    const attempt = yield* asStorage(files.root)(readIndexOnce(files, path))
    if (attempt._tag === "Absent") return undefined
    if (attempt._tag === "Read") return attempt
    const now = yield* Clock.currentTimeMillis
    const inProgress = now - attempt.modified < patienceMillis && now - started < patienceMillis
    if (!inProgress) {
      return yield* new IndexInvalid({ path: relative(files.root, path), reason: attempt.reason })
    }
    yield* Effect.sleep(pause)
  }
})

/** What tells a file's bytes from others, without making sense of them. */
export interface Fingerprint {
  /** SHA-256 of the bytes. */
  readonly hash: string
  readonly identity: string
  /** As of an index that was read. */
  readonly settled: boolean
}

/** Nothing where there is no file, where it is larger than an index may be, and where it changes while it is read. */
export const fingerprintOf = (
  files: LayoutFiles,
  path: string
): Effect.Effect<Fingerprint | undefined, FsError | SymlinkRefused> =>
  Effect.scoped(Effect.gen(function*() {
    const opened = yield* ifThere(openRegular(files, path))
    if (opened === undefined || opened.stat.size > indexLimits.bytes) return undefined
    const bytes = yield* readAll(opened.handle, opened.stat.size)
    const after = yield* opened.handle.stat
    const identity = identityOf(after)
    if (identity !== identityOf(opened.stat)) return undefined
    const settled = settledAt(yield* Clock.currentTimeMillis, after.mtimeNs)
    return { hash: sha256(bytes), identity, settled }
  }))

type Attempt =
  | { readonly _tag: "Absent" }
  | { readonly _tag: "Read"; readonly index: IndexOnDisk; readonly handle: FileHandle }
  | { readonly _tag: "Unreadable"; readonly reason: string; readonly modified: number }

/** The handle stays open with what was read: it pins the inode for as long as the snapshot is kept. */
export const readIndexOnce = (
  files: LayoutFiles,
  path: string
): Effect.Effect<Attempt, FsError | SymlinkRefused | IndexTooLarge> =>
  Effect.uninterruptible(Effect.gen(function*() {
    const opened = yield* ifThere(openRegularHandle(files, path))
    if (opened === undefined) return { _tag: "Absent" }
    return yield* Effect.onExit(
      readOpened(opened),
      (exit) => exit._tag === "Success" && exit.value._tag === "Read" ? Effect.void : opened.handle.close
    )
  }))

const readOpened = Effect.fnUntraced(function*(
  { handle, stat }: Opened
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
  const { mode, mtimeNs, uid, gid } = after
  const hashed = hashOn(bytes, undefined, 0)
  const index: IndexOnDisk = {
    ...parsed.success,
    raw: bytes,
    hash: hashed.hash,
    hashed,
    modified,
    bytes: bytes.length,
    identity: identityOf(after),
    settled: settledAt(now, mtimeNs),
    mode: { mode, uid, gid }
  }
  return { _tag: "Read", handle, index }
})

const parseIndex = (bytes: Uint8Array): Result.Result<Pick<IndexOnDisk, "entries" | "generation">, string> =>
  Result.gen(function*() {
    const document = yield* parseJson(bytes, { maxDepth: indexDepth, duplicateKeys: "lastWins" })
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

const isList = (value: Schema.Json): value is ReadonlyArray<Schema.Json> => Array.isArray(value)

/** Checks `oci-layout` (image-spec, image-layout.md, "oci-layout file"); false when there is none. */
export const checkLayout = Effect.fnUntraced(function*(
  files: LayoutFiles
): Effect.fn.Return<boolean, LayoutProblem> {
  const path = relative(files.root, files.layout)
  const opened = ifThere(openRegular(files, files.layout))
  const content = yield* asStorage(files.root)(
    Effect.scoped(Effect.flatMap(
      opened,
      Effect.fnUntraced(function*(opened) {
        if (opened === undefined) return undefined
        const { handle, stat } = opened
        return { size: stat.size, bytes: yield* readAll(handle, Math.min(stat.size, layoutBytes)) }
      })
    ))
  )
  if (content === undefined) return false
  const { bytes, size } = content
  if (size > layoutBytes) return yield* new LayoutInvalid({ path, reason: `is larger than ${layoutBytes} bytes` })
  const parsed = parseJson(bytes, { maxDepth: 8, duplicateKeys: "lastWins" })
  if (Result.isFailure(parsed)) return yield* new LayoutInvalid({ path, reason: parsed.failure })
  const version = isJsonObject(parsed.success) ? parsed.success["imageLayoutVersion"] : undefined
  if (typeof version !== "string") return yield* new LayoutInvalid({ path, reason: "has no imageLayoutVersion" })
  if (version !== "1.0.0") return yield* new LayoutVersionUnsupported({ path, version })
  return true
})
