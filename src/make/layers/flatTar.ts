/** The file system of an image as one tar. */
import { Effect, Queue, Stream } from "effect"
import type { OpenImage } from "../../image/inside/openImage.ts"
import { type EntryHandler, readEntries } from "../../image/layers/readEntries.ts"
import type { Entry } from "../../image/table/Entry.ts"
import { bytesOf } from "../../image/tar/bytes.ts"
import { entryOf, type Folder, type Inode, type Leaf, modeOf } from "../../image/tree/Node.ts"
import type { LookError } from "../../ops/api/errors.ts"
import { tarEnd, type TarFile, tarHeader, tarPadding } from "../tar/tarHeader.ts"

/** Pieces that may wait for their consumer. */
const waitingPieces = 16

interface Wanted {
  readonly entry: Entry
  readonly name: string
}

/**
 * What a container of an image sees, as a tar: folders first, then links and devices, then files in the order of the layers,
 * and further names of them last. Whiteouts are carried out. `LayerInvalid` where a file is not what it was at the first look.
 */
export const flatTar = (image: OpenImage): Stream.Stream<Uint8Array, LookError> =>
  Stream.callback<Uint8Array, LookError>(
    (queue) => Queue.into(written(image, (bytes) => Effect.asVoid(Queue.offer(queue, bytes))), queue),
    { bufferSize: waitingPieces, strategy: "suspend" }
  )

const written = Effect.fnUntraced(function*(
  image: OpenImage,
  tell: (bytes: Uint8Array) => Effect.Effect<void>
): Effect.fn.Return<void, LookError> {
  const plan = new Plan(image.tables.length)
  plan.folder(image.root)
  for (const header of plan.headers) yield* tell(header)
  const files = new Files()
  const attempt = (run: () => void): Effect.Effect<void> =>
    Effect.suspend(() => {
      run()
      return Effect.forEach(files.take(), tell, { discard: true })
    })
  for (const [at, table] of image.tables.entries()) {
    yield* readEntries(image.source, table, plan.wanted[at] ?? [], files, attempt)
  }
  for (const header of plan.further()) yield* tell(header)
  yield* tell(tarEnd())
})

/** What comes when. */
class Plan {
  readonly headers: Array<Uint8Array> = []
  /** By layer. */
  readonly wanted: ReadonlyArray<Array<Wanted>>
  readonly #others: Array<Uint8Array> = []
  readonly #names = new Map<Inode, { readonly first: string; readonly others: Array<string> }>()

  constructor(layers: number) {
    this.wanted = Array.from({ length: layers }, () => [])
  }

  /** No recursion, since folders lie in each other thousands deep. */
  folder(root: Folder): void {
    const waiting: Array<readonly [Folder, string]> = [[root, ""]]
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [folder, path] = next
      const entry = entryOf(folder)
      if (path !== "") {
        this.headers.push(tarHeader({ ...attributes(entry, modeOf(folder)), type: "directory", ...named(path) }))
      }
      const names = Array.from(folder.kids.keys()).toSorted()
      for (const name of names) {
        const node = folder.kids.get(name)
        if (node?.kind === "folder") waiting.push([node, `${path}${name}/`])
        else if (node !== undefined) this.#leaf(node, `${path}${name}`)
      }
    }
    this.headers.push(...this.#others)
  }

  #leaf({ inode }: Leaf, path: string): void {
    const { entry, layer } = inode
    const known = this.#names.get(inode)
    if (known !== undefined) return void known.others.push(path)
    this.#names.set(inode, { first: path, others: [] })
    if (entry.type === "file") return void this.wanted[layer]?.push({ entry, name: path })
    const type = entry.type === "symlink" || entry.type === "character" || entry.type === "block" ? entry.type : "fifo"
    this.#others.push(tarHeader({
      ...attributes(entry, entry.mode),
      ...named(path),
      type,
      ...(type === "symlink" ? { link: bytesOf(entry.link) } : {}),
      major: entry.major,
      minor: entry.minor
    }))
  }

  /** Names that a file has beside its first. */
  *further(): Generator<Uint8Array, void> {
    for (const [{ entry }, { first, others }] of this.#names) {
      for (const other of others) {
        yield tarHeader({ ...attributes(entry, entry.mode), ...named(other), type: "hardlink", link: bytesOf(first) })
      }
    }
  }
}

const named = (path: string): Pick<TarFile, "name" | "size"> => ({ name: bytesOf(path), size: 0 })

/** Times in whole seconds, as ustar has them. */
const attributes = (
  entry: Pick<Entry, "gid" | "mtime" | "uid" | "xattrs"> | undefined,
  mode: number
): Pick<TarFile, "gid" | "mode" | "mtime" | "uid" | "xattrs"> => ({
  mode,
  uid: entry?.uid ?? 0,
  gid: entry?.gid ?? 0,
  mtime: Math.floor(entry?.mtime ?? 0),
  xattrs: entry?.xattrs
})

/** Headers and bytes of files, as they are read. */
class Files implements EntryHandler<Wanted> {
  #pieces: Array<Uint8Array> = []

  take(): ReadonlyArray<Uint8Array> {
    const pieces = this.#pieces
    this.#pieces = []
    return pieces
  }

  begin({ entry, name }: Wanted): void {
    this.#pieces.push(
      tarHeader({ ...attributes(entry, entry.mode), type: "file", name: bytesOf(name), size: entry.size })
    )
  }

  data(_wanted: Wanted, bytes: Uint8Array): void {
    this.#pieces.push(new Uint8Array(bytes))
  }

  end({ entry: { size } }: Wanted): void {
    this.#pieces.push(tarPadding(size))
  }
}
