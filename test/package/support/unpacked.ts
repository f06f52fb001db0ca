/** The package as it comes out of its archive. */
import { Effect, type Scope } from "effect"
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { temporaryFolder } from "../../support/folders.ts"
import { pack, root } from "./packed.ts"

export const unpacked: Effect.Effect<string, never, Scope.Scope> = Effect.map(temporaryFolder, (folder) => {
  const [archive = ""] = pack([root], folder)
  execFileSync("tar", ["-xzf", archive, "-C", folder])
  return join(folder, "package")
})
