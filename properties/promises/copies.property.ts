/**
 * A layout is copied, both copies are used, and the whole or a part of one is copied over the other, with the times of
 * the files or new ones: names stay as the protocol says, all content is there, and work goes on.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import fc from "fast-check"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { bytesOfDigest, digestOf, documentOf } from "../support/contents.ts"
import { figures } from "../support/figures.ts"
import { isWhole, runs } from "../support/share.ts"
import { chanceOf } from "../support/simulation/chance.ts"
import { copied, lasting } from "../support/simulation/copies.ts"
import { without } from "../support/simulation/damage.ts"
import { change, crash, find } from "../support/simulation/Disk.ts"
import { bare, type Furnished, furnished } from "../support/simulation/furnished.ts"
import { change as push, checkChange } from "../support/simulation/probe.ts"
import { checkRaw } from "../support/simulation/recover.ts"
import { restarted, root, type World } from "../support/simulation/World.ts"

/** Where the other copy is. */
const copy = "/srv/copy"

const one = digestOf(documentOf("imageOne").bytes)
const two = digestOf(documentOf("imageTwo").bytes)

/** A name gets a value, or goes. */
interface Move {
  readonly tag: "v1" | "v2" | "all" | "new" | "latest"
  readonly to: "one" | "two" | undefined
}

/** What of the copy takes the place of its like in the layout. */
const parts = ["", "index.json", ".ocilayout", ".ocilayout/journal", ".ocilayout/kept", "blobs", "oci-layout"] as const

interface Case {
  readonly keepsTimes: boolean
  /** What is done to the layout, and to its copy. */
  readonly here: ReadonlyArray<Move>
  readonly there: ReadonlyArray<Move>
  readonly part: (typeof parts)[number]
  readonly restoresTimes: boolean
  /** Between the copying, the moves and the copying back. */
  readonly hours: number
  readonly seed: number
}

const move: fc.Arbitrary<Move> = fc.record({
  tag: fc.constantFrom<Array<Move["tag"]>>("v1", "v2", "all", "new", "latest"),
  to: fc.constantFrom<Array<Move["to"]>>("one", "two", undefined)
})

const drawn: fc.Arbitrary<Case> = fc.record({
  keepsTimes: fc.boolean(),
  here: fc.array(move, { maxLength: 4 }),
  there: fc.array(move, { maxLength: 4 }),
  part: fc.constantFrom(...parts),
  restoresTimes: fc.boolean(),
  hours: fc.constantFrom(0, 1, 30),
  seed: fc.integer({ min: 1, max: 2 ** 30 })
})

const counts = { copies: 0, "as in the copy": 0, "as they were": 0, "of both": 0, crashes: 0 }

let start: Furnished
beforeAll(async () => {
  start = await furnished()
})

type Names = ReadonlyMap<string, string>

const namesOf = async (world: World): Promise<Names> => {
  const process = await world.open("power", { defaultRepository: bare })
  const { entries } = await world.run(process.stores.layout.snapshot)
  await process.close()
  return new Map(entries.flatMap(({ digest, refName }) => refName === undefined ? [] : [[refName, digest] as const]))
}

const carryOut = ({ tag, to }: Move) => (registry: LayoutRegistry) =>
  to === undefined
    ? Effect.ignore(registry.deleteTag("app", tag))
    : Effect.asVoid(registry.tagManifest("app", to === "one" ? one : two, [tag]))

const moveAll = async (world: World, moves: ReadonlyArray<Move>): Promise<void> => {
  const { close, registry } = await world.open("power", { defaultRepository: bare })
  for (const move of moves) {
    await world.run(carryOut(move)(registry))
    world.machine.advance(61_000)
  }
  await close()
}

/** The layout and its copy take each other's place. */
const exchange = ({ machine }: World): void =>
  machine.prepare((disk, nowNs) => {
    const [here, there] = [find(disk, root, false), find(disk, copy, false)]
    return change(disk, nowNs, [
      { directory: here.directory, name: here.name, to: there.node },
      { directory: there.directory, name: there.name, to: here.node }
    ])
  })

/** The names of the layout when it was copied, of both before one was copied over the other, and when that was. */
interface Found {
  readonly before: Names
  readonly here: Names
  readonly there: Names
  /** Whether the index of the copy is a version of the layout that was replaced more than a day ago. */
  readonly isOld: boolean
}

/** What a name may be: nothing where it may be gone. */
const allowed = (part: Case["part"], { before, here, isOld, there }: Found, name: string): ReadonlyArray<unknown> => {
  const [was, is, other] = [before.get(name), here.get(name), there.get(name)]
  switch (part) {
    case "":
      return [other]
    case "index.json":
      // That is a version which was restored on purpose.
      if (isOld) return [other]
      // Removals of a copy are not taken; what it has set is another tool's word.
      return other === undefined || other === was ? [is] : [is, other]
    case ".ocilayout":
    case ".ocilayout/journal":
      // A journal that never heard of the index: what the index says, or what the name has been.
      return [is, other, was, one, two, undefined]
    default:
      return [is]
  }
}

const play = async (drawn: Case): Promise<void> => {
  const { hours, keepsTimes, part, restoresTimes, seed } = drawn
  const world = restarted(start.disk, start)
  const { machine } = world
  const copyOver = (from: string, to: string, keepsTimes: boolean): void =>
    machine.prepare((disk, nowNs) => lasting(copied(disk, nowNs, { from: disk, path: from, to, keepsTimes }), to))
  const before = await namesOf(world)
  const begun = world.bytes("index.json")
  copyOver(root, copy, keepsTimes)
  machine.advance(hours * 3_600_000)
  await moveAll(world, drawn.here)
  const here = await namesOf(world)
  exchange(world)
  await moveAll(world, drawn.there)
  const there = await namesOf(world)
  const isOld = hours > 24 && Buffer.from(begun ?? []).equals(world.bytes("index.json") ?? Buffer.alloc(0))
  exchange(world)
  machine.advance(hours * 3_600_000)
  const path = part === "" ? root : `${root}/${part}`
  machine.prepare((disk, nowNs) => without(disk, nowNs, path))
  copyOver(part === "" ? copy : `${copy}/${part}`, path, restoresTimes)
  counts.copies++
  const may = (name: string) => allowed(part, { before, here, there, isOld }, name)
  await checkNames(world, may)
  const process = await world.open("power", { defaultRepository: bare })
  await world.run(push(process))
  const found = await namesOf(world)
  await checkNames(world, (name) => name === "recovered:after" ? [found.get(name)] : may(name))
  counts[part === "" ? "as in the copy" : part.startsWith("index") ? "of both" : "as they were"]++
  checkRaw(world)
  const findings = await world.run(Stream.runCollect(
    Stream.filter(
      process.registry.verify({ level: "content" }),
      (step) => step._tag === "Found" && step.finding.severity !== "info"
    )
  ))
  assert.deepStrictEqual(findings, [], "what verify finds")
  for (const kind of ["kill", "ordered", "adversarial"] as const) {
    counts.crashes++
    const cut = restarted(crash(machine.disk, kind, chanceOf(seed)), { names: 1e6, nowNs: machine.nowNs })
    checkRaw(cut)
    checkChange(cut)
    assert.deepStrictEqual(await namesOf(cut), found, `after a crash (${kind})`)
  }
  await process.close()
}

/** Names are what they may be, and what they lead to can be read. */
const checkNames = async (world: World, allowed: (name: string) => ReadonlyArray<unknown>): Promise<void> => {
  const names = await namesOf(world)
  const { close, registry } = await world.open("power", { defaultRepository: bare })
  for (const name of [...names.keys(), "v1", "v2", "all", "new", "latest", "other"]) {
    assert.include([...allowed(name)], names.get(name), name)
    const digest = names.get(name)
    if (digest === undefined) continue
    const [repository = "", tag = ""] = name.includes(":") ? name.split(":") : ["app", name]
    const { bytes } = await world.run(registry.getTag(repository, tag))
    assert.deepStrictEqual(Buffer.from(bytes), Buffer.from(bytesOfDigest.get(digest) ?? []), name)
  }
  await close()
}

describe("a layout and its copy", () => {
  it("keep their names and content when any part of one is copied over the other", { timeout: 600_000 }, async () => {
    await fc.assert(fc.asyncProperty(drawn, play), { numRuns: runs })
    if (!isWhole) return
    for (const count of Object.values(counts)) assert.isAbove(count, 0)
  })
})

afterAll(() => figures("copies of layouts", counts))
