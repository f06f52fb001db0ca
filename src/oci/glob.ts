/** Patterns of names. */

/** Whether a name fits a pattern: `*` is any number of characters, `?` is one, all others are themselves. */
export const fits = (glob: string): (name: string) => boolean => {
  const source = glob.replace(
    /[\\^$.*+?()[\]{}|/]/gu,
    (character) => character === "*" ? ".*" : character === "?" ? "." : `\\${character}`
  )
  // Stars beside each other say nothing more than one, and would take long on a long name.
  const form = new RegExp(`^${source.replace(/(?:\.\*)+/gu, ".*")}$`, "su")
  return (name) => form.test(name)
}
