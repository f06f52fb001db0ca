/**
 * Deflate can go on in the middle of a byte, and zlib by its documented calls cannot begin there. So it is first given
 * empty blocks of just so many bits that what follows them begins at that bit.
 */

type Bits = Array<number>

const put = (bits: Bits, value: number, count: number): void => {
  for (let bit = 0; bit < count; bit++) bits.push(value >> bit & 1)
}

/** An empty block with fixed codes: ten bits. */
const putFixed = (bits: Bits): void => {
  put(bits, 0, 1)
  put(bits, 1, 2)
  put(bits, 0, 7)
}

const codeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** An empty block with codes of its own: an odd number of bits. */
const putDynamic = (bits: Bits): void => {
  put(bits, 0, 1)
  put(bits, 2, 2)
  put(bits, 0, 5)
  put(bits, 0, 5)
  put(bits, codeOrder.length - 4, 4)
  // Two codes of one bit: 0 is a length of one, 1 is many lengths of zero.
  for (const symbol of codeOrder) put(bits, symbol === 18 || symbol === 1 ? 1 : 0, 3)
  // 256 of zero.
  put(bits, 1, 1)
  put(bits, 138 - 11, 7)
  put(bits, 1, 1)
  put(bits, 118 - 11, 7)
  // The code that ends the block, one code of a distance, and the end itself.
  put(bits, 0, 3)
}

const prefixes: ReadonlyArray<Bits> = Array.from({ length: 8 }, (_, offset) => {
  for (const dynamic of [0, 1]) {
    for (let fixed = 0; fixed < 4; fixed++) {
      const bits: Bits = []
      if (dynamic === 1) putDynamic(bits)
      for (let block = 0; block < fixed; block++) putFixed(bits)
      if (bits.length % 8 === offset) return bits
    }
  }
  return []
})

/** What to feed first, where `unused` bits of the byte `last` belong to what comes next. */
export const bitPrefix = (unused: number, last: number): Buffer => {
  const offset = (8 - unused) % 8
  const bits = prefixes[offset] ?? []
  const bytes = Buffer.alloc(Math.ceil(bits.length / 8))
  for (const [at, bit] of bits.entries()) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | bit << (at & 7)
  if (offset !== 0) bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | (last & 0xff << offset)
  return bytes
}
