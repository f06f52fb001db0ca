/** Paths through folders that are held open, as Linux has them, and what they are called when they are told. */

/** What a number of an open file is behind. */
const prefix = "/proc/self/fd/"

const form = /\/proc\/self\/fd\/\d+/gu

export interface HeldPaths {
  /** The path of an open folder from now on. */
  readonly hold: (held: string, path: string) => void
  readonly forget: (held: string) => void
  /** A text in which folders that are held go by their paths. */
  readonly shown: (text: string) => string
}

export const makeHeldPaths = (): HeldPaths => {
  const paths = new Map<string, string>()
  return {
    hold: (held, path) => void paths.set(held, path),
    forget: (held) => void paths.delete(held),
    shown: (text) => text.includes(prefix) ? text.replace(form, (held) => paths.get(held) ?? held) : text
  }
}

/** The path of the folder behind a number. */
export const heldPath = (number: number): string => `${prefix}${number}`
