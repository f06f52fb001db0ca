/** Folders to work in, copies of fixtures, and what is in a folder down to the last byte. */
import { Effect, type Scope } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

/** A new empty folder, gone with the scope. */
export const temporaryFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(join(fs.realpathSync(tmpdir()), "ocilayout-test-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
)

const fixtures = fileURLToPath(new URL("../fixtures/layouts", import.meta.url))

export const fixturePath = (name: string): string => join(fixtures, name)

/** The fixtures there are, those of `hand` by their path; `dockeroci-per-repository` is the root of a tree. */
export const fixtureNames = (): ReadonlyArray<string> =>
  ["", "hand"].flatMap((folder) =>
    fs.readdirSync(join(fixtures, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== "hand")
      .map(({ name }) => join(folder, name))
  ).toSorted()

/** A copy of a fixture that may be changed, gone with the scope. */
export const copyOfFixture = (name: string): Effect.Effect<string, never, Scope.Scope> =>
  Effect.map(temporaryFolder, (folder) => {
    const copy = join(folder, "layout")
    fs.cpSync(join(fixtures, name), copy, { recursive: true })
    makeOld(copy)
    return copy
  })

/** Lets a layout look as if no tool were in the middle of writing it: what does not parse is then reported at once. */
export const makeOld = (layout: string): void => {
  const hourAgo = Date.now() / 1000 - 3600
  for (const path of ["index.json", "oci-layout"].map((name) => join(layout, name))) {
    if (fs.existsSync(path)) fs.utimesSync(path, hourAgo, hourAgo)
  }
}

export interface ListingOptions {
  /** Modification times too: then a file that came and went shows in its folder. */
  readonly times?: boolean
  /** Paths below the folder, with `/` between components, that are left out with all below them. */
  readonly except?: ReadonlyArray<string>
}

/** Everything below a folder: path, kind, mode, size and SHA-256, or where a link leads; one line each, in order. */
export const listing = (folder: string, options: ListingOptions = {}): ReadonlyArray<string> => {
  const { except = [], times = false } = options
  const lines: Array<string> = []
  const visit = (path: string): void => {
    if (except.includes(path)) return
    const full = join(folder, path)
    const stat = fs.lstatSync(full, { bigint: true })
    const time = times ? ` ${stat.mtimeNs}` : ""
    const mode = (stat.mode & 0o7777n).toString(8)
    lines.push(`${path === "" ? "." : path} ${mode}${time} ${contentOf(full, stat)}`)
    if (!stat.isDirectory()) return
    for (const name of fs.readdirSync(full).toSorted()) visit(path === "" ? name : `${path}/${name}`)
  }
  visit("")
  return lines
}

const contentOf = (path: string, stat: fs.BigIntStats): string => {
  if (stat.isSymbolicLink()) return `link ${fs.readlinkSync(path)}`
  if (stat.isDirectory()) return "folder"
  if (!stat.isFile()) return "special"
  return `${stat.size} ${createHash("sha256").update(fs.readFileSync(path)).digest("hex")}`
}

/** What only its writer may know: all of a layout but the folder of our own. */
export const outside = (folder: string): ReadonlyArray<string> => listing(folder, { except: [".ocilayout"] })

/** Names of what is unfinished in the folder of our own. */
export const leftovers = (folder: string): ReadonlyArray<string> => {
  const temporary = join(folder, ".ocilayout", "tmp")
  return fs.existsSync(temporary) ? fs.readdirSync(temporary) : []
}
