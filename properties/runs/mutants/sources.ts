/** The files of `src`, as they are now. */
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Source } from "./syntax.ts"

const project = fileURLToPath(new URL("../../..", import.meta.url))

export const sources = (): ReadonlyArray<Source> =>
  globSync("src/**/*.ts", { cwd: project }).toSorted()
    .map((path) => ({ path, text: readFileSync(join(project, path), "utf8") }))
