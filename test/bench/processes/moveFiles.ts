/** `moveFiles.ts <from> <to>`: the least that a collection can do with files: move each into another folder. */
import { mkdirSync, readdirSync, renameSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"

const [, , from = "", to = ""] = process.argv
mkdirSync(to)
for (const name of readdirSync(from)) renameSync(join(from, name), join(to, name))
