/**
 * The table of contents that a layer has of itself: the JSON that eStargz and zstd:chunked have in common. The author of
 * the layer wrote it, so it proves nothing by itself.
 */
import { Result } from "effect"
import { Base64 } from "effect/encoding"
import { fieldOf, isJsonObject, isList, type Json, type JsonObject } from "../../oci/Descriptor.ts"
import { readJson } from "../../oci/Json.ts"
import { checkpointSpan, innerBytes, type LayerLimits, pathBytes } from "../limits.ts"
import type { Checkpoint } from "../ports/LayerCodec.ts"
import type { EntryType } from "../tar/TarEntry.ts"
import { type Entry, shaBytes } from "./Entry.ts"
import { Growing } from "./Growing.ts"

/** Why it is no table. */
export class OwnTableInvalid extends Error {
  override readonly name = "OwnTableInvalid"
}

/** Why it is too much. */
export class OwnTableTooLarge extends Error {
  override readonly name = "OwnTableTooLarge"
  readonly what: string
  readonly limit: number

  constructor(what: string, limit: number) {
    super(what)
    this.what = what
    this.limit = limit
  }
}

/** What such a table says. */
export interface OwnTable {
  /**
   * The table says where files are in the blob, and not where they are in the tar: `offset` of each is a place of its
   * own, far from all others, at which a checkpoint leads to its content.
   */
  readonly entries: ReadonlyArray<Entry>
  readonly shas: Uint8Array
  readonly checkpoints: ReadonlyArray<Checkpoint>
  /** Bytes of all files. */
  readonly size: number
}

/** So far lie the places of two files from each other that no reader takes both in one go. */
const apart = 4 * checkpointSpan

/**
 * @throws OwnTableInvalid
 * @throws OwnTableTooLarge
 */
export const parseOwnTable = (
  bytes: Uint8Array,
  blobSize: number,
  limits: LayerLimits,
  emptySha: Uint8Array
): OwnTable => {
  const all = fieldOf(objectOf(Result.getOrElse(readJson(bytes), invalid)), "entries")
  if (!isList(all)) return invalid("has no entries")
  const reading = new Reading(blobSize, limits, emptySha)
  for (const one of all) reading.add(objectOf(one))
  return reading.done
}

const invalid = (reason: string): never => {
  throw new OwnTableInvalid(reason)
}

const objectOf = (value: Json | undefined): JsonObject => isJsonObject(value) ? value : invalid("has no object")

const types: ReadonlyMap<string, EntryType> = new Map([
  ["dir", "directory"],
  ["reg", "file"],
  ["symlink", "symlink"],
  ["hardlink", "hardlink"],
  ["char", "character"],
  ["block", "block"],
  ["fifo", "fifo"]
])

const digestForm = /^sha256:[0-9a-f]{64}$/u

const nothing = new Uint8Array()

class Reading {
  readonly #blobSize: number
  readonly #limits: LayerLimits
  readonly #emptySha: Uint8Array
  readonly #entries: Array<Entry> = []
  readonly #shas = new Growing()
  readonly #checkpoints: Array<Checkpoint> = []
  #size = 0
  /** The next free place. */
  #place = 0
  /** The file whose chunks come next. */
  #file: Entry | undefined

  constructor(blobSize: number, limits: LayerLimits, emptySha: Uint8Array) {
    this.#blobSize = blobSize
    this.#limits = limits
    this.#emptySha = emptySha
  }

  get done(): OwnTable {
    return { entries: this.#entries, shas: this.#shas.bytes, checkpoints: this.#checkpoints, size: this.#size }
  }

  add(said: JsonObject): void {
    const written = textAt(said, "type")
    if (written === "chunk") return this.#chunk(said)
    const type = types.get(written) ?? invalid(`has an entry of the type ${JSON.stringify(written.slice(0, 20))}`)
    if (this.#entries.length >= this.#limits.entries) throw new OwnTableTooLarge("files", this.#limits.entries)
    const isFile = type === "file"
    const size = isFile ? numberAt(said, "size", this.#limits.size) : 0
    const inner = numberAt(said, "innerOffset", innerBytes)
    const offset = size === 0 ? this.#place : this.#place + inner
    const entry: Entry = {
      type,
      name: pathAt(said, "name"),
      link: type === "symlink" || type === "hardlink" ? pathAt(said, "linkName") : "",
      size,
      stored: size,
      mode: numberAt(said, "mode") & 0o7777,
      uid: numberAt(said, "uid"),
      gid: numberAt(said, "gid"),
      mtime: timeAt(said),
      major: numberAt(said, "devMajor"),
      minor: numberAt(said, "devMinor"),
      offset,
      sparse: undefined,
      xattrs: xattrsAt(said),
      sha: isFile ? this.#sha(said, size) : -1
    }
    this.#entries.push(entry)
    this.#file = size > 0 ? entry : undefined
    if (size === 0) return
    this.#checkpoints.push({ out: this.#place, in: this.#inBlob(said), state: nothing })
    this.#place = offset + size + apart
    this.#size += size
    this.#checkSize()
  }

  /** A further part of the file before: a place in the middle of it from which it can be read. */
  #chunk(said: JsonObject): void {
    const file = this.#file ?? invalid("has a chunk of no file")
    const last = this.#checkpoints.at(-1)
    const from = numberAt(said, "chunkOffset", file.size)
    const out = file.offset + from - numberAt(said, "innerOffset", innerBytes)
    const place = this.#inBlob(said)
    // Several chunks can be in one frame: then the first of them leads to all.
    if (last !== undefined && place > last.in && out > last.out) {
      this.#checkpoints.push({ out, in: place, state: nothing })
    }
  }

  #inBlob(said: JsonObject): number {
    return numberAt(said, "offset", this.#blobSize)
  }

  #sha(said: JsonObject, size: number): number {
    const digest = textAt(said, "digest")
    if (digestForm.test(digest)) {
      this.#shas.put(
        Uint8Array.from({ length: shaBytes }, (_, at) => Number.parseInt(digest.slice(7 + 2 * at, 9 + 2 * at), 16))
      )
    } else if (digest === "" && size === 0) this.#shas.put(this.#emptySha)
    else invalid("has a file without a SHA-256")
    return this.#shas.length / shaBytes - 1
  }

  #checkSize(): void {
    const { ratio, ratioFrom, size } = this.#limits
    if (this.#size > size) throw new OwnTableTooLarge("uncompressed bytes", size)
    if (this.#size > ratioFrom && this.#size > ratio * this.#blobSize) {
      throw new OwnTableTooLarge("bytes unpacked from each byte", ratio)
    }
  }
}

const textAt = (said: JsonObject, key: string): string => {
  const text = fieldOf(said, key) ?? ""
  return typeof text === "string" ? text : invalid(`has a ${key} that is no text`)
}

/** No tar can have a zero in a name. */
const pathAt = (said: JsonObject, key: string): string => {
  const path = textAt(said, key)
  return path.length <= pathBytes && !path.includes("\0") ? path : invalid(`has a ${key} that no file can have`)
}

/** What is not there is zero. */
const numberAt = (said: JsonObject, key: string, most = Number.MAX_SAFE_INTEGER): number => {
  const value = fieldOf(said, key) ?? 0
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most
    ? value
    : invalid(`has a ${key} that is no whole number, or too large`)
}

const timeAt = (said: JsonObject): number => {
  const text = textAt(said, "modtime")
  const time = text === "" ? 0 : Date.parse(text) / 1000
  return Number.isNaN(time) ? invalid("has a time that is none") : time
}

const xattrsAt = (said: JsonObject): Entry["xattrs"] => {
  const value = fieldOf(said, "xattrs")
  if (value === undefined || value === null) return undefined
  const found = new Map<string, Uint8Array>()
  for (const [key, text] of Object.entries(objectOf(value))) {
    const decoded = typeof text === "string" ? Base64.decode(text) : invalid("has an attribute that is no text")
    found.set(key, Result.getOrElse(decoded, () => invalid("has an attribute that is no base64")))
  }
  return found.size === 0 ? undefined : found
}
