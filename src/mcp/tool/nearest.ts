/** Finds the names that are near a wrong one. */

/** Longer names are compared by their beginnings only. */
const compared = 64

/** Insertions, deletions and replacements that turn one text into the other. */
const distance = (a: string, b: string): number => {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}

/** At most `count` of the names, those most like `wanted` first; what contains it, or is in it, is nearest. */
export const nearest = (wanted: string, names: ReadonlyArray<string>, count: number): ReadonlyArray<string> => {
  const target = wanted.slice(0, compared).toLowerCase()
  const rank = (name: string): number => {
    const candidate = name.slice(0, compared).toLowerCase()
    const contained = target !== "" && (candidate.includes(target) || target.includes(candidate))
    return contained ? Math.abs(candidate.length - target.length) / compared : distance(target, candidate)
  }
  return names
    .map((name) => ({ name, rank: rank(name) }))
    .toSorted((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1))
    .slice(0, count)
    .map(({ name }) => name)
}
