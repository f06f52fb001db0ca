/** What is installed in an image: by the records of its package managers, or by an SBOM that is attached to it. */
import { Effect } from "effect"
import type { LookError } from "../../ops/api/errors.ts"
import { reached } from "../inside/FileRow.ts"
import type { OpenImage } from "../inside/openImage.ts"
import { type EntryHandler, readEntries } from "../layers/readEntries.ts"
import { CodecFailed, type LayerCodec } from "../ports/LayerCodec.ts"
import type { Entry } from "../table/Entry.ts"
import { below } from "../tree/walk.ts"
import { type Reading, readingOf } from "./candidates.ts"
import { parseOs } from "./databases.ts"
import { GoBuildInfo } from "./goBuild.ts"
import type { OperatingSystem, Package, PackageType, Said } from "./Package.ts"
import { parseRpmHeader } from "./rpm.ts"
import { sbomOf } from "./sbom.ts"

/** What is installed in an image, and how that is known. */
export interface Packages {
  /** An SBOM that is attached to the image or to the index it is in, or its files. */
  readonly from: { readonly kind: "files" } | {
    readonly kind: "sbom"
    /** Of the manifest that has it. */
    readonly digest: string
    /** The index that it is attached to, if it is not attached to the image: it may speak of other platforms. */
    readonly index?: string
    readonly format: string
  }
  readonly system?: OperatingSystem
  /** In the order of their types, names and versions. */
  readonly packages: ReadonlyArray<Package>
  /** Files that say what is installed, and could not be read. */
  readonly unread: ReadonlyArray<{ readonly path: string; readonly reason: string }>
}

/** Where it is to be known from. */
export interface PackagesOptions {
  /** `auto`, the default, prefers an SBOM where one is attached. */
  readonly from?: "auto" | "files" | "sbom" | undefined
}

/**
 * What is installed in an image. By default what an attached SBOM says (SPDX or CycloneDX in JSON, as it is or in an in-toto
 * statement), which its author vouches for; without one, or with `files`, what dpkg, apk, rpm, pip, npm and gem
 * have recorded and what Go wrote into its programs. Nothing is run, and no vulnerability data is looked up.
 */
export const packagesOf = Effect.fn("packagesOf")(function*(
  image: OpenImage,
  { from = "auto" }: PackagesOptions = {}
): Effect.fn.Return<Packages, LookError> {
  const sbom = from === "files" ? undefined : yield* sbomOf(image)
  if (sbom === undefined && from === "sbom") return { from: { kind: "files" }, packages: [], unread: [] }
  const system = yield* systemOf(image)
  const named = system === undefined ? {} : { system }
  if (sbom !== undefined) {
    const { packages, ...which } = sbom
    return { from: { kind: "sbom", ...which }, ...named, packages: inOrder(packages), unread: [] }
  }
  const records = new Records(image.source.codec)
  for (const [layer, table] of image.tables.entries()) {
    const wanted = wantedOf(image, layer, records)
    yield* readEntries(image.source, table, wanted, records, Effect.sync)
  }
  return { from: { kind: "files" }, ...named, packages: inOrder(records.packages), unread: records.unread }
})

interface Candidate {
  readonly entry: Entry
  readonly path: string
  readonly layer: number
  readonly reading: Reading
}

/** Every file once, by its first name. */
const wantedOf = (image: OpenImage, layer: number, records: Records): ReadonlyArray<Candidate> => {
  const wanted: Array<Candidate> = []
  const seen = new Set<Entry>()
  for (const { node, path } of below(image.root, "/")) {
    if (node.kind === "folder" || node.inode.layer !== layer) continue
    const { entry } = node.inode
    const reading = readingOf(path, entry)
    if (reading === undefined || seen.has(entry)) continue
    seen.add(entry)
    if (reading.kind === "unreadable") records.unread.push({ path, reason: reading.reason })
    else wanted.push({ entry, path, layer, reading })
  }
  return wanted
}

const osReleases = ["/etc/os-release", "/usr/lib/os-release"]
const osReleaseBytes = 64 * 1024

const systemOf = Effect.fnUntraced(function*(
  image: OpenImage
): Effect.fn.Return<OperatingSystem | undefined, LookError> {
  for (const path of osReleases) {
    const found = reached(image, path, true)
    if (!("node" in found) || found.node.kind === "folder") continue
    const { entry, layer } = found.node.inode
    const table = image.tables[layer]
    if (entry.type !== "file" || entry.size > osReleaseBytes || table === undefined) continue
    const whole = new Whole(entry.size)
    yield* readEntries(image.source, table, [{ entry }], {
      begin: () => undefined,
      data: (_wanted, bytes) => whole.take(bytes),
      end: () => undefined
    }, Effect.sync)
    const system = parseOs(whole.bytes)
    if (system !== undefined) return system
  }
  return undefined
})

/** A file that is taken as a whole. */
class Whole {
  readonly bytes: Uint8Array
  #length = 0

  constructor(size: number) {
    this.bytes = new Uint8Array(size)
  }

  take(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }
}

class Records implements EntryHandler<Candidate> {
  readonly packages: Array<Package> = []
  readonly unread: Array<{ readonly path: string; readonly reason: string }> = []
  readonly #codec: LayerCodec
  #whole: Whole | undefined
  #program: GoBuildInfo | undefined

  constructor(codec: LayerCodec) {
    this.#codec = codec
  }

  begin({ entry, reading }: Candidate): void {
    this.#program = reading.kind === "program" ? new GoBuildInfo() : undefined
    this.#whole = reading.kind === "program" ? undefined : new Whole(entry.size)
  }

  data(_candidate: Candidate, bytes: Uint8Array): void {
    this.#program?.take(bytes)
    this.#whole?.take(bytes)
  }

  end(candidate: Candidate): void {
    const { path, reading } = candidate
    const bytes = this.#whole?.bytes ?? new Uint8Array()
    if (reading.kind === "program") this.#add(candidate, "go", this.#program?.end() ?? [])
    else if (reading.kind === "whole") this.#add(candidate, reading.type, reading.parse(bytes))
    else {
      try {
        const headers = this.#codec.rpmHeaders(bytes)
        this.#add(candidate, "rpm", headers.flatMap((header) => parseRpmHeader(header) ?? []))
      } catch (error) {
        if (!(error instanceof CodecFailed)) throw error
        this.unread.push({ path, reason: `cannot be read: ${error.message}` })
      }
    }
    this.#whole = this.#program = undefined
  }

  #add({ layer, path }: Candidate, type: PackageType, said: ReadonlyArray<Said>): void {
    for (const one of said) this.packages.push({ type, ...one, path, layer })
  }
}

const key = ({ name, path, type, version }: Package): string => [type, name, version, path].join("\0")

const inOrder = (packages: ReadonlyArray<Package>): ReadonlyArray<Package> =>
  packages
    .map((one) => [key(one), one] as const)
    .toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
    .map(([, one]) => one)
