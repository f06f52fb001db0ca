/** Images to be looked into: of one layer, `v1`, and the same with a small one above it, `v2`. */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { file, tar } from "../../image/support/tars.ts"

export interface Sample {
  readonly name: string
  readonly files: number
  readonly compression: "gzip" | "zstd"
  /** The layer. */
  readonly blob: string
  readonly layout: string
}

interface Wish {
  readonly name: string
  readonly files: number
  /** Of each file. */
  readonly bytes: number
}

export const fileName = (at: number): string => {
  const digits = String(at).padStart(6, "0")
  return `usr/share/d${digits.slice(0, 3)}/s${digits.slice(3, 4)}/file-${digits}.txt`
}

/** Text that compresses about as files do, and is the same in each run. */
const text = (bytes: number, seed: number): Buffer => {
  const words = Array.from(
    { length: 997 },
    (_, at) => createHash("sha256").update(String(at)).digest("hex").slice(0, 7)
  )
  const parts: Array<string> = []
  let state = seed
  for (let size = 0; size < bytes; size += 8) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    parts.push(`${words[state % words.length] ?? ""} `)
  }
  return Buffer.from(parts.join("")).subarray(0, bytes)
}

const sha256 = (path: string): string => {
  const hash = createHash("sha256")
  const handle = fs.openSync(path, "r")
  const buffer = Buffer.alloc(1024 * 1024)
  for (let count = fs.readSync(handle, buffer); count > 0; count = fs.readSync(handle, buffer)) {
    hash.update(buffer.subarray(0, count))
  }
  fs.closeSync(handle)
  return hash.digest("hex")
}

const commands = { gzip: "gzip -1 -n", zstd: "zstd -q -3" } as const

/** One sample for each compression that there is a command for. */
export const makeImage = (folder: string, { bytes, files, name }: Wish): ReadonlyArray<Sample> => {
  fs.mkdirSync(folder, { recursive: true })
  const archive = join(folder, "layer.tar")
  const handle = fs.openSync(archive, "w")
  for (let at = 0; at < files; at++) fs.writeSync(handle, file(fileName(at), text(bytes, at + 1)))
  fs.writeSync(handle, Buffer.alloc(1024))
  fs.closeSync(handle)
  const small = join(folder, "small.tar")
  fs.writeFileSync(small, tar(file(fileName(1), "changed"), file("new", "new")))
  const samples = (["gzip", "zstd"] as const).flatMap((compression) => {
    const layout = join(folder, compression)
    fs.mkdirSync(join(layout, "blobs/sha256"), { recursive: true })
    const layers = [archive, small].map((source) => {
      const blob = join(folder, "blob")
      const made = spawnSync("sh", ["-c", `${commands[compression]} < '${source}' > '${blob}'`])
      return made.status === 0 ? { diffId: `sha256:${sha256(source)}`, ...put(layout, blob, compression) } : undefined
    })
    const [large, upper] = layers
    if (large === undefined || upper === undefined) return []
    const manifests = [["v1", [large]], ["v2", [large, upper]]] as const
    writeIndex(layout, manifests.map(([tag, own]) => manifestOf(layout, tag, own)))
    return [{ name, files, compression, blob: large.path, layout }]
  })
  fs.rmSync(archive)
  return samples
}

interface Layer {
  readonly diffId: string
  readonly path: string
  readonly descriptor: object
}

const put = (layout: string, source: string, compression: "gzip" | "zstd"): Omit<Layer, "diffId"> => {
  const hex = sha256(source)
  const path = join(layout, "blobs/sha256", hex)
  const { size } = fs.statSync(source)
  fs.renameSync(source, path)
  const mediaType = `application/vnd.oci.image.layer.v1.tar+${compression}`
  return { path, descriptor: { mediaType, digest: `sha256:${hex}`, size } }
}

const putJson = (layout: string, document: object, mediaType: string): object => {
  const bytes = Buffer.from(JSON.stringify(document))
  const hex = createHash("sha256").update(bytes).digest("hex")
  fs.writeFileSync(join(layout, "blobs/sha256", hex), bytes)
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"

const manifestOf = (layout: string, tag: string, layers: ReadonlyArray<Layer>): object => {
  const config = {
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) }
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: putJson(layout, config, "application/vnd.oci.image.config.v1+json"),
    layers: layers.map(({ descriptor }) => descriptor)
  }
  return {
    ...putJson(layout, manifest, manifestType),
    annotations: { "org.opencontainers.image.ref.name": tag }
  }
}

const writeIndex = (layout: string, manifests: ReadonlyArray<object>): void => {
  const mediaType = "application/vnd.oci.image.index.v1+json"
  fs.writeFileSync(join(layout, "oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}")
  fs.writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, mediaType, manifests }))
}
