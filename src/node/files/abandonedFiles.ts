/** What interrupted tools leave in a layout, told by its name, and strangers under `blobs/`. */
import { Clock, Effect, Option, Stream } from "effect"
import { join } from "node:path"
import { algorithms, isContentDigest } from "../../oci/Digest.ts"
import { leftoverMillis } from "../../ops/limits.ts"
import { isUnfinished, type Leftover, type Leftovers } from "../../ops/ports/Leftovers.ts"
import type { FileStat, FsError } from "../fs/LayoutFs.ts"
import { asStorage } from "./asStorage.ts"
import { removeFolder } from "./durable.ts"
import { guard, ifThere, type LayoutFiles, statIfThere } from "./layoutFiles.ts"

interface Form {
  readonly tool: string
  /** Of the path relative to the layout. */
  readonly form: RegExp
  readonly kind: "file" | "directory"
  /** Whether it may be removed after a day. An unfinished upload may be continued, so it may not. */
  readonly removable: boolean
}

/** Where each tool puts what it has not finished, the first that fits counting. */
const forms: ReadonlyArray<Form> = [
  { tool: "ocilayout", form: /^\.ocilayout\/tmp\/[^/]+$/u, kind: "file", removable: true },
  { tool: "skopeo, podman or buildah", form: /^oci-put-blob\d*$/u, kind: "file", removable: true },
  { tool: "umoci", form: /^\.umoci-[^/]+$/u, kind: "directory", removable: true },
  { tool: "oras", form: /^ingest\/[^/]+$/u, kind: "file", removable: true },
  { tool: "docker/oci", form: /^index\.json\.tmp$/u, kind: "file", removable: true },
  { tool: "regctl", form: /^index\.json\.[^/]+\.tmp$/u, kind: "file", removable: true },
  { tool: "regctl", form: /^blobs\/sha(?:256|512)\/[^/]+\.tmp$/u, kind: "file", removable: true },
  { tool: "crane", form: /^blobs\/sha256\/[0-9a-f]{64}\d+$/u, kind: "file", removable: true },
  { tool: "docker/oci", form: /^blobs\/uploads\/[^/]+$/u, kind: "file", removable: false }
]

const formOf = (path: string): Form | undefined => forms.find(({ form }) => form.test(path))

/** The folders that are searched, not recursively. A folder that is a link is skipped. */
const folders = ["", "ingest", ".ocilayout/tmp", "blobs", "blobs/uploads", ...algorithms.map((name) => `blobs/${name}`)]

/** Part of every layout, and nothing to be told of. */
const isOwn = (path: string): boolean => {
  if (folders.includes(path)) return true
  const [, algorithm, encoded] = /^blobs\/([^/]+)\/([^/]+)$/u.exec(path) ?? []
  return isContentDigest(`${algorithm}:${encoded}`)
}

const at = (files: LayoutFiles, path: string): string => join(files.root, ...path.split("/"))

/** What is left over at a path; nothing where there is nothing, or what is part of the layout. */
const look = Effect.fnUntraced(function*(
  files: LayoutFiles,
  path: string
): Effect.fn.Return<Option.Option<Leftover>, FsError> {
  if (isOwn(path)) return Option.none()
  const form = formOf(path)
  // Unknown files outside of blobs/ are ignored.
  if (form === undefined && !path.startsWith("blobs/")) return Option.none()
  const stat = yield* statIfThere(files.fs, at(files, path))
  if (stat === undefined) return Option.none()
  const inside = stat.kind === "directory" ? yield* within(files, at(files, path)) : []
  const all = [stat, ...inside.flatMap(({ stat }) => stat ?? [])]
  return Option.some({
    path,
    tool: form?.tool,
    bytes: all.reduce((sum, { kind, size }) => sum + (kind === "file" ? size : 0), 0),
    changed: Math.max(...all.map(changedAt)),
    // A folder in a folder is more than any tool leaves: a person may have put it there.
    removable: form?.removable === true && form.kind === stat.kind && inside.every(({ stat }) => stat?.kind === "file")
  })
})

/** A temporary file of another tool that was touched within a day: the tool may be at work. */
export const findUnfinished = Effect.fnUntraced(function*(
  files: LayoutFiles
): Effect.fn.Return<Leftover | undefined, FsError> {
  const now = yield* Clock.currentTimeMillis
  for (const folder of folders) {
    for (const path of yield* namesIn(files, at(files, folder), folder)) {
      const found = Option.getOrUndefined(yield* look(files, path))
      if (found !== undefined && isUnfinished(found, now)) return found
    }
  }
  return undefined
})

export const makeLeftovers = (files: LayoutFiles): Leftovers => {
  const storage = asStorage(files.root)
  const list = Stream.fromIterable(folders).pipe(
    Stream.mapEffect((folder) => storage(namesIn(files, at(files, folder), folder))),
    Stream.flatMap((paths) => Stream.fromIterable(paths)),
    Stream.mapEffect((path) => storage(look(files, path))),
    Stream.flatMap((found) => Stream.fromIterable(Option.toArray(found)))
  )

  const remove: Leftovers["remove"] = Effect.fnUntraced(function*(path) {
    const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ""
    // Only what the list could have told of: nothing in it leads anywhere else.
    const paths = folders.includes(folder) ? yield* storage(namesIn(files, at(files, folder), folder)) : []
    const found = paths.includes(path) ? yield* storage(look(files, path)) : Option.none()
    const now = yield* Clock.currentTimeMillis
    if (Option.isNone(found) || !found.value.removable || now - found.value.changed < leftoverMillis) {
      return Option.none()
    }
    const kind = formOf(path)?.kind
    yield* storage(
      ifThere(kind === "directory" ? removeFolder(files, at(files, path)) : files.fs.unlink(at(files, path)))
    )
    return Option.some(found.value.bytes)
  })

  return { list, remove }
}

const changedAt = ({ mtimeNs }: FileStat): number => Number(mtimeNs / 1_000_000n)

/** What a folder holds, as paths relative to the layout; nothing in what is no folder. */
const namesIn = Effect.fnUntraced(function*(
  files: LayoutFiles,
  path: string,
  folder: string
): Effect.fn.Return<ReadonlyArray<string>, FsError> {
  const names = (yield* readFolder(files, path)) ?? []
  return names.toSorted().map((name) => folder === "" ? name : `${folder}/${name}`)
})

/** Nothing where a link leads to it, whatever the policy: files elsewhere are not the layout's to remove. */
const readFolder = Effect.fnUntraced(function*(
  files: LayoutFiles,
  path: string
): Effect.fn.Return<ReadonlyArray<string> | undefined, FsError> {
  if (path !== files.root) {
    const guarded = yield* Effect.result(guard({ ...files, symlinks: "refuse" }, join(path, "any")))
    if (guarded._tag === "Failure") {
      return guarded.failure._tag === "FsError" ? yield* guarded.failure : undefined
    }
    if ((yield* statIfThere(files.fs, path))?.kind !== "directory") return undefined
  }
  return yield* ifThere(files.fs.readDirectory(path))
})

/** What lies directly in a folder. */
const within = Effect.fnUntraced(function*(files: LayoutFiles, path: string) {
  const names = (yield* ifThere(files.fs.readDirectory(path))) ?? []
  return yield* Effect.forEach(
    names,
    (name) => Effect.map(statIfThere(files.fs, join(path, name)), (stat) => ({ stat }))
  )
})
