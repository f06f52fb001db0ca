/**
 * Promotes release candidates: the newest `X.Y.Z-rc.N` of each version becomes `X.Y.Z` of another repository, once a
 * report of its tests is attached to it. What is promoted already is left alone.
 *
 *     node promote.ts LAYOUT FROM TO
 */
import { Effect, Stream } from "effect"
import { copyManifest, Registry } from "ocilayout"
import { layerDisk } from "ocilayout/node"

/** The artifact type of a report that says that all tests have passed. */
export const passed = "application/vnd.example.tests.passed"

/** The newest candidate of each version, by its number: 10 comes after 9. */
const newest = (tags: ReadonlyArray<string>): ReadonlyMap<string, string> => {
  const found = new Map<string, { readonly tag: string; readonly candidate: number }>()
  for (const tag of tags) {
    const [, version, number] = /^(\d+\.\d+\.\d+)-rc\.(\d+)$/.exec(tag) ?? []
    if (version === undefined) continue
    const candidate = Number(number)
    if (candidate > (found.get(version)?.candidate ?? -1)) found.set(version, { tag, candidate })
  }
  return new Map(Array.from(found, ([version, { tag }]) => [version, tag]))
}

/** The versions that were promoted. */
export const promote = Effect.fn("promote")(function*(from: string, to: string) {
  const registry = yield* Registry
  const promoted: Array<string> = []
  for (const [version, tag] of newest(yield* Stream.runCollect(registry.tags(from)))) {
    const { digest } = yield* registry.resolveTag(from, tag)
    const reports = yield* Stream.runCollect(registry.referrers(from, digest, { artifactType: passed, limit: 1 }))
    if (reports.length === 0) continue
    const { revision } = yield* copyManifest(
      { registry, repository: from, reference: digest },
      { registry, repository: to, tags: [{ tag: version, ifAbsent: true }] },
      { referrers: true }
    ).pipe(
      // A version keeps the image that it was given first.
      Effect.catchTag("TagExists", () => Effect.succeed({ revision: { _tag: "None" } as const }))
    )
    if (revision._tag === "Some") promoted.push(version)
  }
  return promoted
})

if (process.argv[1] === import.meta.filename) {
  const [layout = "images", from = "staging/app", to = "example/app"] = process.argv.slice(2)
  const promoted = await Effect.runPromise(
    promote(from, to).pipe(Effect.provide(layerDisk({ directory: layout, mustExist: true })))
  )
  console.log(promoted.length === 0 ? "nothing to promote" : `promoted ${promoted.join(", ")}`)
}
