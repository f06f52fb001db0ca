/** Adds images to an archive: it is written anew beside the file, and then takes its place. */
import { Effect, type Scope } from "effect"
import { randomUUID } from "node:crypto"
import * as fs from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { asStorage } from "../node/files/asStorage.ts"
import { FsError } from "../node/fs/LayoutFs.ts"
import { localFiles } from "../node/index.ts"
import { fieldOf, isJsonObject, type Json } from "../oci/Descriptor.ts"
import { errnoOf } from "../oci/errno.ts"
import {
  ArchiveInvalid,
  InputUnsuitable,
  type RegistryError,
  type StorageError,
  type SymlinkRefused
} from "../oci/OciError.ts"
import type { CopySource } from "../ops/api/Copy.ts"
import { readSource } from "../ops/refs/copySource.ts"
import { archivedImages, digestOf } from "./archivedImages.ts"
import { lookOf } from "./files/openFile.ts"
import { openArchive } from "./makeArchive.ts"
import { type Saved, saveImages, type SaveOptions } from "./write/writeArchive.ts"

/** What adding images did. */
export interface Appended {
  readonly file: string
  /** Those that were added, with all below them. */
  readonly manifests: number
  /** All that are in it now. */
  readonly blobs: number
  /** Bytes of the file now. */
  readonly size: number
  /** Names of images that were there before. */
  readonly kept: ReadonlyArray<string>
}

/**
 * Adds images to an archive, which keeps all that it holds, under the names that it has there: the result is a plain tar that
 * is a layout and that `docker load` reads, of an archive of every kind. Each blob is checked against its digest on the way.
 * The file is whole at every moment: the old one or the new one.
 *
 * `InputUnsuitable` for a name that is another image there, `ArchiveInvalid` for a bundle, for what is compressed, and for a file
 * that changes meanwhile; what `saveImages` and `openArchive` fail with.
 */
export const appendArchive = Effect.fn("appendArchive")(function*(
  file: string,
  saved: ReadonlyArray<Saved>,
  options: Omit<SaveOptions, "format" | "have" | "onto"> = {}
): Effect.fn.Return<Appended, RegistryError, Scope.Scope> {
  // A link stays one: what it leads to is written anew.
  const path = yield* inFile(file, () => fs.realpathSync(resolve(file)))
  const before = yield* inFile(path, () => fs.statSync(path, { bigint: true }))
  const invalid = (reason: string) => new ArchiveInvalid({ path: file, reason })
  if (yield* inFile(path, () => isCompressed(path))) {
    return yield* invalid("it is compressed; unpack it first, since what is added would not be")
  }
  const { base, content, entries, registry } = yield* openArchive({ file: path })
  if (base.size > 0) return yield* invalid("it is a bundle, which is good for what it was made for alone")
  const places = new Map(entries.map((entry, at) => [isJsonObject(entry) ? fieldOf(entry, "digest") : undefined, at]))
  const placeOf = (source: CopySource): number => places.get(digestOf(source)) ?? 0
  // In the order in which they were added, so that adding what is there changes nothing.
  const held = (yield* archivedImages(registry)).toSorted((one, other) => placeOf(one.source) - placeOf(other.source))
  const tags = new Map<string, string>(
    held.flatMap(({ repository, source, tags }) =>
      tags.map((tag) => [`${repository}:${tag}`, digestOf(source)] as const)
    )
  )
  const images = held.map(({ repository, source, tags }) => ({
    source,
    names: tags.map((tag) => `${repository}:${tag}`)
  }))
  const added: Array<Saved> = []
  for (const one of saved) {
    const { descriptor: { digest } } = yield* readSource(one.source).root
    const taken = one.names.find((name) => (tags.get(name) ?? digest) !== digest)
    if (taken !== undefined) {
      return yield* new InputUnsuitable({ input: taken, reason: `is ${tags.get(taken) ?? ""} in ${file} already` })
    }
    const names = one.names.filter((name) => !tags.has(name))
    if (names.length > 0 || !isNamed(entries, digest)) added.push({ ...one, names })
  }
  const all = yield* saveImages(added, { ...options, onto: { entries, content, images } })
  const temporary = join(dirname(path), `.${basename(path)}-${randomUUID()}`)
  yield* Effect.addFinalizer(() => Effect.sync(() => fs.rmSync(temporary, { force: true })))
  yield* localFiles([dirname(path)]).create(temporary, all.content)
  const isStill = yield* inFile(path, () => {
    const now = fs.statSync(path, { bigint: true })
    return now.ino === before.ino && now.size === before.size && now.mtimeNs === before.mtimeNs
  })
  if (!isStill) return yield* invalid("it was changed meanwhile, and is as that has left it")
  yield* inFile(path, () => {
    fs.chmodSync(temporary, Number(before.mode) & 0o7777)
    fs.renameSync(temporary, path)
    const folder = fs.openSync(dirname(path), fs.constants.O_RDONLY)
    try {
      fs.fsyncSync(folder)
    } finally {
      fs.closeSync(folder)
    }
  })
  const { blobs, manifests, size } = all
  return { file: path, manifests, blobs, size, kept: Array.from(tags.keys()) }
})

const isNamed = (entries: ReadonlyArray<Json>, digest: string): boolean =>
  entries.some((entry) => isJsonObject(entry) && fieldOf(entry, "digest") === digest)

const isCompressed = (path: string): boolean => {
  const fd = fs.openSync(path, fs.constants.O_RDONLY)
  try {
    const head = new Uint8Array(512)
    const look = lookOf(head.subarray(0, fs.readSync(fd, head)))
    return look === "gzip" || look === "zstd"
  } finally {
    fs.closeSync(fd)
  }
}

const inFile = <A>(path: string, run: () => A): Effect.Effect<A, StorageError | SymlinkRefused> =>
  asStorage(dirname(path))(Effect.try({
    try: run,
    catch: (cause) => {
      const code = errnoOf(cause)
      if (code === undefined) throw cause
      return new FsError({ operation: "append", path, code, cause })
    }
  }))
