/** Paths through folders that are held open, as Linux has them, and their ordinary paths for messages. */

/** The path of an open file is this prefix and the number of its descriptor. */
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
