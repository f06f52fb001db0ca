/** Where a path may end and a name may begin. */
import { Option } from "effect"
import { existsSync, statSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { isBucket } from "../places/Place.ts"
import { isVacant } from "./directories.ts"
import { transportOf } from "./transports.ts"

/** Every way to cut a text in two at a character, the longest beginning first. */
export const cuts = (text: string, at: string): ReadonlyArray<{ readonly before: string; readonly rest: string }> => {
  const found: Array<{ readonly before: string; readonly rest: string }> = []
  for (let index = text.lastIndexOf(at); index > 0; index = text.lastIndexOf(at, index - 1)) {
    if (index < text.length - 1) found.push({ before: text.slice(0, index), rest: text.slice(index + 1) })
  }
  return found
}

/** Whether a layout can be made in a directory. */
export const canBeMade = (directory: string): boolean =>
  existsSync(directory)
    ? isVacant(directory)
    : statSync(dirname(resolve(directory)), { throwIfNoEntry: false })?.isDirectory() ?? false

/** A path, cut at its layout. */
export interface Split {
  readonly directory: string
  readonly name?: string
  /** `:tag` or `@digest` of the default repository. */
  readonly suffix?: string
}

/** Where a layout can be made: in an empty directory, or in one that is not there, of a directory that is. */
export const destinationIn = (
  argument: string,
  where: { readonly layout: Option.Option<string>; readonly perRepository: boolean }
): Split | undefined => {
  if (where.perRepository || transportOf(argument) !== undefined) return undefined
  const layout = Option.getOrUndefined(where.layout)
  // Where a prefix ends is not known before there is a layout: it has to be said by --layout, or made by init.
  if (isBucket(layout ?? argument)) return layout === undefined ? undefined : { directory: layout, name: argument }
  if (layout !== undefined) return canBeMade(layout) ? { directory: layout, name: argument } : undefined
  const [, bare = argument, suffix = ""] = /^(.+?)([:@][^/]*)?$/su.exec(argument) ?? []
  if (canBeMade(bare)) return { directory: bare, suffix }
  for (const { before, rest } of cuts(argument, "/")) {
    if (canBeMade(before)) return { directory: before, name: rest }
  }
  return undefined
}
