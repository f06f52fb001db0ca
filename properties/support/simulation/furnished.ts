/** A layout in whose `.ocilayout` lies everything that can lie there, and what the disk was on the way to it. */
import { assert } from "@effect/vitest"
import { Effect, Option, Result, Stream } from "effect"
import { join } from "node:path"
import { openLock } from "../../../src/node/files/durable.ts"
import { layoutFiles } from "../../../src/node/files/layoutFiles.ts"
import { noteUnchanged } from "../../../src/node/index/watchedNote.ts"
import { makeBookmarks } from "../../../src/node/sidecars/bookmarkFiles.ts"
import { parseContentDigest } from "../../../src/oci/Digest.ts"
import { repository } from "../../../test/support/entries.ts"
import { bytesOf, digestOf, documentOf } from "../contents.ts"
import { nodeThere } from "./copies.ts"
import { type Disk, find, withNode, write } from "./Disk.ts"
import { letGrowOld } from "./history.ts"
import { Machine, type MachineOptions } from "./Machine.ts"
import { type Instant, type Process, root, World } from "./World.ts"

export interface Furnished extends Instant {
  /** What the disk was after each step. */
  readonly older: ReadonlyArray<Disk>
  /** Sessions: one that is open, and one that became a blob. */
  readonly sessions: ReadonlyArray<string>
}

/** The repository of bare tags. */
export const bare = repository("app")

const digestNamed = (name: string) => Result.getOrThrow(parseContentDigest(digestOf(bytesOf(name))))

const push = ({ registry }: Process, name: string) => registry.pushBlob("app", Stream.succeed(bytesOf(name)))

const pushImage = (process: Process, name: string, ...tags: ReadonlyArray<string>) => {
  const { bytes, mediaType } = documentOf(name)
  return process.registry.pushManifest("app", bytes, mediaType, { tags })
}

const upload = ({ registry }: Process, content: string) =>
  Effect.gen(function*() {
    const writer = yield* registry.pushBlobChunked("app")
    yield* writer.append(0, Stream.succeed(Buffer.from(content)))
    return writer
  })

const collect = ({ registry }: Process) =>
  Effect.gen(function*() {
    const { id } = yield* registry.planGarbage({ grace: 0, undoWindow: 0 })
    if (Option.isSome(id)) yield* registry.collectGarbage(id.value)
  })

/** What commands that are not run here leave, or only large layouts have. */
const writeOthers = (process: Process) =>
  Effect.gen(function*() {
    const files = layoutFiles(process.fs, root, { durability: "power", symlinks: "refuse" })
    yield* Effect.scoped(openLock(files, join(files.own, "creating")))
    yield* noteUnchanged(files, [["one", "identity"]])
    yield* makeBookmarks(() => files).save("https://example.com", { after: 3, commit: "three" }, undefined)
    yield* process.stores.layers.save(digestNamed("one"), "table", Buffer.from("what is in it"))
    yield* Effect.scoped(Effect.flatMap(
      process.fs.open(join(files.temporary, "blob.left"), { access: "create" }),
      (handle) => handle.write(Buffer.from("left by a process that died"), 0)
    ))
  })

/** Bytes are put at the end of a file, or in the place of its first. */
const scribble = (world: World, path: string, at: "end" | "start"): void =>
  world.machine.prepare((disk, nowNs) => {
    const { node = -1 } = find(disk, `${root}/${path}`, false)
    const file = disk.nodes.get(node)
    return file?.kind === "file"
      ? write(disk, nowNs, node, Buffer.from("scribbled"), at === "end" ? file.content.length : 0)
      : disk
  })

export const furnished = async (options: MachineOptions = {}): Promise<Furnished> => {
  const world = new World(new Machine(options))
  const { machine } = world
  const process = await world.open("power", { defaultRepository: bare })
  const older: Array<Disk> = []
  const sessions: Array<string> = []
  const step = async <A, E>(effect: Effect.Effect<A, E>): Promise<A> => {
    const answer = await world.run(effect)
    older.push(machine.disk)
    machine.advance(90_000)
    return answer
  }
  for (const name of ["config", "one", "two", "foreign", "{}"]) await step(push(process, name))
  await step(pushImage(process, "imageOne", "v1", "latest"))
  await step(pushImage(process, "imageTwo", "v2"))
  await step(process.registry.pin("app", digestOf(bytesOf("two"))))
  await step(process.registry.deleteTag("app", "latest"))
  await step(process.registry.revert(3))
  await step(process.registry.tagManifest("app", digestOf(documentOf("imageTwo").bytes), ["v1"]))
  await step(process.registry.tagManifest("app", digestOf(documentOf("imageOne").bytes), ["v1"]))
  await step(pushImage(process, "both", "all"))
  await step(pushImage(process, "signature"))
  sessions.push((await step(upload(process, "an unfinished blob"))).id)
  const finished = await step(upload(process, "a finished one"))
  sessions.push(finished.id)
  await step(finished.commit(digestOf(Buffer.from("a finished one"))))
  letGrowOld(machine)
  await step(collect(process))
  // A blob that is damaged under both of its names goes to the quarantine, and is pushed again.
  scribble(world, `blobs/sha256/${digestOf(bytesOf("one")).slice(7)}`, "start")
  await step(process.registry.repair())
  await step(push(process, "one"))
  await step(push(process, "foreign"))
  await step(pushImage(process, "elsewhere", "other"))
  scribble(world, ".ocilayout/journal/2/current.ndjson", "end")
  await step(process.registry.tagManifest("app", digestOf(documentOf("imageTwo").bytes), ["moved"]))
  await step(process.registry.deleteTag("app", "moved"))
  await step(process.registry.planGarbage({ grace: 0 }))
  await step(writeOthers(process))
  await process.close()
  assert.isDefined(nodeThere(machine.disk, `${root}/.ocilayout`))
  return { disk: settled(machine.disk), nowNs: machine.nowNs, names: world.names, older, sessions }
}

/** Everything has been written back long ago. */
const settled = (disk: Disk): Disk => {
  let last: Disk = { ...disk, pending: [] }
  for (const [id, node] of disk.nodes) {
    if (node.kind === "file") last = withNode(last, id, { ...node, durable: node.content })
    if (node.kind === "directory") last = withNode(last, id, { ...node, durable: node.entries })
  }
  return last
}
