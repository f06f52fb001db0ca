/** The package as `npm pack` makes it of what `npm run build` has built. */
import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, resolve, sep } from "node:path"

export const root = resolve(import.meta.dirname, "../../..")

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly exports?: unknown
}

const isManifest = (value: unknown): value is Manifest => typeof value === "object" && value !== null && "name" in value

export const manifestIn = (folder: string): Manifest => {
  const found: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
  if (!isManifest(found)) throw new Error(`${folder} has no package.json with a name`)
  return found
}

/** What who installs a package gets with it. */
export const needsOf = (
  { dependencies, optionalDependencies, peerDependencies }: Manifest
): ReadonlyArray<string> => Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })

/** The environment of a program that is run for somebody who has never heard of this checkout. */
export const outsideOfNpm = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_OPTIONS$|^NODE_ENV$|^VITEST/iu.test(name))
  ),
  ...more
})

/** Packs folders; the names of the archives, in the order of the folders. */
export const pack = (folders: ReadonlyArray<string>, destination: string): ReadonlyArray<string> => {
  if (!existsSync(join(root, "dist/bin/ocilayout.js"))) throw new Error("there is no dist: npm run build makes it")
  execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", destination, ...folders], {
    cwd: root,
    env: outsideOfNpm(),
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32"
  })
  return folders.map((folder) => {
    const { name, version } = manifestIn(folder)
    return join(destination, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`)
  })
}

/** Files below a folder, with slashes, and without those of packages inside it. */
export const filesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name, parentPath }) => join(parentPath, name).slice(folder.length + 1).split(sep).join("/"))
    .filter((path) => !path.startsWith("node_modules/"))
    .toSorted()
