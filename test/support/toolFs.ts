/** The file system of the machine, as tools use it. */
import { Effect } from "effect"
import * as fs from "node:fs"
import type { ToolFs } from "../../properties/support/simulation/ToolFs.ts"
import { FsError } from "../../src/node/fs/LayoutFs.ts"
import { nodeFs } from "../../src/node/fs/nodeFs.ts"

const attempt = (operation: string, path: string, act: () => void): Effect.Effect<void, FsError> =>
  Effect.try({
    try: act,
    catch: (cause) => new FsError({ operation, path, code: (cause as NodeJS.ErrnoException).code ?? "UNKNOWN", cause })
  })

export const toolFs: ToolFs = {
  ...nodeFs,
  overwrite: (path, mode = 0o644) =>
    Effect.andThen(
      attempt("open", path, () => fs.closeSync(fs.openSync(path, "w", mode))),
      nodeFs.open(path, { access: "update" })
    ),
  setTime: (path, mtimeNs) => {
    const seconds = Number(mtimeNs) / 1e9
    return attempt("utime", path, () => fs.utimesSync(path, seconds, seconds))
  }
}
