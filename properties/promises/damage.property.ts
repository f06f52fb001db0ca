/**
 * Any damage to `.ocilayout`, between commands and between any two calls of one: names in effect stay, their
 * content is complete and never served for what it is not, every command is answered or refused in words, and `repair`
 * leads back to a layout that is whole, in which commits are as good as ever.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Stream } from "effect"
import fc from "fast-check"
import { readFileSync } from "node:fs"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { blobs, bytesOf, bytesOfDigest, digestOf, documentOf, goodDocuments } from "../support/contents.ts"
import { figures } from "../support/figures.ts"
import { isWhole, runs } from "../support/share.ts"
import { chanceOf } from "../support/simulation/chance.ts"
import { lasting, nodeThere } from "../support/simulation/copies.ts"
import { type Damage, type Damaged, damaged, harms, without } from "../support/simulation/damage.ts"
import { crash, type Disk } from "../support/simulation/Disk.ts"
import { bare, type Furnished, furnished } from "../support/simulation/furnished.ts"
import { commands, images } from "../support/simulation/furnishedCommands.ts"
import { isRecovered, journal, Known, namesIn, own } from "../support/simulation/Known.ts"
import { change, checkChange } from "../support/simulation/probe.ts"
import { checkRaw } from "../support/simulation/recover.ts"
import { type Process, restarted, root, type World } from "../support/simulation/World.ts"
import { assertTold } from "../support/told.ts"

/** What `docs/on-disk.md` lists, by the first name of each path. */
const listed = Array.from(
  new Set(
    readFileSync(new URL("../../docs/on-disk.md", import.meta.url), "utf8").split("\n")
      .flatMap((line) => /^\| `([a-z-]+)/u.exec(line)?.[1] ?? [])
  )
)

interface Step {
  readonly command: string
  readonly process: 0 | 1
  /** Whether the process is a new one. */
  readonly restart: boolean
  /** What another tool's collection has removed before. */
  readonly collected?: string
  /** How many calls of the command go by before the damage is done; none: before the command. */
  readonly damage?: Damage & { readonly at: number }
  /** Seconds without any command afterwards. */
  readonly rests: number
}

/** Other bytes that are an index all the same are the word of another tool: a replaced index is watched for that. */
const isWord = ({ harm, place }: Damage): boolean =>
  harm === "one other byte" && (place === own || place === `${own}/replaced`)

const damage: fc.Arbitrary<Damage & { readonly at: number }> = fc.record({
  place: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(own, ...listed.map((name) => `${own}/${name}`)) },
    // Most depends on it.
    { weight: 1, arbitrary: fc.constant(journal) }
  ),
  which: fc.nat({ max: 200 }),
  harm: fc.constantFrom(...harms),
  inPlace: fc.boolean(),
  keepsTimes: fc.boolean(),
  seed: fc.nat(),
  at: fc.oneof(fc.constant(0), fc.nat({ max: 60 }))
}).filter((damage) => !isWord(damage))

const step = (damage: fc.Arbitrary<Damage & { readonly at: number }>): fc.Arbitrary<Step> =>
  fc.record({
    command: fc.constantFrom(...Object.keys(commands)),
    process: fc.constantFrom<Array<0 | 1>>(0, 0, 1),
    restart: fc.nat({ max: 3 }).map((number) => number === 0),
    damage,
    collected: fc.constantFrom("one", "two", "imageOne", "imageTwo"),
    rests: fc.constantFrom(0, 1, 90, 90_000)
  }, { requiredKeys: ["command", "process", "restart", "rests"] })

interface Case {
  readonly steps: ReadonlyArray<Step>
  /** Whether files here can have two names and be exchanged. */
  readonly plain: boolean
  readonly seed: number
}

const drawn: fc.Arbitrary<Case> = fc.record({
  steps: fc.array(step(damage), { minLength: 2, maxLength: 6 }),
  plain: fc.nat({ max: 4 }).map((number) => number === 0),
  seed: fc.integer({ min: 1, max: 2 ** 30 })
})

const counts = { histories: 0, damages: 0, "between calls": 0, answered: 0, refused: 0, crashes: 0 }
const met = new Map<string, number>()

const lacking = { link: "EPERM", exchange: "ENOSYS" }
let starts: { readonly full: Furnished; readonly plain: Furnished }
beforeAll(async () => {
  starts = { full: await furnished(), plain: await furnished({ lacking }) }
})

const count = ({ harm, paths }: Damaged): void => {
  counts.damages++
  for (const path of paths) {
    const kind = `${path.slice(own.length + 1).split("/")[0] || "all"}: ${harm}`
    met.set(kind, (met.get(kind) ?? 0) + 1)
  }
}

/** The tag of the one typed error there is. */
const refusalOf = (cause: Cause.Cause<RegistryError>, when: string): string => {
  const [reason, ...others] = cause.reasons
  if (reason === undefined || others.length > 0 || !Cause.isFailReason(reason)) {
    return assert.fail(`${when} died: ${Cause.pretty(cause)}`)
  }
  assertTold(reason.error)
  return reason.error._tag
}

/** Every name of the index, read whole; refused only where something lies in the way, or content was hit. */
const checkReadable = async (world: World, { registry }: Process, known: Known, when: string): Promise<void> => {
  for (const [name, digest] of namesIn(world)) {
    if (isRecovered(name, digest)) continue
    const [repository = "", tag = ""] = name.split(":")
    const read = Effect.scoped(Effect.flatMap(
      registry.getTag(repository, tag),
      ({ bytes }) => Effect.succeed(Buffer.from(bytes))
    ))
    const exit = await world.run(Effect.exit(read))
    if (Exit.isSuccess(exit)) {
      // Where the journal says less than was acknowledged, a reader may be told what it says.
      const may = known.allowed(name).map((one) => one === undefined ? undefined : bytesOfDigest.get(one))
      if (!known.unfinishedHit) assert.deepInclude(may, exit.value, `${name} ${when}`)
      continue
    }
    const refused = refusalOf(exit.cause, `${name} ${when}`)
    if (refused === "ManifestUnknown" && known.allowed(name).includes(undefined)) continue
    if (known.obstacles.size === 0 && !known.contentHit && !known.contentLost && !known.unfinishedHit) {
      assert.fail(`${name} ${when}: refused as ${refused}: ${Cause.pretty(exit.cause)}`)
    }
  }
}

/** A person takes away what lies in the place of something else. */
const clear = (world: World, { obstacles }: Known): void => {
  for (const path of obstacles) {
    world.machine.prepare((disk, nowNs) => nodeThere(disk, path) === undefined ? disk : without(disk, nowNs, path))
  }
  obstacles.clear()
}

/** What an older part of the history said is lost: that stays, and is told. */
const isOldHistory = (finding: string): boolean => /^JOURNAL_DAMAGED .* on it is whole$/u.test(finding)

/** An undo took away the entries of an image and of its artifact; the image was pushed again, the artifact not. */
const isUnlisted = (finding: string): boolean => finding.startsWith("REFERRER_UNLISTED ")

const findings = (registry: LayoutRegistry) =>
  Effect.map(
    Stream.runCollect(registry.verify({ level: "content" })),
    (steps) =>
      steps.flatMap((step) =>
        step._tag === "Found" && step.finding.severity !== "info"
          ? [`${step.finding.code} ${step.finding.message}`]
          : []
      )
  )

const pushAll = (registry: LayoutRegistry) =>
  Effect.gen(function*() {
    for (const { bytes } of blobs) yield* registry.pushBlob("app", Stream.succeed(bytes))
    for (const name of images) {
      const { bytes, mediaType } = documentOf(name)
      yield* registry.pushManifest("app", bytes, mediaType)
    }
  })

const checkFindings = async (
  world: World,
  known: Known,
  registry: LayoutRegistry,
  when: string,
  isExpected: (finding: string) => boolean = () => false
): Promise<void> => {
  const found = (await world.run(findings(registry))).filter((finding) =>
    !isExpected(finding) && !(known.historyHit && isOldHistory(finding))
  )
  assert.deepStrictEqual(found, [], `what verify finds ${when}`)
}

/** Repaired, everything is as it was acknowledged, verify finds nothing, and commits are as good as ever. */
const checkRepaired = async (world: World, known: Known, seed: number): Promise<void> => {
  clear(world, known)
  const process = await world.open("power", { defaultRepository: bare })
  const { registry } = process
  await world.run(registry.repair())
  if (known.contentHit || known.contentLost || known.unfinishedHit) await world.run(pushAll(registry))
  known.check(world, "after the repair")
  await checkFindings(world, known, registry, "after the repair")
  await world.run(change(process))
  known.acknowledged({ names: { "recovered:after": digestOf(goodDocuments[0]?.bytes ?? assert.fail()) } })
  known.check(world, "after a commit")
  checkRaw(world)
  await checkFindings(world, known, registry, "after a commit", isUnlisted)
  const [last] = await world.run(Stream.runCollect(registry.history({ limit: 1 })))
  assert.deepStrictEqual(last?.changes.map(({ repository, tag }) => `${repository}:${tag}`), ["recovered:after"])
  Object.assign(known, { contentHit: false, contentLost: false, unfinishedHit: false })
  const chance = chanceOf(seed)
  for (const kind of ["kill", "ordered", "adversarial"] as const) {
    counts.crashes++
    const cut = restarted(crash(world.machine.disk, kind, chance), { names: 1e6, nowNs: world.machine.nowNs })
    checkRaw(cut)
    known.check(cut, `after the repair, and a crash (${kind})`)
    checkChange(cut)
    await checkReadable(cut, await cut.open("power", { defaultRepository: bare }), known, `after a crash (${kind})`)
  }
}

const withoutBlob = (disk: Disk, nowNs: bigint, name: string): Disk => {
  const path = `${root}/blobs/sha256/${digestOf(bytesOf(name)).slice("sha256:".length)}`
  return nodeThere(disk, path) === undefined ? disk : lasting(without(disk, nowNs, path), path)
}

const play = async ({ plain, seed, steps }: Case): Promise<void> => {
  const start = plain ? starts.plain : starts.full
  let calls = 0
  let under = start.disk
  let waits: Step["damage"]
  const harm = (): void => {
    if (waits === undefined || calls < waits.at) return
    const hit = damaged(world.machine.disk, world.machine.nowNs, start.older, waits)
    if (waits.at > 0) counts["between calls"]++
    waits = undefined
    if (hit === undefined) return
    count(hit)
    known.damaged(hit, world.machine.disk, under)
    world.machine.prepare(() => hit.disk)
  }
  const world: World = restarted(start.disk, start, {
    ...(plain ? { lacking } : {}),
    before: () => {
      calls++
      harm()
      return undefined
    }
  })
  const known = new Known(start)
  const open: Array<Process | undefined> = [undefined, undefined]
  let isCollected = false
  for (const { collected, command, damage, process: place, restart, rests } of steps) {
    if (restart) {
      await open[place]?.close()
      open[place] = undefined
    }
    const process = open[place] ?? await world.open("power", { defaultRepository: bare })
    open[place] = process
    if (collected !== undefined) {
      isCollected = true
      world.machine.prepare((disk, nowNs) => withoutBlob(disk, nowNs, collected))
    }
    under = world.machine.disk
    calls = 0
    waits = damage
    harm()
    const exit = await world.run(Effect.exit((commands[command] ?? assert.fail(command))(process.registry, start)))
    waits = undefined
    const when = `after ${command}`
    if (Exit.isSuccess(exit)) {
      counts.answered++
      known.acknowledged(exit.value)
    } else {
      counts.refused++
      if (refusalOf(exit.cause, command) === "OutcomeUnknown") known.unknown(command)
    }
    world.machine.advance(rests * 1000)
    // Where files cannot have two names, we hold manifests alone.
    known.contentLost ||= isCollected && (known.heldHit || plain)
    if (known.unfinishedHit) continue
    known.check(world, when)
    if (!known.contentHit) checkRaw(world)
    await checkReadable(world, process, known, `${when}, in the same process`)
    const fresh = await world.open("power", { defaultRepository: bare })
    await checkReadable(world, fresh, known, `${when}, in a new process`)
    await fresh.close()
  }
  for (const process of open) await process?.close()
  counts.histories++
  await checkRepaired(world, known, seed)
}

describe("damage to what is ours", () => {
  it("takes no name and no content away, is told, and is repaired", { timeout: 600_000 }, async () => {
    await fc.assert(fc.asyncProperty(drawn, play), { numRuns: 2 * runs })
    if (!isWhole) return
    const places = new Set(Array.from(met.keys(), (kind) => kind.split(":")[0]))
    assert.includeMembers([...places], listed, "every place that is documented was damaged")
  })
})

afterAll(() => figures("damage in .ocilayout", { ...counts, "kinds of damage": met.size }))
