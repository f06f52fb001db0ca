/**
 * The segment of the journal that is being written: lines in order, each naming the hash of the one before.
 */
import { Effect, Result } from "effect"
import { dirname, join, relative } from "node:path"
import { FormatUnsupported, type SymlinkRefused } from "../../oci/OciError.ts"
import { makeFolder, openNew, syncFile, syncFolder, writeSynced } from "../files/durable.ts"
import { identityOf } from "../files/identity.ts"
import { ifThere, type LayoutFiles, openRegular, RandomName, readAll } from "../files/layoutFiles.ts"
import { type FileHandle, FsError } from "../fs/LayoutFs.ts"
import {
  genesis,
  isGroupLine,
  type JournalRecord,
  type Line,
  readLine,
  skimLine,
  type Skimmed,
  unknownFormat,
  writeLine
} from "./journalRecord.ts"

/** Where the journal ends. */
export interface JournalEnd {
  /** The last whole line; none in a journal that has no line yet. */
  readonly last: Line | undefined
  /** Bytes up to the end of that line. */
  readonly size: number
  /** Bytes after it, which are no line: a write that a crash cut short, or damage. */
  readonly torn: number
  readonly identity: string
  /**
   * Whether the name of the file is known to be on the disk: the process that made it may have died before it synced
   * that.
   */
  readonly named: boolean
  /** Whether the file has other names: a blob may be one of them, and what is written here would change it. */
  readonly shared?: true
  /** Whether the end of the file is nothing of a journal, further back than the longest line is long. */
  readonly lost?: true
}

/** The end of a journal that is not there. */
export const emptyJournal: JournalEnd = { last: undefined, size: 0, torn: 0, identity: "", named: false }

const lost: JournalEnd = { ...emptyJournal, lost: true }

/** How much of the end is read first: nearly every line is far shorter. */
const firstLook = 64 * 1024

/** How much of the end is read at most: no text of a line is longer. */
const lastLook = 512 * 1024 * 1024

/** The most bytes that one call of `read` returns. A longer file is refused. */
const journalBytes = 2 ** 31 - 1

const tooLarge = (path: string): FsError =>
  new FsError({ operation: "read", path, code: "EFBIG", cause: "larger than any journal" })

/** The end of the journal, found from the end: the cost is that of the last line, not of the journal. */
export const readEnd = Effect.fnUntraced(function*(
  files: LayoutFiles,
  known: JournalEnd = emptyJournal
): Effect.fn.Return<JournalEnd, FsError | SymlinkRefused | FormatUnsupported> {
  return yield* Effect.scoped(Effect.gen(function*() {
    const opened = yield* ifThere(openRegular(files, files.journal))
    if (opened === undefined) return emptyJournal
    const { handle, stat } = opened
    const identity = identityOf(stat)
    if (identity === known.identity) return known
    for (let look = firstLook;; look = Math.min(8 * look, lastLook)) {
      const from = Math.max(0, stat.size - look)
      const bytes = new Uint8Array(stat.size - from)
      const count = yield* handle.read(bytes, from)
      const found = lastLine(Buffer.from(bytes.buffer, 0, count), from)
      if (found?.version !== undefined) {
        return yield* new FormatUnsupported({ path: relative(files.root, files.journal), version: found.version })
      }
      if (found !== undefined || from === 0) {
        const { last, size } = found ?? { last: undefined, size: 0 }
        const shared = stat.links === 1 ? {} : { shared: true as const }
        return { last, size, torn: from + count - size, identity, named: false, ...shared }
      }
      if (look === lastLook) return { ...lost, identity }
    }
  }))
})

/** The last valid line in the end of a journal; `from` is where that end begins. */
const lastLine = (
  bytes: Buffer,
  from: number
): { readonly last: Line | undefined; readonly size: number; readonly version?: number } | undefined => {
  const after = bytes.lastIndexOf(0x0a) + 1
  const torn = unknownFormat(bytes.toString("utf8", after, after + 64))
  if (torn !== undefined) return { last: undefined, size: 0, version: torn }
  for (let end = bytes.lastIndexOf(0x0a); end >= 0; end = end === 0 ? -1 : bytes.lastIndexOf(0x0a, end - 1)) {
    const start = end === 0 ? 0 : bytes.lastIndexOf(0x0a, end - 1) + 1
    // Where the first line seen begins is known only at the beginning of the file.
    if (start === 0 && from > 0) return undefined
    const text = bytes.toString("utf8", start, end)
    const line = readLine(text)
    if (Result.isSuccess(line)) return { last: line.success, size: from + end + 1 }
    const version = unknownFormat(text)
    if (version !== undefined) return { last: undefined, size: 0, version }
  }
  return undefined
}

export const readWhole = (path: string, handle: FileHandle, size: number): Effect.Effect<Uint8Array, FsError> =>
  size > journalBytes ? Effect.fail(tooLarge(path)) : readAll(handle, size)

/** A segment, or what of it is asked for. */
export interface Segment {
  /** The first of these lines, also where it does not mention the text that was asked for. */
  readonly first: Line | undefined
  /** Its valid lines, oldest first; where the chain is broken, those after the last break. */
  readonly lines: ReadonlyArray<Line>
  /** The hash of the last of them; none in a segment without a line. */
  readonly last: string | undefined
  /** Whether what came before these lines is lost. */
  readonly broken: boolean
}

/**
 * Reads a segment. Of groups that do not mention a text only the chain is checked, which costs a tenth of reading them.
 *
 * @param upTo the hash of the last line that is asked for
 */
export const skimSegment = Effect.fnUntraced(function*(
  { fs }: LayoutFiles,
  path: string,
  { mentioning = "", upTo }: { readonly mentioning?: string | undefined; readonly upTo?: string | undefined } = {}
): Effect.fn.Return<Segment, FsError> {
  return yield* Effect.scoped(Effect.gen(function*() {
    const handle = yield* ifThere(fs.open(path, { access: "read" }))
    if (handle === undefined) return { first: undefined, lines: [], last: undefined, broken: false }
    const bytes = Buffer.from(yield* readWhole(path, handle, (yield* handle.stat).size))
    let lines: Array<Line> = []
    let first: Line | undefined
    let last: string | undefined
    let broken = false
    let unreadable = false
    for (let start = 0, end = 0; (end = bytes.indexOf(0x0a, start)) >= 0; start = end + 1) {
      const text = bytes.toString("utf8", start, end)
      const isMeant = last === undefined || text.includes(mentioning) || !isGroupLine(text)
      const found = isMeant ? Result.map(readLine(text), ofLine) : skimLine(text)
      if (Result.isFailure(found)) {
        unreadable = true
        continue
      }
      const { hash, line, prev } = found.success
      if (prev !== last || unreadable) {
        first = line ?? Result.getOrUndefined(readLine(text))
        // What comes before the first line of a later segment is in another file.
        broken = unreadable || (prev !== genesis && first?.record._tag !== "Snapshot")
        unreadable = false
        lines = []
      }
      if (line !== undefined) lines.push(line)
      last = hash
      if (last === upTo) break
    }
    return { first, lines, last, broken }
  }))
})

const ofLine = (line: Line): Skimmed => ({ hash: line.hash, prev: line.record.prev, line })

/** The valid lines of a segment, oldest first; where its chain is broken, those after the last break. */
export const readSegment = (files: LayoutFiles, path: string): Effect.Effect<ReadonlyArray<Line>, FsError> =>
  Effect.map(skimSegment(files, path), ({ lines }) => lines)

/** Appends a record and makes it as durable as the layout promises. Only the holder of the lock calls it. */
export const appendRecord = Effect.fnUntraced(function*(
  files: LayoutFiles,
  end: JournalEnd,
  record: JournalRecord
): Effect.fn.Return<JournalEnd, FsError> {
  const { fs, journal } = files
  const { hash, text } = writeLine(record)
  const bytes = Buffer.from(text)
  if (files.doubtful.has(journal) || end.shared === true) yield* startAfresh(files, end)
  const write = Effect.scoped(Effect.gen(function*() {
    const isNew = (yield* ifThere(fs.linkStat(journal))) === undefined
    // The folder may be gone alone: git keeps no empty ones.
    if (isNew) yield* makeFolder(files, dirname(journal))
    const handle = yield* isNew ? openNew(files, journal) : fs.open(journal, { access: "update" })
    yield* handle.write(bytes, end.size)
    yield* syncFile(files, handle)
    if (isNew || !end.named) yield* syncFolder(files, dirname(journal))
    return identityOf(yield* handle.stat)
  }))
  const identity = yield* Effect.onError(write, () => {
    files.doubtful.add(journal)
    // Where that fails as well, the next writer begins with it.
    return Effect.ignore(startAfresh(files, end))
  })
  return { last: { record, hash }, size: end.size + bytes.length, torn: 0, identity, named: true }
})

/** Cuts off what is no line; it is kept aside, for a person who looks for what happened. */
export const cutTorn = Effect.fnUntraced(
  function*(files: LayoutFiles, end: JournalEnd): Effect.fn.Return<void, FsError> {
    const { fs, journal } = files
    const name = yield* RandomName
    yield* Effect.scoped(Effect.gen(function*() {
      const handle = yield* fs.open(journal, { access: "read" })
      const rest = new Uint8Array(end.torn)
      yield* handle.read(rest, end.size)
      const aside = yield* openNew(files, join(dirname(journal), `torn.${name()}`))
      yield* aside.write(rest, 0)
    }))
    yield* startAfresh(files, end)
  }
)

/**
 * Moves the good lines to a new inode: after a failed sync the kernel may have dropped what the old one had, and says
 * success the next time it is asked.
 */
export const startAfresh = Effect.fnUntraced(
  function*(files: LayoutFiles, end: JournalEnd): Effect.fn.Return<void, FsError> {
    const { fs, journal } = files
    const good = yield* Effect.scoped(Effect.gen(function*() {
      const handle = yield* ifThere(fs.open(journal, { access: "read" }))
      return handle === undefined ? new Uint8Array(0) : yield* readWhole(journal, handle, end.size)
    }))
    yield* writeSynced(files, "journal", good, (path) => replaceJournal(files, path))
  }
)

/** Puts another file in the place of the journal. */
export const replaceJournal = Effect.fnUntraced(
  function*(files: LayoutFiles, path: string): Effect.fn.Return<void, FsError> {
    yield* files.fs.rename(path, files.journal)
    yield* syncFolder(files, dirname(files.journal))
    files.doubtful.delete(files.journal)
  }
)
