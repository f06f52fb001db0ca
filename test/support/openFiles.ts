/** What this process has open below a folder, as the system tells it. */
import * as fs from "node:fs"

/** Why that cannot be told here; nothing when it can. */
export const whyNotTold: string | undefined = fs.existsSync("/proc/self/fd")
  ? undefined
  : "only Linux tells what is open"

/** Files and folders that are open at a folder or below it. */
export const openBelow = (folder: string): { readonly files: number; readonly folders: number } => {
  let [files, folders] = [0, 0]
  for (const fd of fs.readdirSync("/proc/self/fd")) {
    const path = targetOf(fd)
    if (path !== folder && !path.startsWith(`${folder}/`)) continue
    if (fs.statSync(`/proc/self/fd/${fd}`).isDirectory()) folders++
    else files++
  }
  return { files, folders }
}

/** One that was closed by now leads nowhere. */
const targetOf = (fd: string): string => {
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ""
  }
}
