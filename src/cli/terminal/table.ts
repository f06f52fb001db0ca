/** Aligned columns, cut to the screen. */
import { sentence } from "../../oci/quoted.ts"
import type { Screen } from "./Screen.ts"
import { styled, widthOf } from "./style.ts"

export interface Column {
  readonly title: string
  readonly align?: "left" | "right"
  /** Whether it gives way where the screen is too narrow for all. */
  readonly cut?: boolean
}

const gap = "  "
/** A column that gives way keeps this much. */
const leastWidth = 8

const fitted = (text: string, width: number, align: Column["align"]): string => {
  const length = widthOf(text)
  if (length > width) return `${Array.from(text).slice(0, width - 1).join("")}…`
  const space = " ".repeat(width - length)
  return align === "right" ? space + text : text + space
}

/** The columns' widths: those that may be cut share what is missing, the widest first. */
const widthsFor = (
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  screen: Screen
): ReadonlyArray<number> => {
  const widths = columns.map(({ title }, at) =>
    rows.reduce((most, row) => Math.max(most, widthOf(row[at] ?? "")), widthOf(title))
  )
  const available = (screen.columns ?? Number.POSITIVE_INFINITY) - gap.length * (columns.length - 1)
  let missing = widths.reduce((sum, width) => sum + width, 0) - available
  while (missing > 0) {
    const widest = columns.reduce<number | undefined>((best, { cut }, at) => {
      const width = widths[at] ?? 0
      if (cut !== true || width <= leastWidth) return best
      return best === undefined || width > (widths[best] ?? 0) ? at : best
    }, undefined)
    if (widest === undefined) break
    widths[widest] = (widths[widest] ?? 0) - 1
    missing--
  }
  return widths
}

/** Lines under a line of titles; nothing where there are no rows. Cells are plain text, and nothing in them moves a cursor. */
export const table = (
  screen: Screen,
  columns: ReadonlyArray<Column>,
  content: ReadonlyArray<ReadonlyArray<string>>
): string => {
  if (content.length === 0) return ""
  const rows = content.map((row) => row.map(sentence))
  const widths = widthsFor(columns, rows, screen)
  const line = (cells: ReadonlyArray<string>): string =>
    columns.map(({ align }, at) => fitted(cells[at] ?? "", widths[at] ?? 0, align)).join(gap).trimEnd()
  return [styled(screen, "bold", line(columns.map(({ title }) => title))), ...rows.map(line)].join("\n")
}

/** Names and values, one below the other. */
export const facts = (
  screen: Screen,
  rows: ReadonlyArray<readonly [name: string, value: string | undefined]>
): string => {
  const known = rows.flatMap(([name, value]) => value === undefined || value === "" ? [] : [[name, value] as const])
  const width = known.reduce((most, [name]) => Math.max(most, name.length), 0)
  return known.map(([name, value]) => {
    const indented = value.split("\n").join(`\n${" ".repeat(width + gap.length)}`)
    return `${styled(screen, "dim", name.padEnd(width))}${gap}${indented}`
  }).join("\n")
}

/** A share of a whole as a bar of `width` places, in eighths of a place. */
export const bar = (share: number, width: number): string => {
  const eighths = Math.round(Math.min(Math.max(share, 0), 1) * width * 8)
  const part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8] ?? ""
  return `${"█".repeat(Math.floor(eighths / 8))}${part}`
}

export interface Branch {
  readonly text: string
  readonly below: ReadonlyArray<Branch>
}

/** A tree, a line each. */
export const tree = ({ below, text }: Branch): string => [text, ...branches(below, "")].join("\n")

const branches = (below: ReadonlyArray<Branch>, indent: string): ReadonlyArray<string> =>
  below.flatMap((branch, at) => {
    const last = at === below.length - 1
    const [first = "", ...more] = branch.text.split("\n")
    const inner = `${indent}${last ? "   " : "│  "}`
    return [
      `${indent}${last ? "└─ " : "├─ "}${first}`,
      ...more.map((line) => `${inner}${branch.below.length === 0 ? "" : "│"}${line}`),
      ...branches(branch.below, inner)
    ]
  })
