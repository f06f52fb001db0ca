/** Text of files in images, which may be anything. */

/** The value of the first line `KEY: value`, of the keys wanted, in each part between empty lines. */
export function* stanzas(
  text: string,
  separator: string,
  keys: ReadonlySet<string>
): Generator<ReadonlyMap<string, string>> {
  let fields = new Map<string, string>()
  for (const line of lines(text)) {
    if (line === "") {
      if (fields.size > 0) yield fields
      fields = new Map()
      continue
    }
    const at = line.indexOf(separator)
    const key = at < 0 ? "" : line.slice(0, at)
    if (keys.has(key) && !fields.has(key)) fields.set(key, line.slice(at + separator.length).trim())
  }
  if (fields.size > 0) yield fields
}

/** One after another: a file can be of nothing but line breaks. */
export function* lines(text: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    const end = text.indexOf("\n", start)
    const line = text.slice(start, end < 0 ? text.length : end)
    yield line.endsWith("\r") ? line.slice(0, -1) : line
    if (end < 0) return
    start = end + 1
  }
}
