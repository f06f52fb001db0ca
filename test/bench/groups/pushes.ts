/** Tagged manifests, pushed one after another and many at once; the peer knows only the first, and syncs nothing. */
import { Effect } from "effect"
import { mkdtempSync } from "node:fs"
import { join } from "node:path"
import type { Durability } from "../../../src/node/index.ts"
import type { Group } from "../support/Bench.ts"
import { asMuch, type Case, type Target } from "../support/Case.ts"
import { temporaryFolder } from "../support/folders.ts"
import { opened, pushNumber, pushParts } from "../support/load.ts"
import { type Contestant, inTurns, millis } from "../support/rounds.ts"

interface Way {
  readonly durability: Durability
  readonly concurrency: number
  readonly target?: Target
}

/** A third of the peer's time, and so on. */
const ways: ReadonlyArray<Way> = [
  { durability: "none", concurrency: 1, target: asMuch(1 / 3, "peer") },
  { durability: "power", concurrency: 1 },
  { durability: "none", concurrency: 64, target: asMuch(1 / 20, "peer") },
  { durability: "power", concurrency: 64, target: asMuch(1 / 3, "peer") }
]

const nameOf = ({ concurrency, durability }: Way, count: number): string =>
  `push ${count} tagged manifests, ${concurrency === 1 ? "one by one" : `${concurrency} in flight`}, ${durability}`

/**
 * Layouts stay until all are measured: ext4 takes fifty times as long to make a file where thousands were removed in the
 * last seconds.
 */
const pushing = (way: Way, count: number, folder: string): Contestant => () =>
  Effect.scoped(Effect.gen(function*() {
    const registry = yield* opened(mkdtempSync(join(folder, "layout-")), way.durability)
    yield* pushParts(registry)
    const numbers = Array.from({ length: count }, (_, number) => number)
    const all = Effect.forEach(numbers, (number) => pushNumber(registry, number), {
      concurrency: way.concurrency,
      discard: true
    })
    return { [nameOf(way, count)]: yield* millis(all) }
  }))

export const pushes: Group = {
  name: "pushes",
  about: "tagged manifests, one after another and many at once",
  run: Effect.fnUntraced(function*({ peer, scale }) {
    const { manifests, rounds } = scale
    const folder = yield* temporaryFolder
    const figures = yield* inTurns(rounds, [
      () => peer({ manifests }),
      ...ways.map((way) => pushing(way, manifests, folder))
    ])
    const each = figures["peer pushManifest"]
    return ways.map((way): Case => ({
      name: nameOf(way, manifests),
      unit: "ms",
      ours: figures[nameOf(way, manifests)],
      peer: each === undefined ? undefined : each * manifests,
      ...(way.target === undefined ? {} : { target: way.target })
    }))
  })
}
