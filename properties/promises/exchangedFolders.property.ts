/**
 * Whichever folder of a layout is exchanged for a link, before whichever call: what the link leads to is never opened,
 * written or removed, and every operation is answered, or refused in words.
 */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Option, Stream } from "effect"
import fc from "fast-check"
import { basename } from "node:path"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { blobs, bytesOf, digestOf, documentOf } from "../support/contents.ts"
import { figures } from "../support/figures.ts"
import { runs, seed } from "../support/share.ts"
import { copied } from "../support/simulation/copies.ts"
import { change, create, type Disk, find, nodeAt } from "../support/simulation/Disk.ts"
import { Machine } from "../support/simulation/Machine.ts"
import { type Instant, restarted, root, World } from "../support/simulation/World.ts"
import { assertTold } from "../support/told.ts"

/** Where links lead: it looks as the layout does, and is old enough for everything in it to be swept. */
const outside = "/srv/outside"
/** Where the links wait, and the folders while a link is in their place. */
const beside = "/srv/beside"

const image = documentOf("imageOne")
const other = documentOf("elsewhere")

type Operation = (registry: LayoutRegistry) => Effect.Effect<unknown, RegistryError>

const pushAll = (registry: LayoutRegistry) =>
  Effect.forEach(blobs, ({ bytes }) => registry.pushBlob("app", Stream.succeed(bytes)), { discard: true })

const read = (registry: LayoutRegistry) =>
  Effect.scoped(Effect.flatMap(
    registry.getBlob("app", digestOf(bytesOf("one"))),
    ({ stream }) => Effect.map(Stream.runCollect(stream), (pieces) => Buffer.concat(pieces))
  ))

const operations: Readonly<Record<string, Operation>> = {
  read: (registry) =>
    Effect.gen(function*() {
      yield* registry.getTag("app", "v1")
      // What is read is what was pushed, wherever it comes from.
      assert.deepStrictEqual(yield* read(registry), Buffer.from(bytesOf("one")))
      yield* registry.usage
      yield* Stream.runDrain(registry.verify({ level: "content" }))
      yield* registry.uploads("app")
    }),
  pushBlob: (registry) => registry.pushBlob("app", Stream.succeed(Buffer.from("new"))),
  pushManifest: (registry) => registry.pushManifest("app", other.bytes, other.mediaType, { tags: ["v2"] }),
  upload: (registry) =>
    Effect.gen(function*() {
      const writer = yield* registry.pushBlobChunked("app")
      yield* writer.append(0, Stream.succeed(Buffer.from("sent")))
      yield* writer.append(4, Stream.succeed(Buffer.from(" later")))
      yield* writer.commit(digestOf(Buffer.from("sent later")))
    }),
  cancel: (registry) => Effect.flatMap(registry.pushBlobChunked("app"), (writer) => writer.cancel),
  delete: (registry) =>
    Effect.gen(function*() {
      yield* registry.deleteTag("app", "v1")
      yield* registry.deleteManifest("app", digestOf(image.bytes), { force: true })
      yield* registry.deleteBlob("app", digestOf(bytesOf("empty")))
    }),
  collect: (registry) =>
    Effect.gen(function*() {
      yield* registry.deleteTag("app", "v1")
      const { id } = yield* registry.planGarbage({ grace: 0 })
      if (Option.isSome(id)) yield* registry.collectGarbage(id.value)
    }),
  repair: (registry) => registry.repair()
}

const furnish = (registry: LayoutRegistry) =>
  Effect.gen(function*() {
    yield* pushAll(registry)
    yield* registry.pushManifest("app", image.bytes, image.mediaType, { tags: ["v1"] })
    yield* registry.pushManifest("app", other.bytes, other.mediaType, { tags: ["other"] })
    yield* registry.pin("app", digestOf(bytesOf("two")))
    const writer = yield* registry.pushBlobChunked("app")
    yield* writer.append(0, Stream.succeed(Buffer.from("begun")))
    yield* registry.planGarbage({ grace: 0 })
  })

/** Every node from one on. */
const below = (disk: Disk, node: number): ReadonlyArray<number> => {
  const found = nodeAt(disk, node)
  return found.kind === "directory"
    ? [node, ...[...found.entries.values()].flatMap((child) => below(disk, child))]
    : [node]
}

const foldersIn = (disk: Disk, path: string): ReadonlyArray<string> => {
  const node = nodeAt(disk, find(disk, path, false).node ?? assert.fail(path))
  if (node.kind !== "directory") return []
  return [path, ...Array.from(node.entries.keys()).flatMap((name) => foldersIn(disk, `${path}/${name}`))]
}

interface Start extends Instant {
  readonly folders: ReadonlyArray<string>
  readonly theirs: ReadonlyArray<number>
}

const begin = async (): Promise<Start> => {
  const world = new World(new Machine())
  const { close, registry } = await world.open()
  await world.run(furnish(registry))
  await close()
  const { machine } = world
  const folders = foldersIn(machine.disk, root)
  machine.prepare((disk, nowNs) => {
    const place = create(disk, nowNs, find(disk, beside, false), { kind: "directory", mode: 0o755 }, [])
    const full = copied(place, nowNs, { from: place, path: root, to: outside })
    return folders.reduce((disk, folder) => {
      const target = outside + folder.slice(root.length)
      return create(disk, nowNs, find(disk, waiting(folder), false), { kind: "link", target }, [])
    }, full)
  })
  machine.advance(10 * 24 * 60 * 60 * 1000)
  const { disk, nowNs } = machine
  return { disk, nowNs, names: world.names, folders, theirs: below(disk, find(disk, outside, false).node ?? -1) }
}

const waiting = (folder: string): string => `${beside}/${folder.slice(1).replaceAll("/", "-")}`

/** A folder and the link that waits for it take each other's place. */
const exchanged = (disk: Disk, nowNs: bigint, folder: string): Disk => {
  const [one, two] = [find(disk, folder, false), find(disk, waiting(folder), false)]
  return change(disk, nowNs, [
    { directory: one.directory, name: basename(folder), to: two.node },
    { directory: two.directory, name: basename(waiting(folder)), to: one.node }
  ])
}

interface Case {
  readonly operation: string
  readonly folder: string
  /** The calls before which the two take each other's place, from 1. */
  readonly at: ReadonlyArray<number>
}

/** How many calls it took, and what it was answered. */
const play = async (start: Start, { at, folder, operation }: Case) => {
  let calls = 0
  const assertApart = (): void => {
    const reached = world.machine.reached.filter((node) => start.theirs.includes(node))
    assert.deepStrictEqual(reached, [], `${operation} opened what is outside, before call ${calls} of it`)
  }
  const before = (): undefined => {
    calls++
    assertApart()
    // A layout may be reached through a link, as long as it was one from the beginning.
    const isFirst = folder === root && world.machine.folders === 0
    if (!isFirst && at.includes(calls)) {
      world.machine.prepare((disk, nowNs) => exchanged(disk, nowNs, folder))
    }
  }
  const world: World = restarted(start.disk, start, { before })
  const { close, registry } = await world.open("none")
  const exit = await world.run(Effect.exit((operations[operation] ?? assert.fail(operation))(registry)))
  assertApart()
  await close()
  const { disk, folders, open } = world.machine
  const place = `${operation} with ${folder} at ${at.join(", ")}`
  assert.deepStrictEqual([open, folders], [0, 0], `${place}: closed`)
  for (const node of start.theirs) {
    assert.strictEqual(disk.nodes.get(node), start.disk.nodes.get(node), `${place}: what is outside is as it was`)
  }
  return { calls, answer: answerOf(exit, place) }
}

const answerOf = (exit: Exit.Exit<unknown, RegistryError>, place: string): string => {
  if (Exit.isSuccess(exit)) return "ok"
  const [reason] = exit.cause.reasons
  if (reason === undefined || !Cause.isFailReason(reason)) {
    return assert.fail(`${place} died: ${Cause.pretty(exit.cause)}`)
  }
  assertTold(reason.error)
  return reason.error._tag
}

describe("a folder that is exchanged for a link", () => {
  it("before a call of any operation, leads no call elsewhere", { timeout: 600_000 }, async () => {
    const start = await begin()
    const answers = new Map<string, number>()
    let tries = 0
    for (const operation of Object.keys(operations)) {
      const { answer, calls } = await play(start, { operation, folder: root, at: [] })
      assert.strictEqual(answer, "ok", `${operation} without a neighbour`)
      // Every call in a deep run; some of them, others every time, in any other.
      const step = Math.max(1, Math.ceil((10 * calls) / runs))
      for (const [place, folder] of start.folders.entries()) {
        for (let at = 1 + (seed + place) % step; at <= calls; at += step) {
          const { answer } = await play(start, { operation, folder, at: [at] })
          answers.set(answer, (answers.get(answer) ?? 0) + 1)
          tries++
        }
      }
    }
    assert.isAbove(answers.get("SymlinkRefused") ?? 0, 0)
    assert.isAbove(answers.get("ok") ?? 0, 0)
    figures("folders exchanged for links", { inputs: tries })
  })

  it("and back, again and again, leads no call elsewhere", async () => {
    const start = await begin()
    const drawn = fc.record<Case>({
      operation: fc.constantFrom(...Object.keys(operations)),
      folder: fc.constantFrom(...start.folders),
      at: fc.uniqueArray(fc.integer({ min: 1, max: 400 }), { minLength: 2, maxLength: 60, size: "max" })
    })
    await fc.assert(fc.asyncProperty(drawn, async (drawn) => void (await play(start, drawn))), { numRuns: 5 * runs })
    figures("folders exchanged to and fro", { inputs: 5 * runs })
  })
})
