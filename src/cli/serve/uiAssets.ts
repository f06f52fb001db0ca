/** The files of the page, as the build has made them. */
import { Result } from "effect"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { extname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import type { Asset } from "../../http/index.ts"

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8"
}

/** The view of the results of MCP tools: a document that carries its program, which the page's policy would not let run. */
export const chatName = "chat.html"

/** Beside the bundle that this is in, or in what was built of the sources that this is of. */
export const uiFolders = ["../ui/", "../../../dist/ui/"].map((path) => fileURLToPath(new URL(path, import.meta.url)))

const assetOf = (path: string): Asset => {
  const bytes = readFileSync(path)
  return {
    bytes,
    gzip: gzipSync(bytes, { level: 9 }),
    contentType: types[extname(path)] ?? "application/octet-stream",
    etag: `"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"`
  }
}

/** By their names; why there are none, where nothing was built. */
export const uiAssets = (
  among: ReadonlyArray<string> = uiFolders
): Result.Result<ReadonlyMap<string, Asset>, string> => {
  const folder = among.find((one) => existsSync(join(one, "index.html")))
  return folder === undefined
    ? Result.fail("the page was not built: npm run build makes it")
    : Result.succeed(
      new Map(
        readdirSync(folder).filter((name) => name !== chatName && Object.hasOwn(types, extname(name)))
          .map((name) => [name, assetOf(join(folder, name))])
      )
    )
}
