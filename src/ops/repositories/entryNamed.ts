/** Entries by the name they are written with, where each repository may be a layout of its own. */
import { Effect, Option } from "effect"
import { named } from "../../layout/query.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { ManifestUnknown } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { Catalog, Opened } from "./catalog.ts"

/** A layout that may have the entry, and the name that it would have there. */
interface NamePlace {
  readonly opened: Opened & { readonly repository?: Repository }
  readonly name: string
  /** Whether the layout's repository stands before the name. */
  readonly within: boolean
}

/** In a tree a name with its repository before it is that entry, of the longest such repository; else any layout's. */
export const placesOf = (
  catalog: Catalog,
  refName: string
): Effect.Effect<ReadonlyArray<NamePlace>, ReadFault> =>
  Effect.map(catalog.layouts, (layouts) => {
    const within = layouts.flatMap((opened): ReadonlyArray<NamePlace> => {
      const name = nameWithin(opened.repository, refName)
      return name === undefined ? [] : [{ opened, name, within: true }]
    })
    return [
      ...within.toSorted((a, b) => a.name.length - b.name.length),
      ...layouts.map((opened): NamePlace => ({ opened, name: refName, within: false }))
    ]
  })

/** What is left of a name behind its repository. */
const nameWithin = (repository: string | undefined, name: string): string | undefined =>
  repository !== undefined && name.startsWith(repository) && /^[:/]./su.test(name.slice(repository.length))
    ? name.slice(repository.length + 1)
    : undefined

/** The layout whose entry of this name is to be changed: a name alone has to be of one layout only. */
export const placeToChange = Effect.fnUntraced(function*(
  catalog: Catalog,
  refName: string
): Effect.fn.Return<NamePlace, ManifestUnknown | ReadFault> {
  const found: Array<NamePlace> = []
  for (const place of yield* placesOf(catalog, refName)) {
    if (Option.isNone(named(yield* place.opened.layout.snapshot, place.name))) continue
    if (place.within || catalog.shared) return place
    found.push(place)
  }
  const [only, other] = found
  if (only !== undefined && other === undefined) return only
  const candidates = found.map(({ name, opened }) => `${opened.repository}:${name}`)
  return yield* new ManifestUnknown({
    repository: "",
    reference: refName,
    ...(candidates.length === 0 ? {} : { candidates })
  })
})
