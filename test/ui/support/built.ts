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

interface Built {
  readonly assets: ReadonlyMap<string, Asset>
  /** What its program is made of. */
  readonly modules: ReadonlyArray<string>
}

const make = async (): Promise<Built> => {
  const { output, ...input } = page
  const bundle = await rolldown(input)
  try {
    const made = await bundle.generate(Array.isArray(output) ? {} : output ?? {})
    const modules = made.output.flatMap((file) => file.type === "chunk" ? file.moduleIds : [])
    const assets = new Map(made.output.map((file) => {
      const bytes = Buffer.from(file.type === "chunk" ? file.code : file.source)
      return [file.fileName, {
        bytes,
        gzip: gzipSync(bytes, { level: 9 }),
        contentType: types[extname(file.fileName)] ?? "text/plain; charset=utf-8",
        etag: `"${createHash("sha256").update(bytes).digest("hex")}"`
      }] as const
    }))
    return { assets, modules }
  } finally {
    await bundle.close()
  }
}

let made: Promise<Built> | undefined

/** Once for all tests. */
export const builtPage = (): Promise<Built> => made ??= make()
