/** Opens the stores of one layout directory. Nothing is read or written before the first operation. */
import { Duration, Effect, type Scope } from "effect"
import type { WriteFault } from "../oci/faults.ts"
import type { Repository } from "../oci/Reference.ts"
import { makeManifests } from "../ops/manifests/manifests.ts"
import type { Stores } from "../ops/ports/Stores.ts"
import { makeBlobStore } from "./blobs/blobFiles.ts"
import { makeCompletion } from "./commit/completion.ts"
import { makePreparation } from "./commit/initLayout.ts"
import { makeJournal } from "./commit/journalStore.ts"
import { makeLayoutStore } from "./commit/layoutStore.ts"
import { makeLeftovers } from "./files/abandonedFiles.ts"
import { asStorage } from "./files/asStorage.ts"
import { hasher } from "./files/hasher.ts"
import { type HistoryLimits, historyLimits } from "./files/historyLimits.ts"
import { type Durability, type HoldPolicy, layoutFiles, type SymlinkPolicy } from "./files/layoutFiles.ts"
import { makeTrusted } from "./files/trusted.ts"
import { heldFolders } from "./fs/heldFolders.ts"
import type { LayoutFs } from "./fs/LayoutFs.ts"
import { patientFs } from "./fs/patientFs.ts"
import { makeIndexCache } from "./index/indexCache.ts"
import { makeInspection } from "./repair/inspectFiles.ts"
import { makeLayerCache } from "./sidecars/layerFiles.ts"
import { makeFacts } from "./sidecars/metadataFiles.ts"
import { makePins } from "./sidecars/pinFiles.ts"
import { makePlans } from "./sidecars/planFiles.ts"
import { makeUploadStore } from "./uploads/uploadFiles.ts"

/** How much of its history a layout keeps, and in files of which size. */
export interface HistoryOptions {
  /** How long a commit is kept at least; 90 days by default. */
  readonly keep?: Duration.Input | undefined
  /** How many commits are kept at least, whatever their age; 100,000 by default. */
  readonly keepCommits?: number | undefined
  /** Bytes after which a file of the journal ends; 1 MiB by default. */
  readonly segmentBytes?: number | undefined
  /** How many times the bytes of the index a file of the journal has at least; 4 by default. */
  readonly segmentIndexes?: number | undefined
}

const limitsOf = ({ keep, keepCommits, segmentBytes, segmentIndexes }: HistoryOptions = {}): HistoryLimits => ({
  segmentBytes: segmentBytes ?? historyLimits.segmentBytes,
  segmentIndexes: segmentIndexes ?? historyLimits.segmentIndexes,
  keepMillis: keep === undefined ? historyLimits.keepMillis : Duration.toMillis(keep),
  keepCommits: keepCommits ?? historyLimits.keepCommits
})

/** Where a layout is, and how it is opened. */
export interface LayoutOptions {
  /** The layout's directory, or the root of a tree of layouts; absolute. */
  readonly directory: string
  /** What an acknowledged change survives; `power` by default: a power cut. */
  readonly durability?: Durability | undefined
  /** Whether links inside a layout are refused (the default), followed while they stay inside, or followed. */
  readonly symlinks?: SymlinkPolicy | undefined
  /** For how long content has a second name that other tools' collections do not know; `always` by default. */
  readonly hold?: HoldPolicy | undefined
  /** How long a writer waits for the lock before it fails with `LayoutLocked`; 30 seconds by default. */
  readonly lockWait?: Duration.Input | undefined
  /** How much of its history a layout keeps; 90 days and 100,000 commits at least by default. */
  readonly history?: HistoryOptions | undefined
}

const lockWait = Duration.seconds(30)

export interface OpenStores extends Stores {
  /** Lets go of what is kept of the index, the open file included; the next look reads it again. */
  readonly release: Effect.Effect<void>
  /** Makes the layout where there is none; otherwise it is made by the first write. */
  readonly establish: Effect.Effect<void, WriteFault>
}

/**
 * The file system for a layout, or for all that lie below a directory: links in it are refused unless they are allowed.
 */
export const layoutFs = (
  fs: LayoutFs,
  { directory, symlinks = "refuse" }: LayoutOptions
): Effect.Effect<LayoutFs, never, Scope.Scope> => {
  const patient = patientFs(fs)
  return symlinks === "refuse" ? heldFolders(patient, directory) : Effect.succeed(patient)
}

export const openStores = (
  fs: LayoutFs,
  options: LayoutOptions,
  defaultRepository: Repository | undefined
): Effect.Effect<OpenStores, never, Scope.Scope> =>
  Effect.flatMap(layoutFs(fs, options), (fs) => openStoresIn(fs, options, defaultRepository))

/**
 * As `openStores`, by a file system made for its layout or for a directory above it.
 *
 * @param tree the directory of the layouts that this one is among: its folder takes the rights of that one, and its path
 *   says the repository; else the default repository is written down with the first change
 */
export const openStoresIn = Effect.fnUntraced(function*(
  fs: LayoutFs,
  options: LayoutOptions,
  defaultRepository: Repository | undefined,
  tree?: string
): Effect.fn.Return<OpenStores, never, Scope.Scope> {
  const files = layoutFiles(fs, options.directory, {
    durability: options.durability ?? "power",
    symlinks: options.symlinks ?? "refuse",
    history: limitsOf(options.history),
    hold: options.hold,
    ...(tree === undefined ? { defaultRepository } : { tree })
  })
  const lockWaitMillis = Duration.toMillis(options.lockWait ?? lockWait)
  const cache = yield* makeIndexCache(files, defaultRepository)
  const preparation = makePreparation(files, cache.look)
  const trusted = makeTrusted()
  const blobs = makeBlobStore(files, preparation, trusted)
  const completion = makeCompletion(files, trusted, { blobs, manifests: makeManifests(blobs, hasher) })
  return {
    layout: yield* makeLayoutStore(files, { cache, completion }, lockWaitMillis),
    journal: makeJournal(files, cache),
    blobs,
    uploads: makeUploadStore(files, preparation, trusted),
    pins: makePins(files, preparation),
    plans: makePlans(files, preparation),
    facts: yield* makeFacts(files),
    layers: yield* makeLayerCache(files),
    upkeep: makeInspection(files, defaultRepository, lockWaitMillis),
    leftovers: makeLeftovers(files),
    release: cache.forget,
    establish: Effect.andThen(preparation.foldersCreated, asStorage(files.root)(preparation.layoutCreated))
  }
})
