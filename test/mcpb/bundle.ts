/** What an MCP bundle holds: a manifest, the built server, and what it loads if it is there. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, sep } from "node:path"
import { noticesName } from "../../rolldown.config.ts"
import type { File } from "./zip.ts"

/** What this package says of itself. */
interface Package {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly license: string
  readonly keywords: ReadonlyArray<string>
  readonly engines: { readonly node: string }
  readonly optionalDependencies: Readonly<Record<string, string>>
}

const json = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"))

const isPackage = (value: unknown): value is Package =>
  typeof value === "object" && value !== null && "engines" in value && "optionalDependencies" in value

export const packageOf = (root: string): Package => {
  const found = json(join(root, "package.json"))
  if (!isPackage(found)) throw new Error(`${root} has no package.json of ocilayout`)
  return found
}

/** Version 0.3 of the format; one folder for files is asked for, since a list cannot become several flags. */
export const manifestOf = ({ description, engines, keywords, license, name, version }: Package) => ({
  manifest_version: "0.3",
  name,
  display_name: "OCI image layouts",
  version,
  description,
  author: { name: `The ${name} maintainers` },
  license,
  keywords,
  server: {
    type: "node",
    entry_point: "server/ocilayout.js",
    mcp_config: {
      command: "node",
      args: [
        "${__dirname}/server/ocilayout.js",
        "mcp",
        "--create",
        "${user_config.layouts}",
        "--allowed-dir=${user_config.files}",
        "--read-only=${user_config.read_only}"
      ]
    }
  },
  tools_generated: true,
  prompts_generated: true,
  user_config: {
    layouts: {
      type: "directory",
      title: "Layouts",
      description: "Directories with OCI image layouts, or new ones",
      required: true,
      multiple: true
    },
    files: {
      type: "directory",
      title: "Files",
      description: "Where files may be pushed from and exported to",
      required: true
    },
    read_only: {
      type: "boolean",
      title: "Only read",
      description: "Change nothing in the layouts",
      required: false,
      default: false
    }
  },
  compatibility: { platforms: ["darwin", "linux"], runtimes: { node: engines.node } }
})

/** The files below a folder, in an order that is always the same. */
const below = (folder: string, keep: (path: string) => boolean, prefix: string): ReadonlyArray<File> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name, parentPath }) => join(parentPath, name).slice(folder.length + 1).split(sep).join("/"))
    .filter(keep)
    .toSorted()
    .map((path) => ({ path: `${prefix}${path}`, content: readFileSync(join(folder, path)) }))

const isNeeded = (path: string): boolean =>
  /(?:^|\/)(?:package\.json|LICENSE|NOTICE)$|\.js$/u.test(path) || path.startsWith("prebuilds/")

/** A package as it is installed, with all that it needs. */
const installed = (root: string, name: string, seen: Set<string>): ReadonlyArray<File> => {
  const folder = join(root, "node_modules", name)
  if (seen.has(name) || !existsSync(folder)) return []
  seen.add(name)
  const manifest = json(join(folder, "package.json"))
  const needs = typeof manifest === "object" && manifest !== null && "dependencies" in manifest
    ? Object.keys(manifest.dependencies ?? {})
    : []
  return [
    ...below(folder, isNeeded, `node_modules/${name}/`),
    ...needs.flatMap((need) => installed(root, need, seen))
  ]
}

/** @param server the folder that the server was built into */
export const bundleOf = (root: string, server: string): ReadonlyArray<File> => {
  const about = packageOf(root)
  const text = (path: string, content: object): File => ({
    path,
    content: Buffer.from(`${JSON.stringify(content, null, 2)}\n`)
  })
  const seen = new Set<string>()
  return [
    text("manifest.json", manifestOf(about)),
    { path: "LICENSE", content: readFileSync(join(root, "LICENSE")) },
    text("server/package.json", { type: "module" }),
    ...below(server, (path) => path.endsWith(".js") || path === noticesName, "server/"),
    ...Object.keys(about.optionalDependencies).flatMap((name) => installed(root, name, seen))
  ]
}
