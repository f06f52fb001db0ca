/** Colours, where the screen has them. */
import type { Screen } from "./Screen.ts"

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, cyan: 36 } as const

export type Style = keyof typeof codes

export const styled = ({ colour }: Pick<Screen, "colour">, style: Style, text: string): string =>
  colour && text !== "" ? `\u{1b}[${codes[style]}m${text}\u{1b}[0m` : text

const codeForm = new RegExp(`${String.fromCodePoint(0x1b)}\\[\\d+m`, "gu")

/** Characters that take a place on the screen. */
export const widthOf = (text: string): number => Array.from(text.replace(codeForm, "")).length
