/** The page as the build makes it, of the sources that are there now. */
import { createHash } from "node:crypto"
import { extname } from "node:path"
import { gzipSync } from "node:zlib"
import { rolldown } from "rolldown"
import { page } from "../../../rolldown.config.ts"
import type { Asset } from "../../../src/http/index.ts"

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml"
}

const make = async (): Promise<ReadonlyMap<string, Asset>> => {
  const { output, ...input } = page
  const bundle = await rolldown(input)
  try {
    const made = await bundle.generate(Array.isArray(output) ? {} : output ?? {})
    return new Map(made.output.map((file) => {
      const bytes = Buffer.from(file.type === "chunk" ? file.code : file.source)
      return [file.fileName, {
        bytes,
        gzip: gzipSync(bytes, { level: 9 }),
        contentType: types[extname(file.fileName)] ?? "text/plain; charset=utf-8",
        etag: `"${createHash("sha256").update(bytes).digest("hex")}"`
      }]
    }))
  } finally {
    await bundle.close()
  }
}

let made: Promise<ReadonlyMap<string, Asset>> | undefined

export const builtAssets = (): Promise<ReadonlyMap<string, Asset>> => made ??= make()
