/** The metrics of several processes as those of one. */

/** `name{labels}` and the value. */
const sample = /^([^#\s]\S*(?:\{.*\})?) (\S+)$/u

/** Everything we count can be added up: counters, histograms, and how much there is of something now. */
export const mergeMetrics = (texts: ReadonlyArray<string>): string => {
  const families = new Map<string, { readonly comments: Array<string>; readonly values: Map<string, number> }>()
  for (const text of texts) {
    let family = ""
    for (const line of text.split("\n")) {
      const [, , of = ""] = /^# (HELP|TYPE) (\S+)/u.exec(line) ?? []
      if (of !== "") family = of
      const found = families.get(family) ?? { comments: [], values: new Map<string, number>() }
      if (of !== "" && !found.comments.includes(line)) found.comments.push(line)
      const [, series = "", value = ""] = sample.exec(line) ?? []
      if (series !== "") found.values.set(series, (found.values.get(series) ?? 0) + Number(value))
      families.set(family, found)
    }
  }
  const lines = Array.from(families.values()).flatMap(({ comments, values }) => [
    ...comments,
    ...Array.from(values, ([series, value]) => `${series} ${value}`)
  ])
  return `${lines.join("\n")}\n`
}
