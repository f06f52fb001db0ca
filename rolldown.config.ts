/**
 * The binary, which needs nothing installed, the page that it serves, and the library with as much of the MCP SDK as `ocilayout/mcp` uses. It is
 * bundled there too, so that who takes the library installs neither the SDK nor the ninety packages below it, and no copy
 * of its types has to fit ours: none of them is in what the entry point exports. `tsc` writes the types.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { dirname, join, resolve, sep } from "node:path"
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

const all = /^import \{ ([^}]*) \} from "(effect|effect\/encoding)";$/gmu

/**
 * Imports the modules of `effect` that are used, and not all of `effect`: a program that imports the library loads no more
 * of it. The sources are written as Effect's own guide says. A line stays one line, so that source maps stay true.
 */
const deepImports: Plugin = {
  name: "deepImports",
  renderChunk: (code) => ({
    code: code.replaceAll(all, (_line, names: string, from: string) =>
      names.split(", ").map((name) => {
        const [module = name, local = module] = name.split(" as ")
        return `import * as ${local} from "${from}/${module}";`
      }).join(" ")),
    map: null
  })
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

/** The folders of the library's entry points. */
const entries = ["", "archive/", "memory/", "mcp/", "node/", "remote/", "bucket/"]

/** Nothing is shipped that no entry point leads to: modules that were bundled, and types that nobody can name. */
const prune: Plugin = {
  name: "prune",
  writeBundle() {
    const wanted = new Set([join(dist, noticesName)])
    for (const entry of entries) {
      for (const name of ["index.js", "index.d.ts"]) reach(join(dist, entry, name), wanted)
    }
    for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      const isOther = [join(dist, "bin"), join(dist, "ui")].some((folder) => path.startsWith(folder + sep))
      if (entry.isFile() && !isOther && !wanted.has(path)) rmSync(path)
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

/** A program that imports one entry point loads few files, and only what that needs. */
export const library: RolldownOptions = {
  input: Object.fromEntries(entries.map((entry) => [`${entry}index`, join(root, "src", entry, "index.ts")])),
  platform: "node",
  external: [/^(?:effect|@noble\/hashes)(?:\/|$)/u, "fs-native-extensions"],
  logLevel: "warn",
  plugins: [deepImports, notices, prune],
  output: {
    dir: dist,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "shared/[name].js",
    codeSplitting: {
      groups: [{ name: "toml", test: /node_modules\/smol-toml/u }, { name: "sdk", test: /node_modules/u }]
    },
    sourcemap: true,
    sourcemapExcludeSources: true
  }
}

const uiRoot = join(root, "src/ui")

/** Comments and the space between rules are for those who read the sources. */
const styleOf = (): string =>
  readdirSync(join(uiRoot, "styles")).toSorted().map((name) => readFileSync(join(uiRoot, "styles", name), "utf8"))
    .join("").replace(/\/\*.*?\*\//gsu, "").replace(/\s*([{};])\s*/gu, "$1").replace(/\s+/gu, " ")

/** The files beside the page's program. */
const pageFiles: Plugin = {
  name: "pageFiles",
  generateBundle() {
    this.emitFile({ type: "asset", fileName: "page.css", source: styleOf() })
    for (const name of ["index.html", "icon.svg"]) {
      this.emitFile({ type: "asset", fileName: name, source: readFileSync(join(uiRoot, name), "utf8") })
    }
  }
}

/** The page over a layout, as browsers load it. */
export const page: RolldownOptions = {
  input: join(uiRoot, "main.tsx"),
  platform: "browser",
  logLevel: "warn",
  tsconfig: join(uiRoot, "tsconfig.json"),
  plugins: [pageFiles, notices],
  output: {
    dir: join(dist, "ui"),
    format: "esm",
    entryFileNames: "page.js",
    minify: true,
    codeSplitting: false
  }
}

/** One document that carries its program and its styles: hosts of MCP Apps load nothing beside it. */
const inOneDocument: Plugin = {
  name: "inOneDocument",
  generateBundle(_, bundle) {
    const [program] = Object.values(bundle).flatMap((chunk) => chunk.type === "chunk" ? [chunk] : [])
    if (program === undefined) throw new Error("there is no program to be carried")
    delete bundle[program.fileName]
    // What would end the element begins otherwise in a program as well.
    const code = program.code.replaceAll("</script", "<\\/script")
    const source = readFileSync(join(uiRoot, "chat.html"), "utf8").replace("/* styles */", () => styleOf())
      .replace("/* program */", () => code)
    this.emitFile({ type: "asset", fileName: "chat.html", source })
  }
}

/** The view of a tool's result, as it is shown in the chat of an agent. */
export const chat: RolldownOptions = {
  ...page,
  input: join(uiRoot, "chat.tsx"),
  plugins: [inOneDocument],
  output: { dir: join(dist, "ui"), format: "esm", entryFileNames: "chat.js", minify: true, codeSplitting: false }
}

// oxlint-disable-next-line import/no-default-export -- this is how the bundler reads it
export default [binary, library, page, chat]
