/** Where a path may end and a name may begin. */
import { existsSync, statSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { isVacant } from "./directories.ts"

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
