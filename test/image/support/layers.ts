/** Layers and images for tests: of few files, with all that can be in a tar. */
import { createHash } from "node:crypto"
import { gzipSync } from "node:zlib"
import { LayerPass } from "../../../src/image/layers/LayerPass.ts"
import { layerLimits } from "../../../src/image/limits.ts"
import type { LayerTable } from "../../../src/image/table/Entry.ts"
import { readTable } from "../../../src/image/table/readTable.ts"
import { layerCodec } from "../../../src/node/layers/layerCodec.ts"
import { file, header, longName, pax, tar } from "./tars.ts"

export type Written =
  | readonly [name: string, kind: "f", content: string, mode?: number]
  | readonly [name: string, kind: "d", mode: number]
  | readonly [name: string, kind: "s" | "h", target: string, mode?: number]
  | readonly [name: string, kind: "c", device: readonly [number, number]]

const part = (entry: Written): Buffer => {
  const [name] = entry
  const long = Buffer.byteLength(name) > 100 ? [pax({ path: name })] : []
  switch (entry[1]) {
    case "f":
      return Buffer.concat([...long, file(name, entry[2], { mode: entry[3] ?? 0o644 })])
    case "d":
      return Buffer.concat([
        ...long,
        header({ name: name.endsWith("/") ? name : `${name}/`, type: "5", mode: entry[2] })
      ])
    case "s":
      return Buffer.concat([...long, longName(entry[2], "K"), header({ name, type: "2", link: "x", mode: 0o777 })])
    case "h":
      return Buffer.concat([
        ...long,
        longName(entry[2], "K"),
        header({ name, type: "1", link: "x", mode: entry[3] ?? 0o644 })
      ])
    case "c":
      return header({ name, type: "3", major: entry[2][0], minor: entry[2][1] })
  }
}

export const layerTar = (entries: ReadonlyArray<Written>): Buffer => tar(...entries.map(part))

export const sha256 = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`

/** The table that a first look at a blob makes. */
export const tableOf = (blob: Uint8Array, limits = layerLimits, piece = 10_000): LayerTable => {
  const pass = new LayerPass(layerCodec, limits, sha256(blob))
  try {
    for (let at = 0; at < blob.length; at += piece) pass.write(blob.subarray(at, at + piece))
    const table = readTable(pass.finish())
    if (table === undefined) throw new Error("no table")
    return table
  } finally {
    pass.close()
  }
}

/** The files of a layout with these images, each under its tag. */
export const imageFiles = (
  images: Readonly<Record<string, ReadonlyArray<Uint8Array>>>,
  compress: (bytes: Uint8Array) => Uint8Array = (bytes) => gzipSync(bytes),
  layerType = "application/vnd.oci.image.layer.v1.tar+gzip",
  annotations?: Readonly<Record<string, string>>
): ReadonlyMap<string, Uint8Array> => {
  const files = new Map<string, Uint8Array>()
  const blob = (bytes: Uint8Array, mediaType: string) => {
    files.set(`blobs/sha256/${sha256(bytes).slice(7)}`, bytes)
    return { mediaType, digest: sha256(bytes), size: bytes.length }
  }
  const manifests = Object.entries(images).map(([tag, tars]) => {
    const layers = tars.map((bytes) => ({
      ...blob(compress(bytes), layerType),
      ...(annotations === undefined ? {} : { annotations })
    }))
    const config = {
      architecture: "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: tars.map(sha256) },
      history: tars.map((_, at) => ({ created_by: `step ${at + 1}` }))
    }
    const mediaType = "application/vnd.oci.image.manifest.v1+json"
    const manifest = {
      schemaVersion: 2,
      mediaType,
      config: blob(Buffer.from(JSON.stringify(config)), "application/vnd.oci.image.config.v1+json"),
      layers
    }
    return {
      ...blob(Buffer.from(JSON.stringify(manifest)), mediaType),
      annotations: { "org.opencontainers.image.ref.name": tag }
    }
  })
  files.set("oci-layout", Buffer.from("{\"imageLayoutVersion\":\"1.0.0\"}"))
  files.set(
    "index.json",
    Buffer.from(JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests
    }))
  )
  return files
}
