/**
 * What was found out about layers: tables of contents, and places to read on from. A file for each, which is good for
 * nothing else: without it the layer is read again. Each is sealed with the key of the user, for the very layer that its
 * name says: those of others, and those that came with a layout, are not believed.
 */
import { Effect, Option } from "effect"
import { join } from "node:path"
import { algorithmOf, type ContentDigest, encodedOf } from "../../oci/Digest.ts"
import type { SymlinkRefused } from "../../oci/OciError.ts"
import type { LayerCache, LayerPart } from "../../ops/api/LayerCache.ts"
import { makeFolder, withTemporary } from "../files/durable.ts"
import { guard, ifThere, type LayoutFiles, openRegular, readAll, statIfThere } from "../files/layoutFiles.ts"
import type { FsError } from "../fs/LayoutFs.ts"
import { isSealed, sealLength, sealOf, UserKey } from "../fs/userKey.ts"

/** Whose it is as far as the key tells, of which layer, and what of it. */
const form = /^[0-9a-f]{16}\.[0-9a-f]{64,128}\.(?:table|checkpoints)$/u

/** What one file may have, in bytes. */
const largest = 256 * 1024 * 1024

/** What all files together may take: the oldest make room. */
const mostBytes = 1024 * 1024 * 1024
const mostFiles = 2048

interface Own {
  readonly key: Uint8Array
  readonly path: string
  readonly purpose: string
}

export const makeLayerCache = Effect.fnUntraced(function*(files: LayoutFiles): Effect.fn.Return<LayerCache> {
  const userKey = yield* UserKey
  const own = (digest: ContentDigest, part: LayerPart, use: "sealing" | "looking") =>
    Effect.sync((): Own | undefined => {
      const key = userKey(use)
      if (key === undefined || algorithmOf(digest) !== "sha256") return undefined
      const user = sealOf(key, "name", "layers").slice(0, 16)
      return { key, path: join(files.layers, `${user}.${encodedOf(digest)}.${part}`), purpose: `${part} of ${digest}` }
    })

  return {
    load: (digest, part) =>
      own(digest, part, "looking").pipe(
        Effect.flatMap((it) => it === undefined ? Effect.succeedNone : read(files, it)),
        // What cannot be read costs time and nothing else.
        Effect.orElseSucceed(() => Option.none())
      ),
    save: (digest, part, bytes) =>
      Effect.ignore(Effect.gen(function*() {
        // A layout that we have never written stays as it is.
        if (bytes.length > largest || (yield* statIfThere(files.fs, files.own)) === undefined) return
        const it = yield* own(digest, part, "sealing")
        if (it === undefined) return
        yield* write(files, it, bytes)
        yield* makeRoom(files)
      }))
  }
})

const read = (files: LayoutFiles, { key, path, purpose }: Own) =>
  Effect.scoped(Effect.gen(function*() {
    const opened = yield* ifThere(openRegular(files, path))
    if (opened === undefined || opened.stat.size > largest + sealLength) return Option.none<Uint8Array>()
    const all = yield* readAll(opened.handle, opened.stat.size)
    const seal = Buffer.from(all.buffer, all.byteOffset, Math.min(sealLength, all.length)).toString("latin1")
    const bytes = all.subarray(sealLength)
    return isSealed(key, purpose, bytes, seal) ? Option.some(bytes) : Option.none()
  }))

/** Never synced: a file that a power cut tears has no seal. */
const write = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { key, path, purpose }: Own,
  bytes: Uint8Array
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  yield* guard(files, path)
  yield* makeFolder(files, files.layers)
  yield* withTemporary(files, "layer", (temporary, handle) =>
    Effect.gen(function*() {
      yield* handle.write(Buffer.from(sealOf(key, purpose, bytes)), 0)
      yield* handle.write(bytes, sealLength)
      yield* files.fs.rename(temporary, path)
    }))
})

/** Lets go of the oldest files of all users where there are too many. */
const makeRoom = Effect.fnUntraced(function*(files: LayoutFiles): Effect.fn.Return<void, FsError | SymlinkRefused> {
  const names = ((yield* ifThere(files.fs.readDirectory(files.layers))) ?? []).filter((name) => form.test(name))
  const paths = names.map((name) => join(files.layers, name))
  const stats = yield* files.fs.linkStats(paths)
  const newest = paths.flatMap((path, place) => {
    const stat = stats[place]
    return stat?.kind === "file" ? [{ path, size: stat.size, mtimeNs: stat.mtimeNs }] : []
  }).toSorted((a, b) => a.mtimeNs < b.mtimeNs ? 1 : -1)
  let bytes = 0
  for (const [place, { path, size }] of newest.entries()) {
    bytes += size
    if (bytes > mostBytes || place >= mostFiles) yield* ifThere(files.fs.unlink(path))
  }
})
