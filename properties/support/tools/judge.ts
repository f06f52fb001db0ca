/** What has to be true when everybody is done: our next look is made, and everything is looked at. */
import { Effect, Option, Stream } from "effect"
import { Actor } from "../../../src/ops/api/Actor.ts"
import type { Process, World } from "../simulation/World.ts"
import { type Ghost, noteOf } from "./Ghost.ts"
import { type Blob, imageOf, imageWith, partsOf } from "./images.ts"
import { type Entry, nameOf, parsedIndex } from "./indexJson.ts"
import { sameBytes, stateOf } from "./Versions.ts"

/** What a process of ours was told of one change. */
export interface Told {
  /** It is the actor of its commit. */
  readonly label: string
  readonly name: string
  readonly digest: string | undefined
  /** What was answered. */
  readonly answer: { readonly revision: number | undefined } | "refused" | "unknown"
}

const later = imageOf("later")

const push = ({ registry }: Process, repository: string, { bytes }: Blob) =>
  registry.pushBlob(repository, Stream.succeed(bytes))

/** A look that writes: whatever others have done is taken in before it. */
const lookAndWrite = (process: Process) =>
  Effect.gen(function*() {
    for (const part of partsOf(later)) yield* push(process, "later", part)
    yield* process.registry.pushManifest("later", later.manifest.bytes, later.mediaType, { tags: ["v1"] })
  })

/** A look under the lock that has nothing of its own to write. */
const look = ({ registry }: Process) => registry.tagManifest("later", later.manifest.digest, ["v1"])

const entriesIn = (world: World): ReadonlyArray<Entry> => {
  const bytes = world.bytes("index.json")
  return (bytes === undefined ? undefined : parsedIndex(bytes))?.manifests ?? []
}

const canonical = (entries: ReadonlyArray<Entry>): string =>
  entries.map((entry) => JSON.stringify(entry)).toSorted().join("\n")

/** Every entry's content, and what that needs, is under `blobs/`, as other tools look for it. */
const incomplete = (world: World, ghost: Ghost, when: string): ReadonlyArray<string> =>
  entriesIn(world).flatMap((entry) => {
    const image = imageWith(entry.digest)
    return (image === undefined ? [] : partsOf(image)).flatMap(({ bytes, digest }) => {
      if (ghost.excused.has(digest)) return []
      const found = world.bytes(`blobs/${digest.replace(":", "/")}`)
      const what = `${nameOf(entry) ?? "an entry without a name"} (${image?.note}) needs ${digest.slice(7, 19)}`
      if (found === undefined) return [`incomplete ${when}: ${what}, which is not there`]
      return sameBytes(found, bytes) ? [] : [`incomplete ${when}: ${what}, which is damaged`]
    })
  })

/** What each name is, is allowed. */
const lost = (world: World, ghost: Ghost): ReadonlyArray<string> => {
  const state = stateOf({ schemaVersion: 2, manifests: entriesIn(world) })
  return Array.from(new Set([...ghost.names.all, ...state.keys()])).flatMap((name) => {
    if (name === "later:v1") return []
    const allowed = ghost.names.of(name)
    return allowed.includes(state.get(name))
      ? []
      : [`lost: ${name} is ${noteOf(state.get(name))}, and has to be ${allowed.map(noteOf).join(" or ")}`]
  })
}

/** What was acknowledged is in the history under its revision, and what was refused is not. */
const untold = ({ registry }: Process, told: ReadonlyArray<Told>) =>
  Effect.gen(function*() {
    const history = yield* Stream.runCollect(registry.history())
    const found: Array<string> = []
    const revisions = history.map(({ revision }) => revision)
    if (new Set(revisions).size !== revisions.length) {
      found.push(`history: a revision was given twice: ${revisions.join(" ")}`)
    }
    for (const { answer, digest, label, name } of told) {
      const commits = history.filter(({ actor }) => actor === label)
      if (answer === "refused" && commits.length > 0) found.push(`history: ${label} was refused, and is in the history`)
      if (typeof answer === "string" || answer.revision === undefined) continue
      const commit = commits.find(({ revision }) => revision === answer.revision)
      const change = commit?.changes.find(({ repository, tag }) => `${repository}:${tag}` === name)
      if (commit === undefined) found.push(`history: revision ${answer.revision} (${label}) is not there`)
      else if (change?.to !== digest) found.push(`history: revision ${answer.revision} does not say what ${label} did`)
    }
    return found
  })

export interface Judging {
  readonly told: ReadonlyArray<Told>
  /** Whether a collection of ours follows. */
  readonly collects: boolean
  /** Whether the journal that was there at first is the one that is there now. */
  readonly keepsHistory: boolean
}

/** Our next look, and then whether all is well; nothing where the layout was left torn, which is for `repair`. */
export const judge = async (
  world: World,
  ghost: Ghost,
  process: Process,
  judging: Judging
): Promise<ReadonlyArray<string> | undefined> => {
  ghost.settle()
  const bytes = world.bytes("index.json")
  if (bytes !== undefined && parsedIndex(bytes) === undefined) return undefined
  // A tool that is killed in between leaves it empty. Beside a journal it is written anew.
  const isBegun = world.list(".ocilayout/journal/2").length > 0
  if (!isBegun && world.bytes("oci-layout")?.length === 0) return undefined
  try {
    return await lookedAt(world, ghost, process, judging)
  } catch (error) {
    return [`our next look fails: ${String(error)}`]
  }
}

const lookedAt = async (
  world: World,
  ghost: Ghost,
  process: Process,
  { collects, keepsHistory, told }: Judging
): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> =>
    world.run(Effect.provideService(effect, Actor, "the next look"))
  await run(lookAndWrite(process))
  found.push(...lost(world, ghost), ...incomplete(world, ghost, "after our next look"))
  const first = entriesIn(world)
  for (let time = 0; time < 2; time++) {
    world.machine.advance(60_000)
    await run(look(process))
  }
  if (canonical(first) !== canonical(entriesIn(world))) found.push("unrest: what our look has found changes by itself")
  const settled = world.bytes("index.json")
  await run(look(process))
  if (settled === undefined || !sameBytes(settled, world.bytes("index.json") ?? Buffer.alloc(0))) {
    found.push("unrest: looks go on writing")
  }
  if (keepsHistory) found.push(...await run(untold(process, told)))
  if (collects) {
    const { id } = await run(process.registry.planGarbage({ untagged: false }))
    if (Option.isSome(id)) await run(process.registry.collectGarbage(id.value))
    found.push(...incomplete(world, ghost, "after our collection"))
  }
  return found
}
