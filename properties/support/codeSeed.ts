/** A seed that the code decides: the same code meets the same inputs on every machine, and changed code meets new ones. */
import { createHash } from "node:crypto"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** A whole number from 0 to 2 ** 31 - 1, from the text of every module of `src` and `properties`. */
export const codeSeed = (): number => {
  const hash = createHash("sha256")
  for (const path of globSync("{src,properties}/**/*.ts", { cwd: root }).toSorted()) {
    hash.update(`${path}\0`).update(readFileSync(join(root, path)))
  }
  return hash.digest().readUInt32BE() % 2 ** 31
}
