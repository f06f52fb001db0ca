/**
 * What was found out about manifests, in files that are good for nothing else: whoever loses them reads the manifests
 * again. Each is written once, by whoever writes into the layout, and small ones are made one from time to time.
 */
import { Effect, type Scope } from "effect"
import { join } from "node:path"
import type { SymlinkRefused } from "../oci/OciError.ts"
import { type Facts, factsKey } from "../ops/manifests.ts"
import type { FactsCache } from "../ops/ports.ts"
import { createIn } from "./durable.ts"
import { type FactsLine, readFacts, readLine, writeFacts } from "./factsText.ts"
import { guard, ifThere, type LayoutFiles, openRegular, RandomName, readAll, statIfThere } from "./layoutFiles.ts"
import type { FsError } from "./LayoutFs.ts"

const form = /^[0-9a-f]{32}\.facts$/u

/** So many facts of one opening make a file before it ends. */
const manyLines = 512

/** So many small files are made one. */
const manyFiles = 16

/** What is larger is not written again, in bytes. */
const largeFile = 1024 * 1024

/** What all files together may take when they are read, in bytes: enough for a hundred thousand images. */
const mostBytes = 64 * 1024 * 1024

export const makeFacts = Effect.fnUntraced(
  function*(files: LayoutFiles): Effect.fn.Return<FactsCache, never, Scope.Scope> {
    /** Lines that no file has yet, by what they are of. */
    const learned = new Map<string, string>()
    /** What earlier processes have found out, read as far as somebody has asked. */
    let known: Map<string, FactsLine | Facts | undefined> | undefined
    let isWriter = false

    // What cannot be kept, or read, costs time and nothing else.
    const keepLearned = Effect.suspend(() => {
      if (!isWriter || learned.size === 0) return Effect.void
      const text = Array.from(learned.values()).join("")
      learned.clear()
      return Effect.ignore(Effect.flatMap(statIfThere(files.fs, files.own), (own) =>
        // Whoever has removed the layout meanwhile does not want it back.
        own === undefined ? Effect.void : Effect.andThen(writeNew(files, text), mergeSmall(files))))
    })

    const loaded = Effect.suspend(() =>
      known === undefined
        ? Effect.map(Effect.orElseSucceed(readFiles(files), (): ReadonlyArray<FactsLine> => []), (lines) => {
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

/** A file that a crash cuts short ends with a line that is none. */
const writeNew = Effect.fnUntraced(function*(
  files: LayoutFiles,
  text: string
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  const name = yield* RandomName
  const path = join(files.facts, `${name()}.facts`)
  yield* guard(files, path)
  yield* Effect.acquireUseRelease(
    createIn(files, path),
    (handle) => handle.write(Buffer.from(text), 0),
    (handle) => handle.close
  )
})

interface FactsFile {
  readonly path: string
  /** In bytes. */
  readonly size: number
  readonly mtimeNs: bigint
}

/** The latest first. */
const listFiles = Effect.fnUntraced(function*(
  files: LayoutFiles
): Effect.fn.Return<ReadonlyArray<FactsFile>, FsError | SymlinkRefused> {
  yield* guard(files, join(files.facts, "any"))
  const names = (yield* ifThere(files.fs.readDirectory(files.facts))) ?? []
  const paths = names.filter((name) => form.test(name)).map((name) => join(files.facts, name))
  const stats = yield* files.fs.linkStats(paths)
  return paths.flatMap((path, place) => {
    const stat = stats[place]
    return stat?.kind === "file" ? [{ path, size: stat.size, mtimeNs: stat.mtimeNs }] : []
  }).toSorted((a, b) => a.mtimeNs < b.mtimeNs ? 1 : -1)
})

const readFiles = Effect.fnUntraced(function*(
  files: LayoutFiles
): Effect.fn.Return<ReadonlyArray<FactsLine>, FsError | SymlinkRefused> {
  const lines: Array<FactsLine> = []
  let bytes = 0
  for (const { path, size } of yield* listFiles(files)) {
    bytes += size
    if (bytes > mostBytes) break
    for (const line of yield* readFile(files, path)) lines.push(line)
  }
  return lines
})

const readFile = (
  files: LayoutFiles,
  path: string
): Effect.Effect<ReadonlyArray<FactsLine>, FsError | SymlinkRefused> =>
  Effect.scoped(Effect.gen(function*() {
    // Whoever makes one of many removes them.
    const opened = yield* ifThere(openRegular(files, path))
    if (opened === undefined) return []
    const bytes = yield* readAll(opened.handle, Math.min(opened.stat.size, mostBytes))
    return Buffer.from(bytes.buffer, 0, bytes.length).toString("utf8").split("\n").flatMap((line) =>
      readLine(line) ?? []
    )
  }))

/**
 * Makes one file of many small ones, and lets go of the oldest where there are more than anybody reads. What two writers
 * do at once is there twice until the next time.
 */
const mergeSmall = Effect.fnUntraced(function*(files: LayoutFiles): Effect.fn.Return<void, FsError | SymlinkRefused> {
  const all = yield* listFiles(files)
  let bytes = 0
  for (const { path, size } of all) {
    bytes += size
    if (bytes > mostBytes) yield* ifThere(files.fs.unlink(path))
  }
  const small = all.filter(({ size }) => size < largeFile)
  if (small.length < manyFiles) return
  const texts = new Map<string, string>()
  for (const { path } of small) {
    for (const { key, line } of yield* readFile(files, path)) texts.set(key, `${line}\n`)
  }
  yield* writeNew(files, Array.from(texts.values()).join(""))
  for (const { path } of small) yield* ifThere(files.fs.unlink(path))
})
