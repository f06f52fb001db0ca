/** Patterns of names. */

/** Whether a name fits a pattern: `*` is any number of characters, `?` is one, all others are themselves. */
export const fits = (glob: string): (name: string) => boolean => {
  const source = glob.replace(
    /[\\^$.*+?()[\]{}|/-]/gu,
    (character) => character === "*" ? ".*" : character === "?" ? "." : `\\${character}`
  )
  // A pattern of many stars would take long on a long name; tags have at most 128 characters.
  const form = new RegExp(`^${source.replace(/(?:\.\*)+/gu, ".*")}$`, "su")
  return (name) => form.test(name)
}
