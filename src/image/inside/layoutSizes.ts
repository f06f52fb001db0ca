/** What takes the space of the images of a layout: by image and layer, and what is there for nothing. */
import { Effect, Stream } from "effect"
import { images } from "../../oci/Platform.ts"
import type { ListTagsError, LookError } from "../../ops/api/errors.ts"
import type { RegistryReads } from "../../ops/api/Registry.ts"
import { readSource } from "../../ops/refs/copySource.ts"
import type { LayerTable } from "../table/Entry.ts"
import type { Inside } from "./openImage.ts"
import { sizesOf } from "./sizes.ts"

/** What one image takes. */
export interface ImageSize {
  readonly digest: string
  /** `repository:tag`, of all tags that lead to it. */
  readonly names: ReadonlyArray<string>
  /** Bytes of its layers; of these, what no other image has. */
  readonly blobs: number
  readonly unique: number
  /** Bytes of files that later layers replace or delete, and of files that it has more than once. */
  readonly hidden: number
  readonly repeated: number
}

/** A layer, and how many images have it. */
export interface SharedLayer {
  readonly digest: string
  readonly blob: number
  /** Bytes of the files in it; of these, those that an earlier layer of the list has as well, under any name. */
  readonly files: number
  readonly alike: number
  readonly images: number
}

/** Where the bytes of the images of a layout are. */
export interface LayoutSizes {
  /** Bytes of all layers, each once. */
  readonly blobs: number
  /** The images, those first that nothing else needs most bytes of. */
  readonly images: ReadonlyArray<ImageSize>
  /** The layers, the largest first. */
  readonly layers: ReadonlyArray<SharedLayer>
  /** Images that could not be looked into. */
  readonly failures: ReadonlyArray<{ readonly names: ReadonlyArray<string>; readonly failure: LookError }>
}

/** Contents of files that are compared; of further ones it is not known whether another layer has them. */
const mostContents = 2_000_000

/** Looks into all tagged images of a registry, or of one repository, each once. */
export const layoutSizes = Effect.fn("layoutSizes")(function*(
  registry: RegistryReads,
  inside: Inside,
  repository?: string
): Effect.fn.Return<LayoutSizes, ListTagsError | LookError> {
  const named = yield* namesOf(registry, repository)
  const layers = new Layers()
  const failures: Array<LayoutSizes["failures"][number]> = []
  const found: Array<Omit<ImageSize, "unique"> & { readonly layers: ReadonlyArray<string> }> = []
  for (const [digest, { names, repository }] of named) {
    const opened = yield* Effect.result(inside.open({ registry, repository, reference: digest }))
    if (opened._tag === "Failure") {
      failures.push({ names, failure: opened.failure })
      continue
    }
    const { blobs, hidden, repeated } = sizesOf(opened.success, 0)
    const { tables } = opened.success
    layers.add(tables)
    found.push({ digest, names, blobs, hidden, repeated, layers: tables.map((table) => table.digest) })
  }
  return {
    blobs: layers.all.reduce((sum, { blob }) => sum + blob, 0),
    images: found
      .map(({ layers: own, ...image }): ImageSize => ({ ...image, unique: layers.uniqueOf(own) }))
      .toSorted((a, b) => b.unique - a.unique || b.blobs - a.blobs),
    layers: layers.all.toSorted((a, b) => b.blob - a.blob),
    failures
  }
})

/** Every image that a tag leads to, with its tags. */
const namesOf = Effect.fnUntraced(function*(registry: RegistryReads, only: string | undefined) {
  const named = new Map<string, { readonly repository: string; readonly names: Array<string> }>()
  const repositories: Stream.Stream<string, ListTagsError> = only === undefined
    ? registry.repositories()
    : Stream.succeed(only)
  for (const repository of yield* Stream.runCollect(repositories)) {
    for (const tag of yield* Stream.runCollect(registry.tags(repository))) {
      const { descriptor, manifest } = yield* readSource({ registry, repository, reference: tag }).root
      const children = manifest.kind === "image" ? [descriptor] : images(manifest)
      for (const { digest } of children) {
        const known = named.get(digest) ?? { repository, names: [] }
        named.set(digest, known)
        known.names.push(`${repository}:${tag}`)
      }
    }
  }
  return named
})

class Layers {
  readonly #layers = new Map<string, { blob: number; files: number; alike: number; images: number }>()
  readonly #contents = new Set<string>()

  get all(): ReadonlyArray<SharedLayer> {
    return Array.from(this.#layers, ([digest, layer]) => ({ digest, ...layer }))
  }

  /** Of an image: each of its layers once. */
  add(tables: ReadonlyArray<LayerTable>): void {
    for (const table of new Map(tables.map((table) => [table.digest, table])).values()) {
      const known = this.#layers.get(table.digest)
      if (known === undefined) this.#layers.set(table.digest, this.#look(table))
      else known.images++
    }
  }

  #look({ blobSize, entries, shas }: LayerTable) {
    let [files, alike] = [0, 0]
    const own: Array<string> = []
    for (const { sha, size, type } of entries) {
      if (type !== "file" || size === 0) continue
      files += size
      const content = String.fromCharCode(...Array.from(shas.subarray(sha * 32, sha * 32 + 32)))
      if (this.#contents.has(content)) alike += size
      else if (this.#contents.size + own.length < mostContents) own.push(content)
    }
    for (const content of own) this.#contents.add(content)
    return { blob: blobSize, files, alike, images: 1 }
  }

  uniqueOf(digests: ReadonlyArray<string>): number {
    return Array.from(new Set(digests)).reduce((sum, digest) => {
      const layer = this.#layers.get(digest)
      return layer?.images === 1 ? sum + layer.blob : sum
    }, 0)
  }
}
