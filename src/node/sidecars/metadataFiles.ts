/**
 * The metadata cache: facts about manifests, in files that can be lost at no other cost than reading the manifests
 * again. Each file is written once, by a writer of the layout; small files are joined from time to time. They are
 * sealed with the key of the user: files of other users, and files that came with a layout, are not believed. In the
 * layout, and not in a folder of the user, they are gone with it, and hold what is of this layout only.
 */
import { Effect, type Scope } from "effect"
import { join } from "node:path"
import type { Facts } from "../../oci/Manifest.ts"
import type { SymlinkRefused } from "../../oci/OciError.ts"
import { factsKey } from "../../ops/manifests/manifests.ts"
import type { FactsCache } from "../../ops/ports/FactsCache.ts"
import { createIn } from "../files/durable.ts"
import {
  guard,
  ifThere,
  type LayoutFiles,
  openRegular,
  RandomName,
  readAll,
  statIfThere
} from "../files/layoutFiles.ts"
import type { FsError } from "../fs/LayoutFs.ts"
import { isSealed, sealLength, sealOf, UserKey } from "../fs/userKey.ts"
import { type FactsLine, readFacts, readLine, writeFacts } from "./metadataText.ts"

/** Whose it is, as far as the key tells, and a random name. */
const form = /^([0-9a-f]{16})\.[0-9a-f]{32}\.facts$/u

const purpose = "facts of manifests"

/** So many facts of one opening make a file before it ends. */
const manyLines = 512

/** So many small files are made one. */
const manyFiles = 16

/** What is larger is not written again, in bytes. */
const largeFile = 1024 * 1024

/** The most files that are kept, of all writers together. */
const mostFiles = 256

/** What all files together may take when they are read, in bytes: enough for a hundred thousand images. */
const mostBytes = 64 * 1024 * 1024

export const makeFacts = Effect.fnUntraced(
  function*(files: LayoutFiles): Effect.fn.Return<FactsCache, never, Scope.Scope> {
    /** Lines that no file has yet, by what they are of. */
    const learned = new Map<string, string>()
    /** Facts of earlier processes; each file is read when it is first needed. */
    let known: Map<string, FactsLine | Facts | undefined> | undefined
    let isWriter = false
    const userKey = yield* UserKey
    const own = (use: "sealing" | "looking") =>
      Effect.sync((): Own | undefined => {
        const key = userKey(use)
        return key === undefined ? undefined : { files, key, name: sealOf(key, "name", purpose).slice(0, 16) }
      })

    // What cannot be kept, or read, costs time and nothing else.
    const keepLearned = Effect.suspend(() => {
      if (!isWriter || learned.size === 0) return Effect.void
      const text = Array.from(learned.values()).join("")
      learned.clear()
      return Effect.ignore(Effect.gen(function*() {
        const writer = yield* own("sealing")
        // The layout was removed meanwhile; nothing is made again.
        if (writer === undefined || (yield* statIfThere(files.fs, files.own)) === undefined) return
        yield* writeNew(writer, text)
        yield* mergeSmall(writer)
      }))
    })

    const readFiles = Effect.flatMap(
      own("looking"),
      (reader) => reader === undefined ? Effect.succeed([]) : readOwn(reader)
    )
    const loaded = Effect.suspend(() =>
      known === undefined
        ? Effect.map(Effect.orElseSucceed(readFiles, (): ReadonlyArray<FactsLine> => []), (lines) => {
          known = new Map()
          for (const line of lines) known.set(line.key, line)
          return known
        })
        : Effect.succeed(known)
    )

    yield* Effect.addFinalizer(() => keepLearned)
    return {
      load: Effect.map(loaded, (lines) => (descriptor) => {
        const key = factsKey(descriptor)
        const there = lines.get(key)
        if (there === undefined || !("line" in there)) return there
        const facts = readFacts(there, descriptor.mediaType)
        lines.set(key, facts)
        return facts
      }),
      learn: (descriptor, facts) =>
        Effect.sync(() => {
          const key = factsKey(descriptor)
          if (known?.has(key) !== true && learned.size < 2 * manyLines) learned.set(key, writeFacts(descriptor, facts))
        }),
      keep: Effect.suspend(() => {
        isWriter = true
        return learned.size < manyLines ? Effect.void : keepLearned
      })
    }
  }
)

/** The files of a user with a key. */
interface Own {
  readonly files: LayoutFiles
  readonly key: Uint8Array
  /** What the names of the files begin with. */
  readonly name: string
}

/** A file that a crash cuts short has no seal. */
const writeNew = Effect.fnUntraced(function*(
  { files, key, name }: Own,
  text: string
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  const random = yield* RandomName
  const path = join(files.facts, `${name}.${random()}.facts`)
  yield* guard(files, path)
  const bytes = Buffer.from(text)
  yield* Effect.acquireUseRelease(
    createIn(files, path),
    (handle) => handle.write(Buffer.concat([Buffer.from(`${sealOf(key, purpose, bytes)}\n`), bytes]), 0),
    (handle) => handle.close
  )
})

interface FactsFile {
  readonly path: string
  /** What its name begins with. */
  readonly of: string
  /** In bytes. */
  readonly size: number
  readonly mtimeNs: bigint
}

/** Those of all users, the latest first. */
const listFiles = Effect.fnUntraced(function*(
  files: LayoutFiles
): Effect.fn.Return<ReadonlyArray<FactsFile>, FsError | SymlinkRefused> {
  yield* guard(files, join(files.facts, "any"))
  const names = ((yield* ifThere(files.fs.readDirectory(files.facts))) ?? []).filter((name) => form.test(name))
  const stats = yield* files.fs.linkStats(names.map((name) => join(files.facts, name)))
  return names.flatMap((name, place) => {
    const stat = stats[place]
    if (stat?.kind !== "file") return []
    const of = name.slice(0, name.indexOf("."))
    return [{ path: join(files.facts, name), of, size: stat.size, mtimeNs: stat.mtimeNs }]
  }).toSorted((a, b) => a.mtimeNs < b.mtimeNs ? 1 : -1)
})

const readOwn = Effect.fnUntraced(function*(
  own: Own
): Effect.fn.Return<ReadonlyArray<FactsLine>, FsError | SymlinkRefused> {
  const lines: Array<FactsLine> = []
  let bytes = 0
  for (const { of, path, size } of yield* listFiles(own.files)) {
    if (of !== own.name) continue
    bytes += size
    if (bytes > mostBytes) break
    for (const line of yield* readFile(own, path)) lines.push(line)
  }
  return lines
})

/** The lines of a file with our seal; none of another. */
const readFile = Effect.fnUntraced(function*({ files, key }: Own, path: string) {
  // Another writer joins these files and removes them.
  const opened = yield* ifThere(openRegular(files, path))
  if (opened === undefined) return []
  const read = yield* readAll(opened.handle, Math.min(opened.stat.size, mostBytes))
  const bytes = Buffer.from(read.buffer, read.byteOffset, read.length)
  const text = bytes.subarray(sealLength + 1)
  if (!isSealed(key, purpose, text, bytes.toString("latin1", 0, sealLength))) return []
  return text.toString("utf8").split("\n").flatMap((line) => readLine(line) ?? [])
}, Effect.scoped)

/**
 * Makes one file of many small ones, and removes the oldest where there are more than are read. What two writers join
 * at the same time is there twice until the next time.
 */
const mergeSmall = Effect.fnUntraced(function*(own: Own): Effect.fn.Return<void, FsError | SymlinkRefused> {
  const { unlink } = own.files.fs
  const all = yield* listFiles(own.files)
  let bytes = 0
  for (const [place, { path, size }] of all.entries()) {
    bytes += size
    if (bytes > mostBytes || place >= mostFiles) yield* ifThere(unlink(path))
  }
  const small = all.filter(({ of, size }) => of === own.name && size < largeFile)
  if (small.length < manyFiles) return
  const texts = new Map<string, string>()
  for (const { path } of small) {
    for (const { key, line } of yield* readFile(own, path)) texts.set(key, `${line}\n`)
  }
  yield* writeNew(own, Array.from(texts.values()).join(""))
  for (const { path } of small) yield* ifThere(unlink(path))
})
