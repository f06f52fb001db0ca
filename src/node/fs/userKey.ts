/**
 * A secret of this user on this machine. What a layout brings along may have been written by anyone; what is sealed
 * with this key was written by this user, here. The key lies in the user's state folder, so that it is never copied
 * with a layout:
 *
 * - `$XDG_STATE_HOME/ocilayout` where that is set,
 * - `~/Library/Application Support/ocilayout` on macOS,
 * - `~/.local/state/ocilayout` elsewhere.
 */
import { Context } from "effect"
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import * as fs from "node:fs"
import { homedir } from "node:os"
import { dirname, isAbsolute, join } from "node:path"
import process from "node:process"
import { errnoOf } from "../../oci/errno.ts"

/** In bytes. */
const keyLength = 32

/** Sealing makes a key where there is none; checking a seal writes nothing. */
type KeyUse = "sealing" | "looking"

/** The key, or nothing where there is no place for one: then nothing is sealed, and nothing sealed is believed. */
export const UserKey: Context.Reference<(use: KeyUse) => Uint8Array | undefined> = Context.Reference(
  "ocilayout/node/UserKey",
  {
    defaultValue: () => {
      let found: { readonly key: Uint8Array | undefined } | undefined
      return (use) => {
        if (found !== undefined) return found.key
        const key = findKey(stateFolder(process.env, process.platform, homedir), use)
        // Another process may still make one.
        if (key !== undefined || use === "sealing") found = { key }
        return key
      }
    }
  }
)

/** Where the state of programs lies, as the system has it. */
export const stateFolder = (
  env: Readonly<Record<string, string | undefined>>,
  platform: string,
  home: () => string
): string | undefined => {
  const { XDG_STATE_HOME: state = "" } = env
  if (isAbsolute(state)) return join(state, "ocilayout")
  const own = home()
  if (!isAbsolute(own)) return undefined
  return platform === "darwin"
    ? join(own, "Library", "Application Support", "ocilayout")
    : join(own, ".local", "state", "ocilayout")
}

/**
 * The key in this folder, made for sealing when it is missing; nothing where it cannot be made, or others could have
 * read it.
 */
export const findKey = (folder: string | undefined, use: KeyUse = "sealing"): Uint8Array | undefined => {
  if (folder === undefined) return undefined
  const path = join(folder, "key")
  try {
    const found = readKey(path)
    if (found !== "absent") return found
    return use === "sealing" ? makeKey(folder, path) : undefined
  } catch (error) {
    if (isSystemError(error)) return undefined
    throw error
  }
}

const isSystemError = (error: unknown): boolean => error instanceof Error && "syscall" in error

/** Nothing where something else lies in its place, or others could have read it or written it. */
const readKey = (path: string): Uint8Array | "absent" | undefined => {
  const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = fs.constants
  let fd: number
  try {
    fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return "absent"
    throw error
  }
  try {
    const stat = fs.fstatSync(fd)
    const key = new Uint8Array(keyLength)
    const isOurs = stat.isFile() && stat.size === keyLength && isOwn(stat, 0o077) &&
      fs.readSync(fd, key, 0, keyLength, 0) === keyLength
    return isOurs ? key : undefined
  } finally {
    fs.closeSync(fd)
  }
}

/** Whether this user owns something, and others have none of these permissions. */
const isOwn = ({ mode, uid }: fs.Stats, forbidden: number): boolean => {
  const user = process.geteuid?.()
  return user === undefined || (uid === user && (mode & forbidden) === 0)
}

/** Whole from the first moment on which it has its name; of two processes that make one, the first one's stays. */
const makeKey = (folder: string, path: string): Uint8Array | undefined => {
  // Root with the home of another user must leave nothing of root's there.
  if (!isOwn(fs.statSync(nearest(folder)), 0)) return undefined
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (!isOwn(fs.lstatSync(folder), 0o022)) return undefined
  const fresh = join(folder, `key.${randomBytes(16).toString("hex")}`)
  const fd = fs.openSync(fresh, "wx", 0o600)
  try {
    try {
      fs.writeSync(fd, randomBytes(keyLength))
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
    giveName(fresh, path)
  } finally {
    fs.rmSync(fresh, { force: true })
  }
  const made = readKey(path)
  return made === "absent" ? undefined : made
}

const giveName = (fresh: string, path: string): void => {
  try {
    fs.linkSync(fresh, path)
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return
    // Where there are no links, the last one's stays; what the other has sealed is not believed, and made again.
    fs.renameSync(fresh, path)
  }
}

/** The folder, or the one above it that is there. */
const nearest = (folder: string): string =>
  fs.existsSync(folder) || dirname(folder) === folder ? folder : nearest(dirname(folder))

/** The seal of a text. One made for another purpose is no seal. */
export const sealOf = (key: Uint8Array, purpose: string, text: string | Uint8Array): string =>
  createHmac("sha256", key).update(`ocilayout ${purpose}\n`).update(text).digest("hex")

/** In hexadecimal digits. */
export const sealLength = 64

/** Whether a seal is the one of a text. */
export const isSealed = (key: Uint8Array, purpose: string, text: string | Uint8Array, seal: string): boolean => {
  const [given, right] = [Buffer.from(seal), Buffer.from(sealOf(key, purpose, text))]
  return given.length === right.length && timingSafeEqual(given, right)
}
