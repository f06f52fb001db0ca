/**
 * Whatever is damaged in `.ocilayout`, between commands and between any two calls of one: names in effect stay, their
 * content is complete and never served for what it is not, every command is answered or refused in words, and `repair`
 * leads back to a layout that is whole, in which commits are as good as ever.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Option, Stream } from "effect"
import fc from "fast-check"
import { readFileSync } from "node:fs"
import type { NameChange } from "../../src/layout/changes.ts"
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
import { change, checkChange } from "../support/simulation/probe.ts"
import { checkRaw } from "../support/simulation/recover.ts"
import { type Process, restarted, root, type World } from "../support/simulation/World.ts"
import { assertTold } from "../support/told.ts"

const own = `${root}/.ocilayout`

const journal = `${own}/journal/2/current.ndjson`

/** What `docs/on-disk.md` lists, by the first name of each path. */
const listed = Array.from(
  new Set(
    readFileSync(new URL("../../docs/on-disk.md", import.meta.url), "utf8").split("\n")
      .flatMap((line) => /^\| `([a-z-]+)/u.exec(line)?.[1] ?? [])
  )
)

const one = digestOf(documentOf("imageOne").bytes)
const two = digestOf(documentOf("imageTwo").bytes)

/** All that names lead to here. */
const images = ["imageOne", "imageTwo", "both", "signature", "elsewhere"]

interface Done {
  /** What names are now; nothing where one is gone. */
  readonly names: Readonly<Record<string, string | undefined>>
}

const none: Done = { names: {} }

type Command = (registry: LayoutRegistry, start: Furnished) => Effect.Effect<Done, RegistryError>

const upload = ({ findUpload }: LayoutRegistry, { sessions: [open = ""] }: Furnished) => findUpload(open)

/** Where names went in all. */
const movedBy = (changes: ReadonlyArray<NameChange>): Done => ({
  names: Object.fromEntries(
    changes.flatMap(({ repository = "", tag, to }) => tag === undefined ? [] : [[`${repository}:${tag}`, to] as const])
  )
})

const commands: Readonly<Record<string, Command>> = {
  push: (registry) =>
    Effect.gen(function*() {
      for (const { bytes } of blobs) yield* registry.pushBlob("app", Stream.succeed(bytes))
      const { bytes, mediaType } = documentOf("elsewhere")
      yield* registry.pushManifest("app", bytes, mediaType, { tags: ["pushed"] })
      return { names: { "app:pushed": digestOf(bytes) } }
    }),
  tag: (registry) => Effect.as(registry.tagManifest("app", two, ["v1"]), { names: { "app:v1": two } }),
  tagBack: (registry) => Effect.as(registry.tagManifest("app", one, ["v1"]), { names: { "app:v1": one } }),
  untag: (registry) => Effect.as(registry.deleteTag("app", "v2"), { names: { "app:v2": undefined } }),
  undo: (registry) =>
    Effect.gen(function*() {
      const [last] = yield* Stream.runCollect(registry.history({ limit: 1 }))
      return last === undefined ? none : movedBy((yield* registry.revert(last.revision, { force: true })).changes)
    }),
  history: (registry) => Effect.as(Stream.runDrain(registry.history()), none),
  append: (registry, start) =>
    Effect.gen(function*() {
      const writer = yield* upload(registry, start)
      yield* writer.append(writer.size, Stream.succeed(Buffer.from("more")))
      return none
    }),
  finish: (registry, start) =>
    Effect.gen(function*() {
      const writer = yield* upload(registry, start)
      yield* writer.commit(digestOf(Buffer.from("an unfinished blob")))
      return none
    }),
  uploads: (registry) => Effect.as(registry.uploads("app"), none),
  pin: (registry) => Effect.as(registry.pin("app", digestOf(bytesOf("one"))), none),
  unpin: (registry) => Effect.as(registry.unpin("app", digestOf(bytesOf("two"))), none),
  referrers: (registry) => Effect.as(Stream.runDrain(registry.referrers("app", one)), none),
  collect: (registry) =>
    Effect.gen(function*() {
      const { id } = yield* registry.planGarbage({ grace: 0, untagged: false })
      if (Option.isSome(id)) yield* registry.collectGarbage(id.value)
      return none
    }),
  verify: (registry) => Effect.as(Stream.runDrain(registry.verify({ level: "content" })), none),
  repair: (registry) => Effect.as(registry.repair(), none),
  usage: (registry) => Effect.as(registry.usage, none)
}

interface Step {
  readonly command: string
  readonly process: 0 | 1
  /** Whether the process is a new one. */
  readonly restart: boolean
  /** What another tool's collection has removed before. */
  readonly collected?: string
  /** How many calls of the command go by before the damage is done; none: before the command. */
  readonly damage?: Damage & { readonly at: number }
  /** Seconds that nobody does anything afterwards. */
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

interface Index {
  readonly manifests: ReadonlyArray<
    { readonly digest: string; readonly annotations?: Readonly<Record<string, string>> }
  >
}

/** What names are in an index, as any tool reads it. */
const namesIn = (world: World): ReadonlyMap<string, string> => {
  const { manifests } = JSON.parse(Buffer.from(world.bytes("index.json") ?? []).toString("utf8")) as Index
  return new Map(manifests.flatMap(({ annotations, digest }) => {
    const name = annotations?.["org.opencontainers.image.ref.name"]
    return name === undefined ? [] : [[name.includes(":") ? name : `app:${name}`, digest] as const]
  }))
}

/** What is known of a layout while it is damaged. */
class Known {
  /** What each name may be. */
  readonly #names: Map<string, Set<string | undefined>>
  /** What each has been. */
  readonly #past: Map<string, Set<string | undefined>>
  /** Whether content that is shared with `blobs/` was hit, so that some may be damaged. */
  contentHit = false
  /** Whether a second name may be damaged, and whether content may be gone with it. */
  heldHit = false
  contentLost = false
  /** Whether a part of the history may be lost. */
  historyHit = false
  /** Whether a file was hit that a command was still writing: until it is repaired, anything may have come of that. */
  unfinishedHit = false
  /** What lies in the place of something else: until it is taken away, commands may be refused. */
  readonly obstacles = new Set<string>()

  constructor(start: Furnished) {
    const pastOf = (disk: Disk): ReadonlyMap<string, string> => namesIn(restarted(disk, start))
    this.#names = new Map(Array.from(pastOf(start.disk), ([name, digest]) => [name, new Set([digest])]))
    this.#past = new Map()
    for (const disk of start.older) {
      if (nodeThere(disk, `${root}/index.json`) === undefined) continue
      const names = pastOf(disk)
      for (const name of new Set([...this.#names.keys(), ...names.keys()])) this.#note(name, names.get(name))
    }
    for (const [name, values] of this.#names) for (const value of values) this.#note(name, value)
  }

  #note(name: string, value: string | undefined): void {
    const known = this.#past.get(name) ?? new Set([undefined])
    this.#past.set(name, known.add(value))
  }

  acknowledged({ names }: Done): void {
    for (const [name, digest] of Object.entries(names)) {
      this.#names.set(name, new Set([digest]))
      this.#note(name, digest)
    }
  }

  /** Nobody knows whether it happened. */
  unknown(command: string): void {
    const effect: Readonly<Record<string, Done["names"]>> = {
      push: { "app:pushed": digestOf(documentOf("elsewhere").bytes) },
      tag: { "app:v1": two },
      tagBack: { "app:v1": one },
      untag: { "app:v2": undefined }
    }
    for (const [name, digest] of Object.entries(effect[command] ?? {})) {
      this.#names.set(name, new Set([...this.#names.get(name) ?? [undefined], digest]))
      this.#note(name, digest)
    }
    // An undo may have led anywhere that names have been.
    if (command === "undo") this.journalOlder()
  }

  /** The journal says less than was acknowledged: a name may be what it has been before. */
  journalOlder(): void {
    for (const [name, past] of this.#past) this.#names.set(name, new Set([...this.#names.get(name) ?? [], ...past]))
  }

  /** What a name may be. */
  allowed(name: string): ReadonlyArray<string | undefined> {
    return [...this.#names.get(name) ?? [undefined]]
  }

  check(world: World, when: string): void {
    const found = namesIn(world)
    for (const name of new Set([...found.keys(), ...this.#names.keys()])) {
      assert.include([...this.allowed(name)], found.get(name), `${name} ${when}`)
    }
  }
}

const isObstacle = ({ harm }: Damaged): boolean => harm === "a link elsewhere" || harm.startsWith("a f")

/** What the journal says, as text; nothing where it is none. */
const journalOn = (disk: Disk): string => {
  const node = nodeThere(disk, journal)
  return node?.kind === "file" ? Buffer.from(node.content).toString("latin1") : ""
}

/** Whether a journal is left that has a line, and may have lost others: it may look like one of an earlier time. */
const leavesOlderJournal = ({ disk }: Damaged, before: Disk): boolean =>
  journalOn(disk).includes("\n") && journalOn(disk) !== journalOn(before)

const note = (known: Known, hit: Damaged, before: Disk, under: Disk): void => {
  counts.damages++
  for (const path of hit.paths) {
    const kind = `${path.slice(own.length + 1).split("/")[0] || "all"}: ${hit.harm}`
    met.set(kind, (met.get(kind) ?? 0) + 1)
    if (isObstacle(hit)) known.obstacles.add(path)
    if (path === own || path.startsWith(`${own}/journal`)) known.historyHit = true
    if (path === own || path.startsWith(`${own}/kept`)) known.heldHit = true
    if (nodeThere(under, path) === undefined) known.unfinishedHit = true
  }
  if (hit.shared) known.contentHit = true
  if (leavesOlderJournal(hit, before)) known.journalOlder()
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
  for (const name of namesIn(world).keys()) {
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

/** Repaired, everything is as it was acknowledged, verify finds nothing, and commits are as good as ever. */
const checkRepaired = async (world: World, known: Known, seed: number): Promise<void> => {
  clear(world, known)
  const process = await world.open("power", { defaultRepository: bare })
  const { registry } = process
  await world.run(registry.repair())
  if (known.contentHit || known.contentLost || known.unfinishedHit) await world.run(pushAll(registry))
  known.check(world, "after the repair")
  await world.run(change(process))
  known.acknowledged({ names: { "recovered:after": digestOf(goodDocuments[0]?.bytes ?? assert.fail()) } })
  known.check(world, "after a commit")
  checkRaw(world)
  const found = (await world.run(findings(registry))).filter((finding) => !known.historyHit || !isOldHistory(finding))
  assert.deepStrictEqual(found, [], "what verify finds after the repair")
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
    note(known, hit, world.machine.disk, under)
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
