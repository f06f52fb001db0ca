/** Figures for people, as a table in Markdown; for programs they are JSON as they are. */
import type { Judged } from "./Case.ts"

const headings = ["case", "unit", "ours", "peer", "limit", "ratio", "target", "met"]

const isText = [true, true, false, false, false, false, true, true]

export const table = (cases: ReadonlyArray<Judged>): string => {
  const rows = cases.map((judged) => [
    judged.case,
    judged.unit,
    figure(judged.ours),
    figure(judged.peer),
    figure(judged.limit),
    judged.ratio === null ? "" : `${figure(judged.ratio)}×`,
    judged.target ?? "",
    judged.met === null ? "" : judged.met ? "yes" : "no"
  ])
  const widths = headings.map((heading, column) =>
    Math.max(...[heading, ...rows.map((row) => row[column] ?? "")].map(({ length }) => length))
  )
  const line = (cells: ReadonlyArray<string>): string =>
    `| ${
      cells.map((cell, column) => {
        const width = widths[column] ?? 0
        return isText[column] === true ? cell.padEnd(width) : cell.padStart(width)
      }).join(" | ")
    } |`
  const rule = line(
    widths.map((width, column) => isText[column] === true ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)
  )
  return [line(headings), rule, ...rows.map(line)].join("\n")
}

/** Three significant digits: no more of a measurement can be told. */
const figure = (value: number | null): string =>
  value === null ? "" : value >= 100 ? value.toFixed(0) : value.toPrecision(3)
