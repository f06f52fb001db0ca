/**
 * What Node has compiled of this program is kept for its next start, which takes a fifth less time then: in
 * `~/.cache/ocilayout/compiled`, on macOS in `~/Library/Caches/ocilayout/compiled`. Nothing imported here is large: it runs
 * before the program is loaded.
 */
import { lstatSync, mkdirSync } from "node:fs"
import * as nodeModule from "node:module"
import { userInfo } from "node:os"
import { join } from "node:path"
import process from "node:process"

interface User {
  readonly uid: number
  readonly homedir: string
}

/**
 * The folder, made where it is missing; nothing where anyone but this user could put something into it, since what is in
 * it is run without being checked.
 */
export const compiledFolder = ({ homedir, uid }: User, platform: string): string | undefined => {
  const caches = platform === "darwin" ? join(homedir, "Library", "Caches") : join(homedir, ".cache")
  const own = join(caches, "ocilayout")
  const folder = join(own, "compiled")
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const isOwn = [homedir, caches, own, folder].every((path) => {
    const stat = lstatSync(path)
    return stat.isDirectory() && stat.uid === uid && (stat.mode & 0o022) === 0
  })
  return isOwn ? folder : undefined
}

/** Where Node is told another place by the environment, or to keep nothing, that holds. */
export const keepCompiled = (): void => {
  if (process.env["NODE_COMPILE_CACHE"] !== undefined || !("enableCompileCache" in nodeModule)) return
  try {
    // Not by `HOME`: a program that runs as root on behalf of a user believes nothing that the user could have written.
    const folder = compiledFolder(userInfo(), process.platform)
    if (folder !== undefined) nodeModule.enableCompileCache(folder)
  } catch {
    // Without a home, or where it cannot be written to, each start takes as long as the first.
  }
}
