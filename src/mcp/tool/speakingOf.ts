/** Text for models that names no tool they are not offered. */

/** Where one statement ends and the next begins; the mark stays with the first. */
const between = /(?<=[.;])\s+/u

/** The statements of a text, without those that name a tool which is not among `tools`. */
export const speakingOf = (text: string, tools: ReadonlySet<string>): string => {
  const statements = text.split(between)
  const kept = statements.filter((statement) =>
    (statement.match(/\boci_[a-z_]+/gu) ?? []).every((name) => tools.has(name))
  )
  return kept.length === statements.length ? text : kept.join(" ").replace(/;$/u, ".")
}
