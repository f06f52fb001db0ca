/** Makes text from images and clients safe to print: short, and without anything that moves a cursor. */

/** What a terminal may act on, or a reader not see: controls, format characters, lone surrogates, line separators. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u

/** What may stand in a sentence without quotes: digests, tags, repositories, media types, codes. */
const plain = /^[A-Za-z0-9_+.:@/=-]{1,200}$/u

const quotedLength = 200
const sentenceLength = 1000

const escapedUnits = (character: string): string => {
  let escaped = ""
  for (let unit = 0; unit < character.length; unit++) {
    escaped += `\\u${character.charCodeAt(unit).toString(16).padStart(4, "0")}`
  }
  return escaped
}

const printable = (character: string): string => unprintable.test(character) ? escapedUnits(character) : character

/** At most `length` characters of `text`, each passed through `show`, with an ellipsis when it had more. */
const shortened = (text: string, length: number, show: (character: string) => string): string => {
  let shown = ""
  let cut = 0
  for (const character of text) {
    const next = show(character)
    if (shown.length + next.length > length) return `${shown.slice(0, cut)}…`
    shown += next
    // Room for the ellipsis is kept at a whole character, never inside an escape.
    if (shown.length < length) cut = shown.length
  }
  return shown
}

/** `text` as a JSON string with every unprintable character escaped; at most 200 characters, quotes included. */
export const quoted = (text: string): string => {
  const inside = shortened(text, quotedLength - 2, (character) => {
    if (character === "\"" || character === "\\") return `\\${character}`
    return printable(character)
  })
  return `"${inside}"`
}

/** `text` as it is when it looks like a name of ours, else quoted. */
export const named = (text: string): string => plain.test(text) ? text : quoted(text)

/** A reason inside a message: unprintable characters escaped, at most 1000 characters, no quotes around it. */
export const sentence = (text: string): string => shortened(text, sentenceLength, printable)

/** A value as JSON, in which every unprintable character is escaped: the same document, and nothing that moves a cursor. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escapedUnits)

/** The first few of a list, so that a message stays readable whatever the list holds. */
export const several = (items: ReadonlyArray<string>): string => {
  const shown = items.slice(0, 5).map((item) => sentence(item)).join(", ")
  return items.length > 5 ? `${shown} and ${items.length - 5} more` : shown
}
