/** `replaceIndex.ts <index>`: the least that a command can do to an index: parse it, write it, and rename it into place. */
import { readFileSync, renameSync, writeFileSync } from "node:fs"
import process from "node:process"

const [, , path = ""] = process.argv
const index = JSON.parse(readFileSync(path, "utf8")) as { readonly manifests: Array<unknown> }
index.manifests.push(index.manifests[0])
writeFileSync(`${path}.new`, JSON.stringify(index))
renameSync(`${path}.new`, path)
