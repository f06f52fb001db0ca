/** What refers to one manifest among many: once everything is known, and in a process that has just started. */
import { Effect, Stream } from "effect"
import type { Group } from "../support/Bench.ts"
import { asFast, type Case } from "../support/Case.ts"
import { script } from "../support/command.ts"
import { manifestOf, opened, repository } from "../support/load.ts"
import { type Contestant, type Figures, inTurns, millisEach } from "../support/rounds.ts"

const warm = (directory: string): Contestant => () =>
  Effect.scoped(Effect.gen(function*() {
    const registry = yield* opened(directory)
    const { digest } = manifestOf(0).descriptor
    const list = () => Stream.runDrain(registry.referrers(repository, digest))
    yield* millisEach(5, list)
    return { warm: yield* millisEach(20, list) }
  }))

/** In a process that has just started, beside which lies what earlier ones have found out. */
const fresh = (directory: string, count: number): Contestant => () =>
  Effect.map(
    script("referrers", directory),
    ({ milliseconds = Number.NaN }) => ({ [`fresh ${count}`]: milliseconds })
  )

/** The peer opens the layout in the process that has made it. */
const peersFresh = (figures: Figures): number | undefined => {
  const { "peer open": open, "peer referrers": referrers } = figures
  return open === undefined || referrers === undefined ? undefined : open + referrers
}

const freshCase = (count: number, peers: number, figures: Figures, against: Figures): Case => ({
  name: `referrers among ${count} manifests, of the peer among ${peers}, from open in a fresh process`,
  unit: "ms",
  ours: figures[`fresh ${count}`],
  peer: peersFresh(against),
  target: asFast(5, "peer")
})

export const referrers: Group = {
  name: "referrers",
  about: "the referrers of one subject among many manifests",
  run: Effect.fnUntraced(function*({ layout, patient, peer, say, scale }) {
    const { manifests, tags: { many } } = scale
    const [few, directory] = [yield* layout(manifests), yield* layout(many)]
    const figures = yield* inTurns(scale.rounds, [
      () => peer({ manifests }),
      warm(directory),
      fresh(few, manifests),
      fresh(directory, many)
    ])
    if (!patient) say(`  the peer among ${many} manifests: skipped, it takes seven minutes; --patient waits for it`)
    const atMany = patient ? yield* peer({ manifests: many }) : {}
    return [
      {
        name: `referrers among ${many} manifests, of the peer among ${manifests}, warm`,
        unit: "ms",
        ours: figures["warm"],
        peer: figures["peer referrers"],
        target: asFast(100, "peer")
      },
      freshCase(manifests, manifests, figures, figures),
      freshCase(many, manifests, figures, figures),
      ...(patient ? [freshCase(many, many, figures, atMany)] : [])
    ]
  })
}
