/** The layouts a command line names: `DIR` or `ID=DIR`, where DIR may be a place in a bucket. */
import { Result } from "effect"
import { readdirSync, statSync } from "node:fs"
import { basename, resolve } from "node:path"
import { isBucket } from "../places/Place.ts"

export interface LayoutDirectory {
  /** How tools name it; unique in one server. */
  readonly id: string
  /** Absolute, or `s3://BUCKET/PREFIX`. */
  readonly path: string
}

const idForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/u

export const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false

/**
 * Whether a layout can be made in a directory without mixing it with other things. `.ocilayout` alone is what a removed
 * layout leaves behind; with `blobs` it is a layout that another process is making now, or did not come to make.
 */
export const isVacant = (path: string): boolean => {
  const names = isDirectory(path) ? readdirSync(path) : ["none"]
  return names.every((name) => name === ".ocilayout" || (name === "blobs" && names.includes(".ocilayout")))
}

/** What stands before the first `=` is an id when it looks like one; a path with `=` in it can begin with `./`. */
export const parseDirectory = (argument: string): LayoutDirectory => {
  const equals = argument.indexOf("=")
  const given = argument.slice(0, Math.max(equals, 0))
  const named = idForm.test(given) && equals + 1 < argument.length
  const text = named ? argument.slice(equals + 1) : argument
  const path = isBucket(text) ? text.replace(/\/+$/u, "") : resolve(text)
  const name = basename(path)
  const id = named ? given : name.replace(/[^A-Za-z0-9._-]/gu, "-").replace(/^[^A-Za-z0-9]+/u, "").slice(0, 32)
  return { id: id === "" ? "layout" : id, path }
}

/** All of them, or a sentence about two that have the same id. */
export const parseDirectories = (
  args: ReadonlyArray<string>
): Result.Result<ReadonlyArray<LayoutDirectory>, string> => {
  const directories = args.map(parseDirectory)
  for (const [index, { id, path }] of directories.entries()) {
    const other = directories.slice(0, index).find((earlier) => earlier.id === id)
    if (other !== undefined) {
      return Result.fail(`${other.path} and ${path} would both be called ${id}; name one of them: other=${path}`)
    }
  }
  return Result.succeed(directories)
}
