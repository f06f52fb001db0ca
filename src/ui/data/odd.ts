/** Characters that move others, hide, or cannot be seen: they are named wherever text of others is shown. */

/** Controls, format characters (all of Unicode's bidirectional controls are), lone surrogates, separators of lines. */
const odd = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u
const oddInLines = /[\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]|[^\P{Cc}\n\t]/u

export interface Piece {
  readonly text: string
  readonly isOdd: boolean
}

const nameOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`

/** The text in pieces: what is shown as it is, and names of what is not. Line breaks and tabs stay where `hasLines`. */
export const piecesOf = (text: string, hasLines = false): ReadonlyArray<Piece> => {
  const form = hasLines ? oddInLines : odd
  if (!form.test(text)) return [{ text, isOdd: false }]
  const pieces: Array<Piece> = []
  let plain = ""
  for (const character of text) {
    if (!form.test(character)) {
      plain += character
      continue
    }
    if (plain !== "") pieces.push({ text: plain, isOdd: false })
    plain = ""
    pieces.push({ text: nameOf(character), isOdd: true })
  }
  if (plain !== "") pieces.push({ text: plain, isOdd: false })
  return pieces
}

/** For where there is room for text alone: titles, labels. */
export const plainOf = (text: string): string =>
  piecesOf(text).map(({ isOdd, text }) => isOdd ? `⟨${text}⟩` : text).join("")
