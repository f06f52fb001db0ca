/**
 * What each cache saves: the same work with it and without it, in turn and in one run, for layouts of 100, 1,000 and
 * 10,000 tags. Figures are ratios of medians: 2 says that the work takes twice as long without. `npm run bench:caches`;
 * numbers of tags can be given, and the beginning of a name.
 */
import { Effect } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { caches } from "./caches/caches.ts"
import { loadWithout } from "./caches/hooks.ts"
import { type Code, makeLayout, opened, prepare, works } from "./caches/work.ts"

const rounds = 11

const load = async <M>(file: string, query: string): Promise<M> => (await import(`../../src/${file}${query}`)) as M

const codeOf = async (query: string): Promise<Code> => ({
  ...(await load<Pick<Code, "hasher">>("node/files/hasher.ts", query)),
  ...(await load<Pick<Code, "nodeFs">>("node/fs/nodeFs.ts", query)),
  ...(await load<Pick<Code, "openStores">>("node/stores.ts", query)),
  ...(await load<Pick<Code, "sharedRegistry">>("ops/makeRegistry.ts", query))
})

const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

/** A side of a comparison has a layout of its own, which is made and used once before. */
interface Side {
  readonly directory: string
  readonly digests: ReadonlyArray<string>
}

const makeSide = Effect.fnUntraced(
  function*(code: Code, directory: string, tags: number): Effect.fn.Return<Side, unknown> {
    const digests = makeLayout(directory, tags)
    yield* Effect.scoped(Effect.flatMap(opened(code, directory), (registry) => prepare(registry, digests)))
    return { directory, digests }
  }
)

/** Both are warm before they are timed. */
const ratioOf = Effect.fnUntraced(function*(name: string, codes: readonly [Code, Code], sides: readonly [Side, Side]) {
  const work = works[name]
  if (work === undefined) return yield* Effect.die(`no work is called ${name}`)
  const each = yield* Effect.forEach(sides, ({ digests, directory }, side) => {
    const anew = opened(codes[side === 0 ? 0 : 1], directory)
    return Effect.map(anew, (registry) => ({ directory, digests, registry, anew, taken: new Array<number>() }))
  })
  // A young index is hashed again by each reader.
  yield* Effect.sleep(50)
  for (let time = 0; time < rounds + 3; time++) {
    for (const { taken, ...world } of time % 2 === 0 ? each : each.toReversed()) {
      const started = performance.now()
      yield* Effect.scoped(work.run({ ...world, time }))
      if (time >= 3) taken.push(performance.now() - started)
    }
  }
  const [with_ = Number.NaN, without = Number.NaN] = each.map(({ taken }) => median(taken))
  return `${(without / with_).toFixed(1)} (${with_.toFixed(2)} ms)`
}, Effect.scoped)

const words = process.argv.slice(2)
const numbers = words.filter((word) => /^\d+$/u.test(word)).map(Number)
const named = words.find((word) => !/^\d+$/u.test(word)) ?? ""
const sizes = numbers.length === 0 ? [100, 1000, 10_000] : numbers
const scratch = mkdtempSync(join(tmpdir(), "ocilayout-caches-"))
process.env["XDG_STATE_HOME"] = join(scratch, "state")

try {
  loadWithout()
  const code = await codeOf("")
  const layouts = await Promise.all(sizes.map((tags) =>
    Effect.runPromise(Effect.all([
      makeSide(code, join(scratch, `${tags}`, "with"), tags),
      makeSide(code, join(scratch, `${tags}`, "without"), tags)
    ]))
  ))
  console.log(`| cache | work | ${sizes.map((tags) => `${tags} tags`).join(" | ")} |`)
  console.log(`| --- | --- | ${sizes.map(() => "---:").join(" | ")} |`)
  for (const [place, { name, work }] of caches.entries()) {
    if (!name.startsWith(named)) continue
    const other = await codeOf(`?without=${place}`)
    const cells: Array<string> = []
    for (const sides of layouts) cells.push(await Effect.runPromise(ratioOf(work, [code, other], sides)))
    console.log(`| ${name} | ${work} | ${cells.join(" | ")} |`)
  }
} finally {
  rmSync(scratch, { recursive: true })
}
