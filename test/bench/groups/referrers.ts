/** What refers to one manifest among many: once everything is known, and in a process that has just started. */
import { Effect, Stream } from "effect"
import type { Group } from "../support/Bench.ts"
import { asFast } from "../support/Case.ts"
import { script } from "../support/command.ts"
import { manifestOf, opened, repository } from "../support/load.ts"
import { type Contestant, inTurns, millisEach } from "../support/rounds.ts"

const warm = (directory: string): Contestant => () =>
  Effect.scoped(Effect.gen(function*() {
    const registry = yield* opened(directory)
    const { digest } = manifestOf(0).descriptor
    const list = () => Stream.runDrain(registry.referrers(repository, digest))
    yield* millisEach(5, list)
    return { warm: yield* millisEach(20, list) }
  }))

export const referrers: Group = {
  name: "referrers",
  about: "the referrers of one subject among many manifests",
  run: Effect.fnUntraced(function*({ layout, peer, scale }) {
    const count = scale.tags.many
    const directory = yield* layout(count)
    // Whatever a process leaves for those that come later is there.
    yield* script("referrers", directory)
    const figures = yield* inTurns(scale.rounds, [
      () => peer({ manifests: scale.manifests }),
      warm(directory),
      () => Effect.map(script("referrers", directory), ({ milliseconds = Number.NaN }) => ({ fresh: milliseconds }))
    ])
    const against = figures["peer referrers"]
    const of = `among ${count} manifests, of the peer among ${scale.manifests}`
    return [
      { name: `referrers ${of}, warm`, unit: "ms", ours: figures["warm"], peer: against, target: asFast(100, "peer") },
      {
        name: `referrers ${of}, opening included in a fresh process`,
        unit: "ms",
        ours: figures["fresh"],
        peer: against,
        target: asFast(5, "peer")
      }
    ]
  })
}
