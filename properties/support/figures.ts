/** One line for each property that says how much it has tried, for the reader who repeats a deep run. */

/** Prints what was counted, like `figures: journal lines: inputs 40000, records 1200`. */
export const figures = (property: string, counts: Readonly<Record<string, number>>): void => {
  console.info(`figures: ${property}: ${Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(", ")}`)
}
