/**
 * Several users of one layout, in any order: every file of ours has the owner, the group and the mode of the layout's
 * folder, so that users who could write before still can; users who may only read are answered; and where the system lets no
 * file be given to another user, no commit fails for that.
 */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Option, Stream } from "effect"
import fc from "fast-check"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { blobs, bytesOf, digestOf, documentOf } from "../support/contents.ts"
import { figures } from "../support/figures.ts"
import { isWhole, runs } from "../support/share.ts"
import { pathsBelow } from "../support/simulation/copies.ts"
import { find, nodeAt, withNode } from "../support/simulation/Disk.ts"
import { pass } from "../support/simulation/foreign.ts"
import { bare } from "../support/simulation/furnished.ts"
import { letGrowOld } from "../support/simulation/history.ts"
import { Machine } from "../support/simulation/Machine.ts"
import { superuser, type User } from "../support/simulation/rights.ts"
import { type Process, root, World } from "../support/simulation/World.ts"
import { assertTold } from "../support/told.ts"

const team = 2000

const users = {
  owner: { uid: 1001, gid: 1001, groups: [team] },
  member: { uid: 1002, gid: 1002, groups: [team] },
  root: { uid: superuser.uid, gid: superuser.gid, groups: [] },
  stranger: { uid: 1003, gid: 1003, groups: [] }
}
type Who = keyof typeof users

type Command = (registry: LayoutRegistry, session: { id: string }) => Effect.Effect<unknown, RegistryError>

const image = documentOf("imageOne")
const other = documentOf("elsewhere")

const pushAll = (registry: LayoutRegistry) =>
  Effect.forEach(blobs, ({ bytes }) => registry.pushBlob("app", Stream.succeed(bytes)), { discard: true })

const reads: Readonly<Record<string, Command>> = {
  tags: (registry) => Stream.runCollect(registry.tags("app")),
  get: (registry) => registry.getTag("app", "v1"),
  blob: (registry) =>
    Effect.scoped(
      Effect.flatMap(registry.getBlob("app", digestOf(bytesOf("one"))), ({ stream }) => Stream.runDrain(stream))
    ),
  referrers: (registry) => Stream.runCollect(registry.referrers("app", digestOf(image.bytes))),
  history: (registry) => Stream.runCollect(registry.history()),
  past: (registry) => registry.at({ revision: 1 }).getTag("app", "v1"),
  uploads: (registry) => registry.uploads("app"),
  verify: (registry) =>
    Stream.runCollect(Stream.filter(registry.verify({ level: "content" }), ({ _tag }) => _tag === "Found")),
  usage: (registry) => registry.usage,
  plan: (registry) => registry.planGarbage({ grace: 0 })
}

const writes: Readonly<Record<string, Command>> = {
  push: (registry) =>
    Effect.andThen(
      pushAll(registry),
      registry.pushManifest("app", other.bytes, other.mediaType, { tags: ["other"] })
    ),
  tag: (registry) => registry.tagManifest("app", digestOf(image.bytes), ["v2"]),
  untag: (registry) =>
    Effect.andThen(
      registry.tagManifest("app", digestOf(image.bytes), ["gone"]),
      registry.deleteTag("app", "gone")
    ),
  undo: (registry) =>
    Effect.gen(function*() {
      yield* registry.tagManifest("app", digestOf(image.bytes), ["undone"])
      const [last] = yield* Stream.runCollect(registry.history({ limit: 1 }))
      if (last !== undefined) yield* registry.revert(last.revision, { force: true })
      yield* registry.tagManifest("app", digestOf(image.bytes), ["v1"])
    }),
  begin: (registry, session) =>
    Effect.gen(function*() {
      const writer = yield* registry.pushBlobChunked("app")
      yield* writer.append(0, Stream.succeed(Buffer.from("begun")))
      session.id = writer.id
    }),
  goOn: (registry, session) =>
    session.id === ""
      ? Effect.void
      : Effect.flatMap(
        registry.findUpload(session.id),
        (writer) => writer.append(writer.size, Stream.succeed(Buffer.from("!")))
      ),
  finish: (registry) =>
    Effect.gen(function*() {
      const writer = yield* registry.pushBlobChunked("app")
      yield* writer.append(0, Stream.succeed(Buffer.from("finished")))
      yield* writer.commit(digestOf(Buffer.from("finished")))
    }),
  pin: (registry) => registry.pin("app", digestOf(image.bytes)),
  unpin: (registry) => registry.unpin("app", digestOf(image.bytes)),
  collect: (registry) =>
    Effect.gen(function*() {
      const { id } = yield* registry.planGarbage({ grace: 0, undoWindow: 0 })
      if (Option.isSome(id)) yield* registry.collectGarbage(id.value)
    }),
  repair: (registry) => registry.repair()
}

interface Step {
  readonly who: Who
  readonly command: string
  readonly umask: number
  /** Whether the process is a new one. */
  readonly restart: boolean
  /** Seconds without any command afterwards; a day lets everything be swept. */
  readonly rests: number
}

interface Case {
  /** Of the layout's folder, where it is there. */
  readonly mode: number
  /** Whether the owner's first command makes it instead, in a folder whose group what is made there takes. */
  readonly isMade: boolean
  readonly steps: ReadonlyArray<Step>
  /** What giving a file to another user or group fails with. */
  readonly refusal: string | undefined
  /** Whether files here can have two names and be exchanged. */
  readonly plain: boolean
}

const step: fc.Arbitrary<Step> = fc.record({
  who: fc.constantFrom<Array<Who>>("owner", "member", "root", "member", "owner", "stranger"),
  command: fc.constantFrom(...Object.keys(reads), ...Object.keys(writes), ...Object.keys(writes)),
  umask: fc.constantFrom(0o022, 0o002, 0o077, 0o027),
  restart: fc.boolean(),
  rests: fc.constantFrom(0, 1, 90, 90_000)
})

const drawn: fc.Arbitrary<Case> = fc.record({
  isMade: fc.boolean(),
  mode: fc.constantFrom(0o2775, 0o775, 0o2770, 0o770, 0o755, 0o2755, 0o777, 0o2777, 0o750),
  steps: fc.array(step, { minLength: 3, maxLength: 10 }),
  refusal: fc.option(fc.constantFrom("EPERM", "EINVAL", "ENOSYS", "EOPNOTSUPP"), { nil: undefined, freq: 2 }),
  plain: fc.nat({ max: 4 }).map((number) => number === 0)
})

const counts = { histories: 0, "answered to writers": 0, "answered to readers": 0, "refused to others": 0, files: 0 }

const setGid = 0o2000

/** Whether a user has these bits of the folder's mode. */
const may = (who: Who, mode: number, bits: number): boolean => {
  const shift = who === "owner" ? 6 : who === "member" ? 3 : 0
  return who === "root" || ((mode >> shift) & bits) === bits
}

/** What is not as the layout's folder is. */
const locked = (world: World, { mode, refusal }: Case, writers: ReadonlySet<Who>): ReadonlyArray<string> => {
  const { disk } = world.machine
  const isOwners = !writers.has("member") && !writers.has("stranger")
  return pathsBelow(disk, root).slice(1).flatMap((path) => {
    const node = nodeAt(disk, find(disk, path, false).node ?? -1)
    counts.files++
    const wanted = mode & (node.kind === "directory" ? 0o2777 : 0o666)
    // Where all users may do what the group may, the group is not needed.
    const isForAll = ((mode >> 3) & ~mode & 0o7) === 0
    const isGroups = node.gid === team || isForAll || (refusal !== undefined && (mode & setGid) === 0)
    const isAsFolder = isGroups && (!isOwners || refusal !== undefined || node.uid === users.owner.uid)
    // The system takes the bit from a folder whose mode is set by a user who is not of its group.
    const isMode = node.mode === wanted || (isForAll && node.mode === (wanted & ~setGid))
    return isMode && isAsFolder ? [] : [`${path} ${node.mode.toString(8)} ${node.uid}:${node.gid}`]
  })
}

/** Every file, by which it is and when it was last changed. */
const filesOf = ({ machine: { disk } }: World): ReadonlyArray<string> =>
  pathsBelow(disk, root).map((path) => {
    const { ctimeNs, ino } = nodeAt(disk, find(disk, path, false).node ?? -1)
    return `${path} ${ino} ${ctimeNs}`
  })

/** The one typed error there is; nothing where it was answered. */
const refusalOf = (exit: Exit.Exit<unknown, RegistryError>, when: string): RegistryError | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const [reason] = exit.cause.reasons
  if (reason === undefined || !Cause.isFailReason(reason)) {
    return assert.fail(`${when} died: ${Cause.pretty(exit.cause)}`)
  }
  assertTold(reason.error)
  return reason.error
}

const isDenied = (error: RegistryError | undefined): boolean =>
  error?._tag === "StorageError" && error.kind === "denied"

/** Gives a folder to the owner and the team. */
const prepare = ({ machine }: World, folder: string, mode: number): void =>
  machine.prepare((disk, nowNs) => {
    const node = find(disk, folder, false).node ?? -1
    return withNode(disk, node, { ...nodeAt(disk, node), mode, uid: users.owner.uid, gid: team, ctimeNs: nowNs })
  })

/** Time passes; what open processes do by themselves after a while is done. */
const restFor = async (world: World, rest: (world: World) => void): Promise<void> => {
  rest(world)
  await world.run(pass(2000))
}

const play = async (drawn: Case): Promise<void> => {
  const { isMade, plain, refusal, steps } = drawn
  const umask = steps[0]?.umask ?? 0
  const mode = isMade ? setGid | (0o777 & ~umask) : drawn.mode
  const lacking = {
    ...(plain ? { link: "EPERM", exchange: "ENOSYS" } : {}),
    ...(refusal === undefined ? {} : { chown: refusal })
  }
  const world = new World(new Machine({ lacking }))
  const { fs } = world.machine.process()
  await world.run(fs.makeDirectory("/srv", 0o755))
  if (isMade) prepare(world, "/srv", setGid | 0o777)
  else {
    await world.run(fs.makeDirectory(root, 0o755))
    prepare(world, root, mode)
  }
  const open = new Map<Who, Process>()
  const processOf = async ({ restart, umask, who }: Step): Promise<Process> => {
    const there = open.get(who)
    if (there !== undefined && !restart) return there
    await there?.close()
    const user: User = { ...users[who], umask }
    const opened = await world.open("power", { defaultRepository: bare, user })
    open.set(who, opened)
    return opened
  }
  const writers = new Set<Who>()
  const session = { id: "" }
  const begin: ReadonlyArray<Step> = ["push", "tag"].map((command) => (
    { who: "owner", command, umask, restart: false, rests: 0 }
  ))
  const first = (registry: LayoutRegistry) =>
    Effect.andThen(
      pushAll(registry),
      registry.pushManifest("app", image.bytes, image.mediaType, { tags: ["v1"] })
    )
  await world.run(first((await processOf(begin[0] ?? assert.fail())).registry))
  writers.add("owner")
  for (const step of [...begin, ...steps]) {
    const { command, rests, who } = step
    const when = `${command} of ${who} in a folder of mode ${mode.toString(8)}`
    const { registry } = await processOf(step)
    const isRead = command in reads
    if (command === "collect") await restFor(world, () => letGrowOld(world.machine))
    const before = filesOf(world)
    const act = reads[command] ?? writes[command] ?? assert.fail(command)
    const exit = await world.run(Effect.exit(act(registry, session)))
    const refused = refusalOf(exit, when)
    const isAllowed = may(who, mode, isRead ? 5 : 7)
    // Where files cannot be given to others, theirs is what those who wrote before have kept.
    const isKept = refusal !== undefined && ((mode & setGid) === 0 || !may("member", mode, 7)) &&
      Array.from(writers).some((writer) => writer !== who) && who !== "root"
    if (!isAllowed) {
      assert.deepStrictEqual(filesOf(world), before, `${when}: nothing is changed`)
      const isTold = Exit.isSuccess(exit) && Array.isArray(exit.value) && exit.value.length > 0
      assert.isTrue(refused !== undefined || !isRead || isTold, `${when} is refused`)
      if (refused !== undefined) counts["refused to others"]++
    } else if (!isKept) {
      assert.isUndefined(isDenied(refused) ? refused : undefined, when)
      if (command !== "goOn" && command !== "past") assert.isUndefined(refused, when)
      counts[isRead ? "answered to readers" : "answered to writers"]++
    }
    if (may(who, mode, 7)) writers.add(who)
    assert.deepStrictEqual(locked(world, { ...drawn, mode }, writers), [], `after ${when}`)
    await restFor(world, ({ machine }) => machine.advance(rests * 1000))
  }
  for (const process of open.values()) await process.close()
  counts.histories++
}

describe("a layout of several users", () => {
  it("stays open to all users of its folder, whichever of them writes", { timeout: 600_000 }, async () => {
    await fc.assert(fc.asyncProperty(drawn, play), { numRuns: 3 * runs })
    if (!isWhole) return
    for (const count of Object.values(counts)) assert.isAbove(count, 0)
  })
})

afterAll(() => figures("several users", counts))
