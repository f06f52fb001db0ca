/** A window of a content, as text where it is text. */
import { Effect, Schema } from "effect"
import { Base64, Hex } from "effect/encoding"
import * as limits from "../tool/limits.ts"
import { invalidArgument, type ToolError } from "../tool/SurfaceError.ts"

/** How a window of a content is told. */
export const Shown = {
  returned: Schema.Natural,
  encoding: Schema.Literals(["utf8", "hex", "base64"]),
  data: Schema.String
}

interface ShownWindow {
  readonly returned: number
  readonly encoding: "utf8" | "hex" | "base64"
  readonly data: string
}

/** As much of a window as fits into a result; the rest is one call away. */
export const shownAs = (
  bytes: Uint8Array,
  encoding: "auto" | ShownWindow["encoding"],
  isEnd: boolean
): Effect.Effect<ShownWindow, ToolError> => {
  switch (encoding) {
    case "hex":
      return Effect.succeed(asHex(bytes.subarray(0, limits.partCharacters / 2)))
    case "base64": {
      const part = bytes.subarray(0, limits.partCharacters * 3 / 4)
      return Effect.succeed({ returned: part.length, encoding, data: Base64.encode(part) })
    }
    case "utf8":
    case "auto": {
      const shown = asText(bytes, isEnd)
      // A byte of zero is valid UTF-8, and no text.
      if (shown !== undefined && (encoding === "utf8" || !shown.data.includes("\u{0}"))) return Effect.succeed(shown)
      return encoding === "auto"
        ? Effect.succeed(asHex(bytes.subarray(0, limits.previewBytes)))
        : Effect.fail(invalidArgument("encoding: these bytes are not UTF-8; use hex or base64"))
    }
  }
}

const asHex = (bytes: Uint8Array): ShownWindow => ({ returned: bytes.length, encoding: "hex", data: Hex.encode(bytes) })

/** The window as text, without a character that its end cuts in two; nothing when it is not UTF-8. */
const asText = (bytes: Uint8Array, isEnd: boolean): ShownWindow | undefined => {
  const whole = isEnd ? bytes : bytes.subarray(0, bytes.length - halfCharacter(bytes))
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
  let text: string
  try {
    text = decoder.decode(whole)
  } catch {
    return undefined
  }
  const data = shortened(text)
  const returned = data.length === text.length ? whole.length : new TextEncoder().encode(data).length
  return { returned, encoding: "utf8", data }
}

/** How many bytes at the end begin a character that is not complete. */
const halfCharacter = (bytes: Uint8Array): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0
  }
  return 0
}

/** The longest beginning whose JSON fits into a result. */
const shortened = (text: string): string => {
  if (6 * text.length <= limits.partCharacters) return text
  let cost = 0
  let end = 0
  for (const character of text) {
    cost += JSON.stringify(character).length - 2
    if (cost > limits.partCharacters) break
    end += character.length
  }
  return text.slice(0, end)
}
