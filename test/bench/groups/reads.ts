/** What is asked of an unchanged layout, again and again by one process: it should not matter how many tags there are. */
import { Effect, type Scope, Stream } from "effect"
import type { RegistryError } from "../../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import type { Group } from "../support/Bench.ts"
import { asFast, asMuch, type Case } from "../support/Case.ts"
import { digestsOf, opened, repository, tagOf } from "../support/load.ts"
import { type Contestant, type Figures, inTurns, millisEach, millisOfMany } from "../support/rounds.ts"

type Read = Effect.Effect<unknown, RegistryError, Scope.Scope>

/** The order in which the peer asks, too: what was just read is of no help. */
const scattered = (number: number, count: number): number => (number * 7919) % count

const readsOf = (registry: LayoutRegistry, digests: ReadonlyArray<string>) => {
  const digest = (number: number): string => digests[scattered(number, digests.length)] ?? ""
  return {
    resolveTag: (number: number): Read => registry.resolveTag(repository, tagOf(scattered(number, digests.length))),
    resolveManifest: (number: number): Read => registry.resolveManifest(repository, digest(number)),
    getManifest: (number: number): Read => registry.getManifest(repository, digest(number)),
    tags: (): Read => Stream.runDrain(registry.tags(repository, { limit: 100 })),
    repositories: (): Read => Stream.runDrain(registry.repositories())
  }
}

const resolving = ["resolveTag", "resolveManifest", "getManifest"] as const
const listing = ["tags", "repositories"] as const

/** Calls until the compiler has made of a read what it will make of it: measured, after these it gets no faster. */
const warmUp = 5000

/** All of them on one layout, each warmed up before it is measured. */
const reading = (count: number, directory: string): Contestant => () =>
  Effect.scoped(Effect.gen(function*() {
    const reads = readsOf(yield* opened(directory), digestsOf(count))
    const figures: Record<string, number> = {}
    for (const name of [...resolving, ...listing]) {
      yield* millisEach(warmUp, reads[name])
      figures[`${name} ${count}`] = yield* millisOfMany(2000, reads[name])
    }
    return figures
  }))

/** The peer does not measure how it lists repositories; it does so from the same index as it lists tags. */
const peersName = (name: typeof listing[number]): string => name === "repositories" ? "tags" : name

const micros = (figures: Figures, name: string): number | undefined =>
  figures[name] === undefined ? undefined : figures[name] * 1000

export const reads: Group = {
  name: "reads",
  about: "resolving, getting and listing on an unchanged layout",
  run: Effect.fnUntraced(function*({ layout, peer, scale }) {
    const { few, many } = scale.tags
    const counts = [few, scale.manifests, many]
    const directories = yield* Effect.forEach(counts, layout)
    const figures = yield* inTurns(scale.rounds, [
      () => peer({ manifests: scale.manifests }),
      ...counts.map((count, at) => reading(count, directories[at] ?? ""))
    ])
    const unit = "µs"
    return [
      ...resolving.flatMap((name): ReadonlyArray<Case> => {
        const against = micros(figures, `peer ${name}`)
        const ofMany = micros(figures, `${name} ${many}`)
        return [
          ...[scale.manifests, many].map((count): Case => ({
            name: `${name} at ${count} tags, of the peer at ${scale.manifests}`,
            unit,
            ours: micros(figures, `${name} ${count}`),
            peer: against,
            target: asFast(100, "peer")
          })),
          {
            name: `${name} at ${many} tags, of ours at ${few}`,
            unit,
            ours: ofMany,
            limit: micros(figures, `${name} ${few}`),
            target: asMuch(1.5, "limit")
          }
        ]
      }),
      ...listing.map((name): Case => ({
        name: `${name === "tags" ? "a page of 100 tags" : name} at ${scale.manifests} tags`,
        unit,
        ours: micros(figures, `${name} ${scale.manifests}`),
        peer: micros(figures, `peer ${peersName(name)}`),
        target: asFast(10, "peer")
      }))
    ]
  })
}
