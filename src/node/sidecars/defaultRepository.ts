/**
 * Which repository bare tags and nameless entries belong to. Nothing in a layout by the book says it, so it is what its
 * directory is called, as far as a repository can be called so. It is written down with the first change, so that a
 * directory that is renamed renames nothing.
 */
import { Effect } from "effect"
import { basename } from "node:path"
import { isRepository, type Repository } from "../../oci/Reference.ts"
import { ifThere, type LayoutFiles, openRegular, readAll } from "../files/layoutFiles.ts"

/** Of the file, in bytes: a repository has at most 255 characters. */
const mostBytes = 256

/** What a directory without one character that a repository may have is called. */
const nameless: string = "layout"

/** The default repository of a layout that says none: its directory's name, in lower case, other characters as dashes. */
export const derivedRepository = (directory: string): Repository => {
  const name = basename(directory)
  const lower = name.toLowerCase()
  const words = (lower.match(/[a-z0-9]+/gu) ?? []).join("-").slice(0, 255).replace(/-+$/u, "")
  const found = [name, lower, words, nameless].find(isRepository)
  if (found === undefined) throw new Error(`${nameless} is a repository`)
  return found
}

/** What was written down; nothing where that is no repository, or nothing was. `SymlinkRefused` for a link. */
export const keptRepository = Effect.fnUntraced(
  function*(files: LayoutFiles) {
    const opened = yield* ifThere(openRegular(files, files.defaultRepository.path))
    if (opened === undefined) return undefined
    const bytes = yield* readAll(opened.handle, mostBytes)
    const name = Buffer.from(bytes).toString("utf8").trimEnd()
    return isRepository(name) ? name : undefined
  },
  Effect.scoped
)
