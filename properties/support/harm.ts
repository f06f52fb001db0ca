/** What a foreign program may do to a place of a layout between two looks. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { mutatedBytes } from "./mutate.ts"
import { jsonMutator } from "./mutateJson.ts"
import { randomOf } from "./random.ts"

export const harms = [
  "missing",
  "empty",
  "mutated",
  "mutated JSON",
  "endless",
  "a folder",
  "a folder with something in it",
  "a FIFO",
  "a broken link",
  "a link to itself",
  "a link to its like outside",
  "a link to the root",
  "a link to its like inside"
] as const
type Harm = (typeof harms)[number]

export interface Harmed {
  /** Relative to the layout. */
  readonly place: string
  readonly harm: Harm
  readonly seed: number
}

/** The command; Node has no call for it. */
const makeFifo = "mkfifo"

/** Larger than any memory, where what is read is read whole; it takes no room on the disk. */
const endless = 2 ** 40

/** Whether there is a folder, with no link on the way to it. */
const isFolder = (path: string): boolean => {
  try {
    return fs.realpathSync(path) === path && fs.statSync(path).isDirectory()
  } catch {
    return false
  }
}

/** @param like a folder that holds the same as the layout did */
export const doHarm = (layout: string, like: string, { harm, place, seed }: Harmed): void => {
  const path = join(layout, place)
  // An earlier harm may have taken the folder, or put something else in its place.
  if (!isFolder(dirname(path))) return
  const stat = fs.lstatSync(path, { throwIfNoEntry: false })
  const content = stat?.isFile() === true && stat.size < 1_000_000 ? fs.readFileSync(path) : Buffer.from("{}")
  fs.rmSync(path, { recursive: true, force: true })
  const random = randomOf(seed)
  switch (harm) {
    case "missing":
      return
    case "empty":
      return fs.writeFileSync(path, "")
    case "mutated":
      return fs.writeFileSync(path, mutatedBytes(random, [content]))
    case "mutated JSON":
      return fs.writeFileSync(path, jsonMutator([content])(random))
    case "endless":
      fs.writeFileSync(path, content)
      // Content is streamed, that of a lease as well, and a journal searched, however much there is: that would only take long.
      return /^blobs\/|\/kept\/|\/leases\/|\/data$|\.ndjson$/u.test(place) ? undefined : fs.truncateSync(path, endless)
    case "a folder":
      return fs.mkdirSync(path)
    case "a folder with something in it":
      fs.mkdirSync(path)
      return fs.writeFileSync(join(path, "something"), "something")
    case "a FIFO":
      return void execFileSync(makeFifo, [path])
    case "a broken link":
      return fs.symlinkSync(join(like, "nothing"), path)
    case "a link to itself":
      return fs.symlinkSync(path, path)
    case "a link to its like outside":
      return fs.symlinkSync(join(like, place), path)
    case "a link to the root":
      return fs.symlinkSync("/", path)
    case "a link to its like inside":
      // Beside it, under a name that is not looked for.
      fs.cpSync(join(like, place), `${path}.like`, { recursive: true })
      return fs.symlinkSync(`${path}.like`, path)
  }
}

/** Everything below a folder and whether it was touched: which file it is, and when it was last written. */
export const treeOf = (folder: string): ReadonlyArray<string> =>
  linesOf(folder, [], (_, { ino, mtimeNs }) => `${ino} ${mtimeNs}`)

/** Everything below a folder by its content, some of it left out; what is endless is not read. */
export const contentsOf = (folder: string, except: ReadonlyArray<string>): ReadonlyArray<string> =>
  linesOf(
    folder,
    except,
    (path, stat) => stat.isFile() && stat.size < 1_000_000n ? fs.readFileSync(path).toString("base64") : "unread"
  )

const linesOf = (
  folder: string,
  except: ReadonlyArray<string>,
  tell: (path: string, stat: fs.BigIntStats) => string
): ReadonlyArray<string> => {
  const lines: Array<string> = []
  const visit = (path: string): void => {
    const full = join(folder, path)
    const stat = fs.lstatSync(full, { bigint: true })
    if (stat.isSymbolicLink()) lines.push(`${path} -> ${fs.readlinkSync(full)}`)
    else if (stat.isDirectory()) {
      lines.push(`${path} ${stat.mode}`)
      for (const name of fs.readdirSync(full).toSorted()) {
        if (!except.includes(join(path, name))) visit(join(path, name))
      }
    } else lines.push(`${path} ${stat.mode} ${stat.size} ${tell(full, stat)}`)
  }
  visit("")
  return lines
}
