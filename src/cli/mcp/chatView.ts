/** The document that shows the results of tools in the chat of an agent, as the build has made it. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { chatName, uiFolders } from "../serve/uiAssets.ts"

/** Read when it is asked for; nothing where none was built. */
export const chatView = (among: ReadonlyArray<string> = uiFolders): (() => string) | undefined => {
  const path = among.map((folder) => join(folder, chatName)).find((one) => existsSync(one))
  return path === undefined ? undefined : () => readFileSync(path, "utf8")
}
