/** An image, opened to be looked into: the tables of its layers, and the file system they make. */
import { Effect, Option, Result } from "effect"
import { field } from "../../oci/field.ts"
import { type ImageConfig, parseImageConfig } from "../../oci/ImageConfig.ts"
import type { Manifest } from "../../oci/Manifest.ts"
import { kindOf } from "../../oci/MediaType.ts"
import { LayerInvalid, LimitExceeded, PlatformUnknown } from "../../oci/OciError.ts"
import { images, platformsOf } from "../../oci/Platform.ts"
import type { ImageSource } from "../../ops/api/Copy.ts"
import type { LookError } from "../../ops/api/errors.ts"
import { chooseImage } from "../../ops/refs/chooseImage.ts"
import { type ReadManifest, readSource, type SourceReader } from "../../ops/refs/copySource.ts"
import { anyRepository } from "../../ops/refs/find.ts"
import type { LayerSource } from "../layers/LayerSource.ts"
import { readLayer } from "../layers/readLayer.ts"
import { imageEntries, type LayerLimits, layerLimits } from "../limits.ts"
import type { LayerCodec } from "../ports/LayerCodec.ts"
import type { LayerTable } from "../table/Entry.ts"
import { foldLayers, FoldRefused, FoldTooLong } from "../tree/foldLayers.ts"
import type { Folder } from "../tree/Node.ts"

/** An image with the tables of contents of its layers. */
export interface OpenImage {
  /** Of the manifest. */
  readonly digest: string
  /** The digest of the index through which it was chosen. */
  readonly index?: string
  readonly manifest: Manifest
  readonly config: ImageConfig | undefined
  readonly source: LayerSource
  /** Base first, as `layers` of the manifest. */
  readonly tables: ReadonlyArray<LayerTable>
  readonly root: Folder
}

/** How an image is opened. */
export interface OpenOptions {
  /**
   * Whether the tables of contents that layers of eStargz and zstd:chunked have of themselves are believed, where their
   * tars were not read yet. Each is held to the digest that the manifest says of it, and each file to the one that the table
   * says; whether the tar has the same files is not known. `always` believes them also where the tars were read, so that
   * the two can be compared. False by default.
   */
  readonly trustTables?: boolean | "always" | undefined
}

/** Looks into images, and remembers the last ones. */
export interface Inside {
  /**
   * Opens an image; of an index the one for `platform`, or else its only one. A layer that was not looked at before is
   * read once, whole. `PlatformUnknown`, `LayerUnsupported`, `LayerInvalid` (it is no tar, not
   * what the config says, or does not fit on those below it), `LimitExceeded`, `BlobUnknown`, `ContentMismatch`.
   */
  readonly open: (
    source: ImageSource,
    platform?: string,
    options?: OpenOptions
  ) => Effect.Effect<OpenImage, LookError>
}

/** So many images are remembered, and so many files of them. */
const rememberedImages = 4
const rememberedEntries = 400_000

interface Known extends Pick<OpenImage, "config" | "root" | "tables"> {
  /** The repository whose layers were read. */
  readonly repository: string
}

/**
 * Looks inside images. Layers that were read are remembered while their layout is open, and kept in its layer cache.
 */
export const makeInside = (codec: LayerCodec, limits: LayerLimits = layerLimits): Inside => {
  const remembered = new WeakMap<object, Map<string, Known>>()
  return {
    open: Effect.fn("Inside.open")(function*(from, platform, { trustTables = false } = {}) {
      const { registry } = from
      const source = { registry, repository: "refName" in from ? anyRepository : from.repository, codec, limits }
      const reader = readSource(from)
      const { descriptor: { digest }, index, manifest } = yield* imageOf(reader, platform)
      const known = remembered.get(registry) ?? new Map<string, Known>()
      remembered.set(registry, known)
      // What one repository has, another may lack, and its readers may be others.
      const key = `${source.repository} ${digest}${trustTables === false ? "" : ` by its tables, ${trustTables}`}`
      const image = known.get(key) ??
        (yield* look(source, reader, manifest, tableIn(known, source.repository), trustTables))
      known.delete(key)
      known.set(key, image)
      makeRoom(known)
      const { config, root, tables } = image
      return { digest, ...field("index", index), manifest, source, config, root, tables }
    })
  }
}

/** Images of one repository have layers in common, whose files are then the very same. */
const tableIn = (known: ReadonlyMap<string, Known>, repository: string) => (digest: string): LayerTable | undefined => {
  for (const one of known.values()) {
    if (one.repository !== repository) continue
    const found = one.tables.find((table) => table.digest === digest && table.own === undefined)
    if (found !== undefined) return found
  }
  return undefined
}

const entriesOf = (tables: ReadonlyArray<LayerTable>): number =>
  tables.reduce((sum, { entries }) => sum + entries.length, 0)

/** The last one stays in any case. */
const makeRoom = (known: Map<string, Known>): void => {
  let entries = Array.from(known.values()).reduce((sum, { tables }) => sum + entriesOf(tables), 0)
  for (const [digest, { tables }] of known) {
    if (known.size === 1 || (known.size <= rememberedImages && entries <= rememberedEntries)) return
    known.delete(digest)
    entries -= entriesOf(tables)
  }
}

interface Chosen extends ReadManifest {
  readonly index?: string
}

const imageOf = Effect.fnUntraced(function*(
  reader: SourceReader,
  platform: string | undefined
): Effect.fn.Return<Chosen, LookError> {
  if (platform !== undefined) {
    const candidates = yield* reader.candidates
    const { manifest } = yield* chooseImage(reader, candidates, platform)
    const [{ digest, mediaType }, ...others] = candidates
    return kindOf(mediaType) === "index" && others.length === 0 ? { ...manifest, index: digest } : manifest
  }
  const root = yield* reader.root
  if (root.manifest.kind !== "index") return root
  const [only, ...others] = images(root.manifest)
  if (only === undefined || others.length > 0) {
    return yield* new PlatformUnknown({ platform: "", available: platformsOf(root.manifest), reason: "unsaid" })
  }
  return { ...(yield* reader.manifest(only)), index: root.descriptor.digest }
})

const look = Effect.fnUntraced(function*(
  source: LayerSource,
  reader: SourceReader,
  { config: configDescriptor, kind, layers }: Manifest,
  known: (digest: string) => LayerTable | undefined,
  trustTables: boolean | "always"
): Effect.fn.Return<Known, LookError> {
  const config = kind !== "image" || configDescriptor === undefined
    ? undefined
    : Option.getOrUndefined(Option.getSuccess(parseImageConfig(yield* reader.document(configDescriptor))))
  const tables: Array<LayerTable> = []
  for (const [at, layer] of layers.entries()) {
    const table = yield* readLayer(source, layer, known, trustTables)
    const diffId = config?.diffIds?.[at]
    if (diffId !== undefined && table.own === undefined && diffId !== table.diffId) {
      const reason = `its content is ${table.diffId}, and the config says ${diffId}`
      return yield* new LayerInvalid({ digest: layer.digest, reason })
    }
    tables.push(table)
    if (entriesOf(tables) > imageEntries) {
      return yield* new LimitExceeded({ what: "files of an image", limit: imageEntries })
    }
  }
  return { repository: source.repository, config, tables, root: yield* Effect.fromResult(folded(tables)) }
})

/** The file system of layers; `after` is told of it after each. */
export const folded = (
  tables: ReadonlyArray<LayerTable>,
  after?: (layer: number, root: Folder) => void
): Result.Result<Folder, LayerInvalid | LimitExceeded> =>
  Result.try({
    try: () => foldLayers(tables.map(({ entries }) => entries), after),
    catch: (error) => {
      if (error instanceof FoldRefused) {
        return new LayerInvalid({ digest: tables[error.layer]?.digest ?? "", reason: error.message })
      }
      if (error instanceof FoldTooLong) return new LimitExceeded({ what: "names of an image", limit: imageEntries })
      throw error
    }
  })
