/**
 * A registry with this package and what it needs, packed from `node_modules`: so that npm itself installs, with its own
 * rules for peers and options, and nothing has to be fetched.
 */
import { Effect, type Scope } from "effect"
import { createHash } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import { join } from "node:path"
import { manifestIn, needsOf, pack, root } from "./packed.ts"

/** The folders of packages, and of all that they need and that is installed here. */
const withNeeds = (folders: ReadonlyArray<string>): ReadonlyArray<string> => {
  const seen = new Set(folders)
  for (const folder of seen) {
    for (const name of needsOf(manifestIn(folder))) {
      const needed = join(root, "node_modules", name)
      if (existsSync(needed)) seen.add(needed)
    }
  }
  return Array.from(seen)
}

interface Archive {
  readonly manifest: { readonly name: string; readonly version: string }
  readonly bytes: Buffer
}

const listen = (archives: ReadonlyMap<string, Archive>): Effect.Effect<Server> =>
  Effect.callback((resume) => {
    const server = createServer((request, response) => {
      const [, name = "", isArchive] = /^\/(.*?)(\.tgz)?$/u.exec(decodeURIComponent(request.url ?? "")) ?? []
      const found = archives.get(name)
      if (found === undefined) {
        response.writeHead(404, { "content-type": "application/json" }).end("{}")
        return
      }
      const { bytes, manifest } = found
      if (isArchive !== undefined) {
        response.end(bytes)
        return
      }
      const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`
      const tarball = `http://${request.headers.host ?? ""}/${name}.tgz`
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({
        name,
        "dist-tags": { latest: manifest.version },
        versions: { [manifest.version]: { ...manifest, dist: { tarball, integrity } } }
      }))
    })
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  })

/** @returns the registry's address, and where the archive of this package lies */
export const localRegistry = (
  folder: string
): Effect.Effect<{ readonly url: string; readonly archive: string }, never, Scope.Scope> =>
  Effect.gen(function*() {
    const folders = withNeeds([root])
    const paths = pack(folders, folder)
    const archives = new Map(folders.map((from, index) => {
      const manifest = manifestIn(from)
      return [manifest.name, { manifest, bytes: readFileSync(paths[index] ?? "") }] as const
    }))
    const server = yield* Effect.acquireRelease(
      listen(archives),
      (server) => Effect.sync(() => server.close().closeAllConnections())
    )
    const address = server.address()
    if (address === null || typeof address === "string") return yield* Effect.die(new Error("it listens nowhere"))
    return { url: `http://127.0.0.1:${address.port}/`, archive: paths[0] ?? "" }
  })
