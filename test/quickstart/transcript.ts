/** Prints a session so that it can be read: numbered steps, each call, each answer in short. */
import { styleText } from "node:util"

let steps = 0
let temporary: string | undefined

/** Long temporary paths say nothing; from now on they are shown as `…`. */
export const abbreviate = (path: string): void => {
  temporary = path
}

/** Digests are shown by their beginnings; the calls themselves have them in full. */
const readable = (text: string): string =>
  (temporary === undefined ? text : text.replaceAll(temporary, "…")).replace(/([0-9a-f]{12})[0-9a-f]{52}/gu, "$1…")

export const title = (text: string): void => console.log(`\n${styleText("bold", readable(text))}`)

export const step = (text: string): void => {
  steps += 1
  console.log(`\n${styleText("bold", `${steps}. ${text}`)}`)
}

const brief = (value: unknown): string => {
  const text = readable(typeof value === "string" ? value : JSON.stringify(value))
  return text.length > 96 ? `${text.slice(0, 95)}…` : text
}

export const call = (name: string, args: Record<string, unknown>): void => {
  const shown = Object.entries(args).map(([key, value]) => ` ${styleText("dim", `${key}=`)}${brief(value)}`)
  console.log(`   ${styleText("cyan", name)}${shown.join("")}`)
}

const print = (mark: string, parts: ReadonlyArray<unknown>): void => {
  const text = readable(parts.map((part) => typeof part === "string" ? part : JSON.stringify(part)).join(" "))
  console.log(text.split("\n").map((line, index) => `     ${index === 0 ? mark : " "} ${line}`).join("\n"))
}

/** What came back. */
export const answer = (...parts: ReadonlyArray<unknown>): void => print("→", parts)

/** What was looked at besides. */
export const note = (...parts: ReadonlyArray<unknown>): void => print("·", parts)
