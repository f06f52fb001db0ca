/** What ours and other tools do on one layout, as a program that fast-check draws, prints and shrinks. */
import { Effect } from "effect"
import fc from "fast-check"
import { pass } from "../simulation/foreign.ts"
import { takeTurns } from "../takeTurns.ts"
import { type Ask, Cast } from "./Cast.ts"
import { judge } from "./judge.ts"
import type { Moment } from "./Tool.ts"
import { type ToolPlan, toolPlan, wantsQuiet } from "./ToolPlan.ts"

/** How many calls of others go by. */
type Calls = number

interface Guest {
  readonly plan: ToolPlan
  readonly wait: Calls
  readonly pauses: Readonly<Record<Moment, Calls>>
  /** How many calls it makes before it is killed, if it is. */
  readonly lives: Calls | undefined
}

export interface Program {
  /** What each process of ours is asked for, in order. */
  readonly ours: ReadonlyArray<ReadonlyArray<Ask & { readonly wait: Calls }>>
  readonly guests: ReadonlyArray<Guest>
  /** What is there before, by another tool; and whether we have written since. */
  readonly before: Readonly<Record<string, string>>
  readonly adopted: boolean
  readonly ticks: ReadonlyArray<{ readonly wait: Calls; readonly minutes: number }>
  /** Who takes the next step: each in turn, or anybody. */
  readonly order: number
  /** How many minutes nothing is done in the end. */
  readonly rests: number
  readonly collects: boolean
}

const names = ["app:t0", "app:t1", "app:t2"]
const notes = ["a", "b", "c", "d"]

const minutes = fc.constantFrom(1, 90, 26 * 60, 9 * 24 * 60)

const calls = fc.nat({ max: 400 })
const pause = fc.oneof(fc.constant(0), calls)

const ask: fc.Arbitrary<Program["ours"][number][number]> = fc.record({
  does: fc.constantFrom("push", "push", "push", "tag", "untag", "read", "collect"),
  name: fc.constantFrom(...names),
  note: fc.constantFrom(...notes),
  wait: calls
})

const guest: fc.Arbitrary<Guest> = fc.record({
  plan: toolPlan(names, notes),
  wait: calls,
  pauses: fc.record({ read: pause, stored: pause, emptied: fc.nat({ max: 10 }), written: pause, listed: pause }),
  lives: fc.option(fc.nat({ max: 60 }), { freq: 8, nil: undefined })
})

export const program: fc.Arbitrary<Program> = fc.record({
  ours: fc.array(fc.array(ask, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 }),
  // Of those that need quiet times, one at most: a layout that is removed and copied may be anything.
  guests: fc.array(guest, { minLength: 1, maxLength: 3 }).filter((guests) =>
    guests.filter(({ plan }) => wantsQuiet(plan)).length <= 1
  ),
  before: fc.record({ "app:t0": fc.constantFrom("a", "b"), "app:t1": fc.constantFrom("a", "c") }, { requiredKeys: [] }),
  adopted: fc.boolean(),
  ticks: fc.array(fc.record({ wait: calls, minutes }), { maxLength: 2 }),
  order: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 30 })),
  rests: minutes,
  collects: fc.boolean()
})

export interface Played {
  readonly cast: Cast
  /** What is wrong in the end; nothing where the index was left torn. */
  readonly found: ReadonlyArray<string> | undefined
}

export const play = async (program: Program): Promise<Played> => {
  const cast = new Cast(true)
  const { world } = cast
  await cast.furnish(program.before)
  cast.watch()
  const { ghost } = cast
  const processes = await Promise.all(program.ours.map(() => world.open()))
  const last = await world.open()
  if (program.adopted) {
    await world.run(cast.ours(last, { does: "push", name: "app:t2", note: "d" }))
    world.machine.advance(60_000)
  }
  const time = Effect.forEach(
    program.ticks,
    ({ minutes, wait }) => Effect.andThen(pass(wait), Effect.sync(() => world.machine.advance(minutes * 60_000))),
    { discard: true }
  )
  const guests = program.guests.map(({ lives, pauses, plan, wait }) =>
    Effect.andThen(pass(wait), cast.tool(plan, (moment) => pass(pauses[moment]), wantsQuiet(plan) ? undefined : lives))
  )
  const ours = program.ours.map((asks, at) =>
    Effect.forEach(asks, (ask) => Effect.andThen(pass(ask.wait), cast.ours(processes[at] ?? last, ask)), {
      discard: true
    })
  )
  const all = Effect.all([time, ...guests, ...ours], { concurrency: "unbounded", discard: true })
  await takeTurns(program.order, world.within(all))
  world.machine.advance(program.rests * 60_000)
  const { collects } = program
  const found = await judge(world, ghost, last, {
    collects,
    told: cast.told,
    keepsHistory: !program.guests.some(({ plan }) => plan.tool === "wipe")
  })
  return { cast, found }
}
