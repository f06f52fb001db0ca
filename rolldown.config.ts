/**
 * What `tsc` does not build: the binary, which needs nothing installed, and `ocilayout/mcp` with as much of the MCP SDK as
 * it uses. Bundled there too, so that who takes the library installs neither the SDK nor the ninety packages below it, and
 * no copy of its types has to fit ours: none of them is in what the entry point exports.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { dirname, join, relative, resolve, sep } from "node:path"
import type { Plugin, RolldownOptions } from "rolldown"
import { parseAst } from "rolldown/parseAst"

const root = import.meta.dirname
const dist = join(root, "dist")

/** Lies beside each bundle. */
export const noticesName = "THIRD-PARTY-NOTICES.txt"

interface Package {
  readonly folder: string
  readonly name: string
  readonly version: string
  readonly license: string
}

const isPackage = (value: unknown): value is Omit<Package, "folder"> =>
  typeof value === "object" && value !== null &&
  ["name", "version", "license"].every((field) => typeof Reflect.get(value, field) === "string")

/** The package that a module lies in; nothing for our own, and for what the bundler adds itself. */
export const packageOf = (id: string): Package | undefined => {
  const path = id.replace(/^\0/u, "").replace(/\?.*$/u, "")
  if (!path.includes(`${sep}node_modules${sep}`)) return undefined
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, "package.json")
    const about: unknown = existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")) : undefined
    // Folders inside a package have one as well, which only tells the kind of their modules.
    if (isPackage(about)) return { ...about, folder }
  }
  throw new Error(`${path} belongs to no package that has a name, a version and a licence`)
}

/** Texts that have to go with the code, where a package brings them along. */
const legalFile = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/iu

const noticeOf = ({ folder, license, name, version }: Package): string => {
  const texts = readdirSync(folder).filter((file) => legalFile.test(file)).toSorted()
  if (texts.length === 0) throw new Error(`${name} brings no text of its licence along`)
  return [`${name} ${version} (${license})`, ...texts.map((file) => readFileSync(join(folder, file), "utf8").trim())]
    .join("\n\n")
}

/** The packages whose code is in a bundle. */
export const packagesIn = (modules: Iterable<string>): ReadonlyArray<Package> =>
  Array.from(
    new Map(
      Array.from(modules).flatMap((id) => {
        const found = packageOf(id)
        return found === undefined ? [] : [[found.folder, found] as const]
      })
    ).values()
  ).toSorted((one, other) => one.name < other.name ? -1 : one.name > other.name ? 1 : 0)

/** Writes down whose code a bundle really has, each with its licence. */
const notices: Plugin = {
  name: "notices",
  generateBundle(_, bundle) {
    const modules = Object.values(bundle).flatMap((chunk) =>
      chunk.type === "chunk"
        ? Object.entries(chunk.modules).flatMap(([id, { renderedLength }]) => renderedLength > 0 ? [id] : [])
        : []
    )
    const all = packagesIn(modules)
    const source = [
      "This bundle contains code of the packages below, as their licences allow.",
      ...all.map(noticeOf)
    ].join(`\n\n${"-".repeat(80)}\n\n`)
    this.emitFile({ type: "asset", fileName: noticesName, source: `${source}\n` })
  }
}

/** Beside `src/mcp`, the library is as `tsc` has built it. */
const library: Plugin = {
  name: "library",
  resolveId(id, importer) {
    if (importer === undefined || !id.startsWith(".")) return undefined
    const path = relative(join(root, "src"), resolve(dirname(importer), id)).split(sep).join("/")
    return /^(?:oci|layout|places|ops)\//u.test(path)
      ? { id: `../${path.replace(/\.ts$/u, ".js")}`, external: true }
      : undefined
  }
}

/** What a module imports and re-exports, types included. */
export const importsOf = (file: string): ReadonlyArray<string> => {
  const program = parseAst(readFileSync(file, "utf8"), { lang: file.endsWith(".d.ts") ? "dts" : "js" }, file)
  const text = JSON.stringify(program, (_, value: unknown) => typeof value === "bigint" ? String(value) : value)
  return Array.from(text.matchAll(/"source":\{"type":"Literal","value":"([^"]*)"/gu), ([, id = ""]) => id)
}

/** Adds the files that one leads to by what it imports, each with its map. */
const reach = (file: string, reached: Set<string>): void => {
  if (reached.has(file)) return
  reached.add(file).add(`${file}.map`)
  for (const id of importsOf(file).filter((id) => id.startsWith("."))) {
    reach(resolve(dirname(file), file.endsWith(".d.ts") ? id.replace(/\.(?:ts|js)$/u, ".d.ts") : id), reached)
  }
}

/** Nothing is shipped that no entry point leads to: modules that were bundled, and types that nobody can name. */
const prune: Plugin = {
  name: "prune",
  writeBundle() {
    const wanted = new Set([join(dist, "mcp", noticesName)])
    for (const folder of [".", "node", "memory", "mcp", "remote", "archive"]) {
      for (const name of ["index.js", "index.d.ts"]) reach(join(dist, folder, name), wanted)
    }
    for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (entry.isFile() && !path.startsWith(join(dist, "bin") + sep) && !wanted.has(path)) rmSync(path)
    }
  }
}

export const binary: RolldownOptions = {
  input: join(root, "src/main.ts"),
  platform: "node",
  external: ["fs-native-extensions"],
  logLevel: "warn",
  plugins: [notices],
  output: {
    dir: join(dist, "bin"),
    format: "esm",
    entryFileNames: "ocilayout.js",
    chunkFileNames: "[name]-[hash].js",
    minify: true
  }
}

export const mcp: RolldownOptions = {
  input: join(root, "src/mcp/index.ts"),
  platform: "node",
  external: /^effect(?:\/|$)/u,
  logLevel: "warn",
  plugins: [library, notices, prune],
  output: {
    dir: join(dist, "mcp"),
    format: "esm",
    entryFileNames: "index.js",
    chunkFileNames: "[name].js",
    codeSplitting: { groups: [{ name: "sdk", test: /node_modules/u }] },
    sourcemap: true,
    sourcemapExcludeSources: true
  }
}

// oxlint-disable-next-line import/no-default-export -- this is how the bundler reads it
export default [binary, mcp]
