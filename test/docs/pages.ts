/** What the tests of pages share: blocks in fences, and what commands print. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { mainPath } from "../cli/support/server.ts"
import { withSteadyIds } from "./transcripts.ts"

/** Each block with its language: a fence that closes one looks like a fence that opens one. */
const blocks = /^```([^\n]*)\n(.*?)^```$/gmsu

/** The text of each block in that language. */
export const blocksOf = (path: string, language: string): ReadonlyArray<string> =>
  Array.from(readFileSync(path, "utf8").matchAll(blocks)).flatMap(([, of, text = ""]) => of === language ? [text] : [])

/** The page with the blocks without a language that begin so replaced by what is printed now. */
export const withPrinted = (path: string, printed: Readonly<Record<string, string>>): string =>
  readFileSync(path, "utf8").replaceAll(blocks, (block, language: string, text: string) => {
    const now = Object.entries(printed).find(([begin]) => language === "" && text.startsWith(begin))?.[1]
    return now === undefined ? block : `\`\`\`\n${now}\n\`\`\``
  })

/** What Node prints that runs this. */
export const node = (args: ReadonlyArray<string>, cwd?: string): string =>
  execFileSync(process.execPath, args, { encoding: "utf8", cwd, env: { ...process.env, NO_COLOR: "1" } })

/** What one of the parts of `npm run quickstart` prints. */
export const quickstart = (part: "quickstart" | "repair"): string =>
  withSteadyIds(node([resolve(`test/quickstart/${part}.ts`), mainPath]).trim())
