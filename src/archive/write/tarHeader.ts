/** Headers of tars, always the same for the same file: no times, no users (POSIX, ustar; GNU's form for large sizes). */

const blockLength = 512

/** What eleven octal digits can say. */
const mostOctal = 8 ** 11 - 1

/** The header of a file; its name has at most 100 bytes, as those of layouts have. */
export const tarHeader = (name: string, size: number): Uint8Array => {
  if (name.length > 100) throw new RangeError(`${name} is too long for a tar`)
  const block = new Uint8Array(blockLength)
  const put = (text: string, at: number): void => block.set(new TextEncoder().encode(text), at)
  const octal = (value: number, at: number, digits: number): void =>
    put(`${value.toString(8).padStart(digits, "0")}\0`, at)
  put(name, 0)
  octal(0o644, 100, 7)
  octal(0, 108, 7)
  octal(0, 116, 7)
  if (size <= mostOctal) octal(size, 124, 11)
  else {
    block[124] = 0x80
    for (let at = 135, rest = size; rest > 0; at--, rest = Math.floor(rest / 256)) block[at] = rest % 256
  }
  octal(0, 136, 11)
  put("        ", 148)
  put("0", 156)
  put("ustar\0", 257)
  put("00", 263)
  put(`${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148)
  return block
}

/** What fills the last block of a file. */
export const tarPadding = (size: number): Uint8Array => new Uint8Array((blockLength - size % blockLength) % blockLength)

/** What ends a tar. */
export const tarEnd = (): Uint8Array => new Uint8Array(2 * blockLength)
