/** The first part of a long name, in a field of its own. */
import { byteAt, fieldAt } from "./bytes.ts"
import { numberAt } from "./numbers.ts"

const slash = 0x2f

/** A prefix, a slash and a name. */
export const prefixed = (prefix: Uint8Array, name: Uint8Array): Uint8Array => {
  const whole = new Uint8Array(prefix.length + 1 + name.length)
  whole.set(prefix)
  whole[prefix.length] = slash
  whole.set(name, prefix.length + 1)
  return whole
}

/** Go before 1.8 wrote a prefix where GNU has two times: where they are no numbers, it is one. */
export const oldPrefix = (block: Uint8Array, name: Uint8Array): Uint8Array => {
  if (isTime(block, 345) && isTime(block, 357)) return name
  let end = 345
  while (end < 500 && byteAt(block, end) > 0 && byteAt(block, end) < 0x80) end++
  if (end < 500 && byteAt(block, end) !== 0) return name
  return end > 345 ? prefixed(fieldAt(block, 345, 155), name) : name
}

/** A number, or nothing. */
const isTime = (block: Uint8Array, at: number): boolean => {
  if (byteAt(block, at) === 0) return true
  try {
    numberAt(block, at, 12)
    return true
  } catch {
    return false
  }
}
