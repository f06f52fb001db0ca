/** Patterns of names in images, matched without going back more than once: names are hostile, and can be long. */

/** Whether a name fits a pattern: `*` is any number of characters, `?` is one, all others are themselves. */
export const fitsGlob = (glob: string, name: string): boolean => {
  let [at, of] = [0, 0]
  // Where the last star stands, and how far it has been stretched.
  let star = -1
  let stretched = 0
  while (at < name.length) {
    const wanted = glob[of]
    if (wanted === "*") {
      star = of++
      stretched = at
    } else if (wanted === "?" || wanted === name[at]) {
      at++
      of++
    } else if (star >= 0) {
      of = star + 1
      at = ++stretched
    } else return false
  }
  while (glob[of] === "*") of++
  return of === glob.length
}
