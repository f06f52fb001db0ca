/** The characters that JSON is made of, as bytes and as UTF-16 code units. */
export const quote = 0x22
export const backslash = 0x5c
export const comma = 0x2c
export const isOpening = (code: number): boolean => code === 0x5b || code === 0x7b
export const isClosing = (code: number): boolean => code === 0x5d || code === 0x7d
export const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
