/** The page as the build makes it, of the sources that are there now. */
import { createHash } from "node:crypto"
import { extname } from "node:path"
import { gzipSync } from "node:zlib"
import { rolldown, type RolldownOptions } from "rolldown"
import { chat, page } from "../../../rolldown.config.ts"
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

const outputOf = async ({ output, ...input }: RolldownOptions) => {
  const bundle = await rolldown(input)
  try {
    return (await bundle.generate(Array.isArray(output) ? {} : output ?? {})).output
  } finally {
    await bundle.close()
  }
}

const bytesOf = (file: Awaited<ReturnType<typeof outputOf>>[number]): Buffer =>
  Buffer.from(file.type === "chunk" ? file.code : file.source)

const make = async (): Promise<Built> => {
  const made = await outputOf(page)
  const modules = made.flatMap((file) => file.type === "chunk" ? file.moduleIds : [])
  const assets = new Map(made.map((file) => {
    const bytes = bytesOf(file)
    return [file.fileName, {
      bytes,
      gzip: gzipSync(bytes, { level: 9 }),
      contentType: types[extname(file.fileName)] ?? "text/plain; charset=utf-8",
      etag: `"${createHash("sha256").update(bytes).digest("hex")}"`
    }] as const
  }))
  return { assets, modules }
}

let made: Promise<Built> | undefined

/** Once for all tests. */
export const builtPage = (): Promise<Built> => made ??= make()

/** The document that shows the results of MCP tools. */
export const builtChat = async (): Promise<string> => {
  const made = await outputOf(chat)
  const document = made.find(({ fileName }) => fileName === "chat.html")
  return document === undefined ? "" : bytesOf(document).toString()
}
