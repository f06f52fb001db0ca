/** What an error owes to its reader. */
import { assert } from "@effect/vitest"

interface Told {
  readonly _tag: string
  readonly message: string
}

/** What a terminal may act on, or a reader not see. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u

const longest = 6000

/** The error has a type, and a sentence that can be printed, however it came to be. */
export const assertTold = ({ _tag, message }: Told): void => {
  assert.isNotEmpty(_tag)
  assert.isAbove(message.length, 10, _tag)
  assert.isBelow(message.length, longest, _tag)
  assert.notMatch(message, unprintable, _tag)
}

/** Whether a text from outside, of a bounded length, may be shown as it is. */
export const assertPrintable = (text: string, length: number): void => {
  assert.isAtMost(text.length, length)
  assert.notMatch(text, unprintable)
}
