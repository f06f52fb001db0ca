/**
 * Keys of tests lie in a folder of their own: no test touches the state of the user who runs it. What Node has compiled
 * lies there too, so that the many processes that tests start need half the time.
 */
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"

export const setup = (): () => void => {
  const folder = fs.mkdtempSync(join(tmpdir(), "ocilayout-state-"))
  process.env["XDG_STATE_HOME"] = folder
  process.env["NODE_COMPILE_CACHE"] = join(folder, "compiled")
  // A process that ends now may still write what it compiled.
  return () => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}
