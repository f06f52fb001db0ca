/** Whenever processes die or the power goes, what was acknowledged is there, and nothing is in between. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Stream } from "effect"
import fc from "fast-check"
import type { Ask } from "../support/Ask.ts"
import { agree, furniture, type Sides } from "../support/commands.ts"
import { bytesOfDigest, digestOf } from "../support/contents.ts"
import { figures } from "../support/figures.ts"
import type { Model } from "../support/model.ts"
import { perform } from "../support/perform.ts"
import { runs, someOf } from "../support/share.ts"
import { localSide } from "../support/Side.ts"
import { chanceOf } from "../support/simulation/chance.ts"
import { type Chance, type Crash, crash, type Disk } from "../support/simulation/Disk.ts"
import {
  type History,
  letGrowOld,
  modelAfter,
  type Moment,
  play,
  type Turn,
  turn,
  type View
} from "../support/simulation/history.ts"
import { change, checkChange, withChange } from "../support/simulation/probe.ts"
import { checkJournal, checkKept, checkRaw, checkRead, checkSwept } from "../support/simulation/recover.ts"
import { type Process, restarted, type World } from "../support/simulation/World.ts"

/** How a machine may go down: where names are kept in order, no power cut mixes them. */
const crashesOf = ({ ordersNames = false }: Pick<Moment, "ordersNames">): ReadonlyArray<Crash> =>
  ordersNames ? ["kill", "ordered", "ordered"] : ["kill", "ordered", "adversarial", "adversarial"]

const counts = { histories: 0, calls: 0, states: 0, again: 0, continued: 0, later: 0, nested: 0 }

const seed = fc.integer({ min: 1, max: 2 ** 30 })

/** Content that is there: in `blobs`, by its second name, or in the trash of a collection. */
const stored = (world: World): ReadonlyArray<readonly [digest: string, bytes: Uint8Array]> => {
  const folders = [
    ...world.list("blobs").map((algorithm) => [`blobs/${algorithm}`, `${algorithm}:`] as const),
    ...world.list(".ocilayout/kept").map((algorithm) => [`.ocilayout/kept/${algorithm}`, `${algorithm}:`] as const),
    [".ocilayout/trash", ""] as const
  ]
  return folders.flatMap(([folder, prefix]) =>
    world.list(folder).flatMap((name) => {
      const bytes = world.bytes(`${folder}/${name}`)
      const digest = prefix + name.replace(/^\d+\.|\.[0-9a-f]+$/gu, "").replace("-", ":")
      const [algorithm] = digest.split(":")
      return bytes !== undefined && digestOf(bytes, algorithm === "sha512" ? "sha512" : "sha256") === digest
        ? [[digest, bytes] as const]
        : []
    })
  )
}

/** Second names whose content is not there, under any name. */
const tornNames = (world: World): ReadonlyArray<string> => {
  const whole = new Set(stored(world).map(([digest]) => digest))
  return world.list(".ocilayout/kept")
    .flatMap((algorithm) => world.list(`.ocilayout/kept/${algorithm}`).map((name) => `${algorithm}:${name}`))
    .filter((digest) => !whole.has(digest))
}

/** Goes on as if nothing had been, on the model of what was found; sessions are for others to go on with. */
const goOn = async (world: World, { registry, stores }: Process, model: Model, turns: ReadonlyArray<Turn>) => {
  // An index that the crash has set back is written again, which is a commit in which nothing changes.
  await world.run(stores.layout.tend)
  const [last] = await world.run(Stream.runCollect(registry.history({ limit: 1 })))
  if (last?.actor === "ocilayout" && last.changes.length === 0) model.writeAgain()
  for (const [digest, bytes] of stored(world)) {
    model.learn("app", digest, bytes)
    // What is not in `blobs` is there for readers; to be asked for again puts it back.
    await world.run(registry.mountBlob("app", "app", digest))
  }
  // A second name that the crash has torn is garbage that the model does not know of: it is made whole.
  for (const digest of tornNames(world)) {
    const bytes = bytesOfDigest.get(digest) ?? assert.fail(`content of ${digest}`)
    await world.run(registry.pushBlob("app", Stream.succeed(bytes), { digest }))
    model.learn("app", digest, bytes)
  }
  const sides: Sides = [localSide(registry, [], world.run)]
  for (const { drawn } of turns) {
    if (!("session" in drawn) && drawn.op !== "pushBlobChunked") {
      if (drawn.op === "collect") letGrowOld(world.machine)
      await agree(model, sides, model.settle(drawn))
    }
  }
}

/** Crashes once more while a recovery is under way. */
const crashAgain = async (
  moments: ReadonlyArray<Disk>,
  from: Moment,
  chance: Chance,
  check: (world: World) => Promise<void>
) => {
  for (const kind of crashesOf(from)) {
    const disk = moments[Math.floor(chance() * moments.length)]
    if (disk === undefined) return
    counts.nested++
    await check(restarted(crash(disk, kind, chance), from))
  }
}

/** Asks again what was under way: what is answered then is as good as if it had been answered before. */
const askAgain = async (
  disk: Disk,
  moment: Moment,
  ask: Ask | undefined,
  after: string,
  chance: Chance
): Promise<void> => {
  if (ask === undefined || "session" in ask) return
  // What it was before its last move is something else once that has been taken back.
  if (ask.op === "restore" && "previous" in ask.point) return
  counts.again++
  const world = restarted(disk, moment)
  const { registry } = await world.open()
  const exit = await world.run(Effect.exit(perform({ registry, sessions: [] }, ask)))
  if (Exit.isFailure(exit)) return
  for (const kind of crashesOf(moment)) {
    counts.later++
    const cut = restarted(crash(world.machine.disk, kind, chance), moment)
    checkRaw(cut)
    await checkRead(cut, await cut.open(), [after])
  }
}

/** Goes on with every session there was: where it has become a blob it takes no more, and no blob is changed. */
const appendAll = async (disk: Disk, moment: Moment, { sessions }: View): Promise<void> => {
  const world = restarted(disk, moment)
  const { registry } = await world.open()
  for (const { id } of sessions) {
    const more = Effect.flatMap(
      registry.findUpload(id),
      (writer) => writer.append(writer.size, Stream.succeed(Buffer.from("more")))
    )
    await world.run(Effect.ignore(more))
  }
  checkRaw(world)
}

/** One crash, and all that has to hold from there on. */
const checkCrash = async (
  history: History,
  moment: Moment,
  kind: Crash,
  chance: Chance,
  turns: ReadonlyArray<Turn>
) => {
  const disk = crash(moment.disk, kind, chance)
  const before = history.views[moment.step] ?? assert.fail("no view")
  const after = history.views[moment.step + 1] ?? before
  /** Opens what is there, and looks at it before and after. */
  const recover = async (world: World, ...states: ReadonlyArray<string>) => {
    checkRaw(world)
    const process = await world.open()
    const found = await checkRead(world, process, states)
    checkKept(world, before, after)
    return { process, found }
  }
  counts.states++
  const during: Array<Disk> = []
  const world: World = restarted(disk, moment, {
    before: () => {
      if (during.at(-1) !== world.machine.disk) during.push(world.machine.disk)
      return undefined
    }
  })
  const { found, process } = await recover(world, before.entries, after.entries)
  if (kind === "kill" && before.sessions.length > 0) await appendAll(disk, moment, after)
  if (kind === "kill") await askAgain(disk, moment, history.asks[moment.step], after.entries, chance)
  if (chance() > 0.2) return

  counts.continued++
  await world.run(change(process))
  await checkRead(world, process, [withChange(found)])
  await recover(world, withChange(found))
  await checkJournal(world, process, history.intruded)
  // What is acknowledged after a recovery is as durable as ever, whatever the dead had left unsynced.
  for (const kind of crashesOf(moment)) {
    counts.later++
    const cut = restarted(crash(world.machine.disk, kind, chance), moment)
    const { process } = await recover(cut, withChange(found))
    checkChange(cut)
    await checkJournal(cut, process, history.intruded)
  }
  await crashAgain(during, moment, chance, async (world) => {
    await recover(world, before.entries, after.entries, withChange(found))
  })
  if (chance() > 0.2) return

  // A deletion may be on record and the blob there still: what is there does not say which revision is next.
  if (["collect", "deleteBlob"].includes(history.asks[moment.step]?.op ?? "")) return
  const again = restarted(disk, moment)
  const left = new Set(stored(again).map(([digest]) => digest))
  const happened = [before, after].findIndex(({ blobs, entries }) =>
    entries === found && Array.from(blobs).every((digest) => left.has(digest))
  )
  assert.isAtLeast(happened, 0)
  await goOn(again, await again.open(), modelAfter(history, moment.step + happened), turns)
  again.machine.advance(25 * 60 * 60 * 1000)
  await again.run(change(await again.open()))
  checkSwept(again)
}

describe("a crash at any call", () => {
  for (const tickNs of [1n, 4_000_000n]) {
    it(`leaves what was acknowledged, with file times of ${tickNs} ns`, async () => {
      const property = fc.asyncProperty(
        fc.constantFrom<Array<keyof typeof furniture>>("nothing", "blobs", "manifests", "upload"),
        fc.noBias(fc.array(turn, { minLength: 3, maxLength: 8 })),
        seed,
        async (furnished, turns, number) => {
          const chance = chanceOf(number)
          const asks = [
            ...(furnished === "nothing" ? [] : furniture.blobs),
            ...(furnished === "manifests" || furnished === "upload" ? furniture[furnished] : [])
          ]
          const [intruded, ordersNames] = [chance() < 0.5, chance() < 0.5]
          const history = await play(asks, turns, { tickNs, intruded, ordersNames })
          counts.histories++
          counts.calls += history.calls
          for (const moment of someOf(history.moments, number)) {
            for (const kind of crashesOf(moment)) await checkCrash(history, moment, kind, chance, turns)
          }
        }
      )
      await fc.assert(property, { numRuns: Math.ceil(runs / 20) })
    })
  }
})

afterAll(() => figures("crashes", counts))
