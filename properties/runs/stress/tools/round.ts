/** One round: processes of ours and other tools at work on one layout, some of them killed, and afterwards the truth. */
import { Effect, Stream } from "effect"
import { type ChildProcess, execFile, execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { type Durability, makeDisk } from "../../../../src/node/index.ts"
import { randomOf } from "../../../support/random.ts"
import { imageOf, partsOf } from "../../../support/tools/images.ts"
import { open } from "../open.ts"
import { start } from "../processes.ts"
import { allBind, falseReadings, incompleteBelow, lostNames, namesIn, oursBinds, unexplained, untold } from "./judge.ts"
import { type Ran, runLane } from "./lane.ts"
import { garbage, repository } from "./names.ts"
import type { Prepared } from "./place.ts"
import { readTold, type Write } from "./Write.ts"

export interface ToolRoundOptions {
  readonly seed: number
  /** Of ours. */
  readonly processes: number
  /** How many tools are at work at the same time. */
  readonly lanes: number
  /** One call of a tool in so many is killed; none at 0. */
  readonly killOneOf: number
  readonly durability: Durability
  readonly seconds: number
  readonly folder: string
}

export interface ToolReport {
  readonly operations: number
  readonly acknowledged: number
  /** Of ours. */
  readonly kills: number
  readonly refusals: ReadonlyMap<string, number>
  readonly ran: ReadonlyArray<Ran>
  /** How often a tool that was killed left `index.json` or `oci-layout` torn, and it was repaired. */
  readonly torn: number
  /** Names and contents of tools that other tools have taken away, as without us. */
  readonly lostByTools: number
  readonly lost: ReadonlyArray<string>
}

const main = fileURLToPath(new URL("../../../../src/main.ts", import.meta.url))

const repair = async (layout: string): Promise<void> => {
  try {
    await promisify(execFile)(process.execPath, [main, "repair", layout, "--level", "links"], { timeout: 120_000 })
  } catch (error) {
    // It also fails where problems remain; whether the index is whole is looked at again.
    console.log(`a repair ended with: ${String((error as { readonly stderr?: string }).stderr ?? error).trim()}`)
  }
}

const isTorn = (path: string): boolean => {
  try {
    JSON.parse(readFileSync(path, "utf8"))
    return false
  } catch {
    return true
  }
}

/** What is torn for so long has been left by a process that was killed. */
const tornMillis = 1000

/** Repairs what stays torn, until it is told that this is enough; nothing is torn then. */
const keepWhole = async (layout: string, enough: AbortSignal, halt: (isHalted: boolean) => void): Promise<number> => {
  const paths = ["index.json", "oci-layout"].map((name) => join(layout, name))
  let repairs = 0
  for (;;) {
    if (!paths.some(isTorn)) {
      if (enough.aborted) return repairs
      await sleep(100)
      continue
    }
    await sleep(tornMillis)
    if (!paths.some((path) => isTorn(path) && Date.now() - statSync(path).mtimeMs >= tornMillis - 50)) continue
    halt(true)
    await repair(layout)
    repairs++
    halt(false)
  }
}

const exited = (child: ChildProcess): Promise<string | undefined> =>
  new Promise((resolve) =>
    child.once("exit", (code, signal) => resolve(code === 0 ? undefined : signal ?? `exit ${code}`))
  )

/** Lets a process of ours live, and die now and then; answers how often it was killed. */
const live = async (options: ToolRoundOptions, process: number, enough: AbortSignal): Promise<number> => {
  const { durability, folder, seed } = options
  const random = randomOf(seed + process)
  const args = [join(folder, "layout"), durability, String(seed), String(process), join(folder, `${process}.ndjson`)]
  for (let kills = 0;;) {
    const child = start(dirname(folder), new URL("ours.ts", import.meta.url), args)
    const death = setTimeout(() => child.kill("SIGKILL"), 2000 + random.below(6000))
    const stop = (): void => {
      clearTimeout(death)
      if (child.connected) child.send("enough")
    }
    enough.addEventListener("abort", stop, { once: true })
    const end = await exited(child)
    clearTimeout(death)
    enough.removeEventListener("abort", stop)
    if (end !== undefined && end !== "SIGKILL") throw new Error(`process ${process} of ours ended with ${end}`)
    if (end !== undefined) kills++
    if (enough.aborted) return kills
  }
}

/** A layout of ours with old garbage in it. */
const prepare = async ({ durability, folder }: ToolRoundOptions): Promise<void> => {
  const layout = join(folder, "layout")
  mkdirSync(folder, { recursive: true })
  const first = imageOf("first")
  await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const registry = yield* open(layout, durability)
    for (const image of [...garbage.map(imageOf), first]) {
      for (const { bytes } of partsOf(image)) yield* registry.pushBlob(repository, Stream.succeed(bytes))
    }
    for (const image of garbage.map(imageOf)) {
      yield* registry.pushBlob(repository, Stream.succeed(image.manifest.bytes))
    }
    yield* registry.pushManifest(repository, first.manifest.bytes, first.mediaType, { tags: ["first"] })
  })))
  // As after some hours.
  rmSync(join(layout, ".ocilayout", "leases"), { recursive: true, force: true })
  const then = new Date(Date.now() - 3 * 60 * 60 * 1000)
  for (const { digest } of garbage.map(imageOf).flatMap(partsOf)) {
    utimesSync(join(layout, "blobs", ...digest.split(":")), then, then)
  }
}

/** A look that writes, and then the whole history. */
const lookOnceMore = (layout: string) =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const registry = yield* makeDisk({ directory: layout })
    const last = imageOf("last")
    for (const { bytes } of partsOf(last)) yield* registry.pushBlob("last", Stream.succeed(bytes))
    yield* registry.pushManifest("last", last.manifest.bytes, last.mediaType, { tags: ["v1"] })
    return yield* Stream.runCollect(registry.history())
  })))

/** What skopeo, where it is there, cannot read of what is ours. */
const unreadable = (
  layout: string,
  names: ReadonlyArray<readonly [string, string]>,
  copies: string
): ReadonlyArray<string> => {
  mkdirSync(copies)
  return names.flatMap(([name], at) => {
    const reference = `oci:${layout}:${name}`
    const args = at % 8 === 0
      ? ["copy", "--quiet", reference, `dir:${join(copies, String(at))}`]
      : ["inspect", "--raw", reference]
    try {
      execFileSync("skopeo", ["--insecure-policy", ...args], { stdio: ["ignore", "ignore", "pipe"] })
      return []
    } catch (error) {
      return [`skopeo cannot read ${name}: ${String((error as { readonly stderr?: Buffer }).stderr)}`]
    }
  })
}

const sameDigest = ({ value }: Write, digest: string): boolean => typeof value !== "string" && value.digest === digest

export const runToolRound = async (prepared: Prepared, options: ToolRoundOptions): Promise<ToolReport> => {
  const { folder, killOneOf, lanes, processes, seconds, seed } = options
  const layout = join(folder, "layout")
  await prepare(options)
  const place = prepared.at(layout)
  const enough = new AbortController()
  const over = new AbortController()
  let halted = false
  let names = 0
  const failed = (error: unknown): never => {
    enough.abort()
    over.abort()
    throw error
  }
  const whole = keepWhole(layout, over.signal, (isHalted) => void (halted = isHalted))
  const ours = Array.from({ length: processes }, (_, process) => live(options, process, enough.signal).catch(failed))
  const theirs = Array.from({ length: lanes }, (_, lane) =>
    runLane({
      place,
      tools: prepared.tools,
      random: randomOf(seed * 31 + lane),
      killOneOf,
      isHalted: () => halted,
      enough: enough.signal,
      fresh: () => String(names++)
    }).catch(failed))
  await sleep(seconds * 1000)
  enough.abort()
  const ran = (await Promise.all(theirs)).flat()
  const kills = (await Promise.all(ours)).reduce((sum, kills) => sum + kills, 0)
  over.abort()
  const torn = await whole

  const told = Array.from({ length: processes }, (_, process) => readTold(join(folder, `${process}.ndjson`)))
  const writes = [
    ...told.flatMap(({ writes }) => writes),
    ...ran.flatMap(({ write }) => write === undefined ? [] : [write])
  ]
  // A tool that has only ours beside it loses nothing either, unless one that was killed has left something torn: regctl
  // then begins a new index.
  const binds = lanes === 1 && killOneOf === 0 ? allBind : oursBinds
  const history = await lookOnceMore(layout)
  const index = namesIn(layout)
  const ofOurs = Array.from(index).filter(([name, digest]) =>
    writes.some((write) => write.by === "ours" && write.name === name && sameDigest(write, digest))
  )
  const incomplete = Array.from(index, ([name, digest]) => ({ name, problems: incompleteBelow(layout, digest) }))
    .filter(({ problems }) => problems.length > 0)
    .map(({ name, problems }) => ({
      text: `${name} is not complete: ${problems.join(", ")}`,
      isOurs: ofOurs.some(([own]) => own === name)
    }))
  const isStrict = binds === allBind
  const lostTools = isStrict ? [] : lostNames(index, writes, allBind)
  const refusals = told.flatMap(({ refusals }) => Array.from(refusals)).reduce(
    (all, [refusal, times]) => all.set(refusal, (all.get(refusal) ?? 0) + times),
    new Map<string, number>()
  )
  return {
    operations: told.reduce((sum, { operations }) => sum + operations, 0),
    acknowledged: told.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
    kills,
    refusals,
    ran,
    torn,
    lostByTools: lostTools.length + (isStrict ? 0 : incomplete.filter(({ isOurs }) => !isOurs).length),
    lost: [
      ...told.flatMap(({ failures }) => failures),
      ...lostNames(index, writes, binds),
      ...falseReadings(told.flatMap(({ readings }) => readings), writes, oursBinds),
      ...incomplete.filter(({ isOurs }) => isOurs || isStrict).map(({ text }) => text),
      ...untold(history, writes),
      ...unexplained(refusals, torn),
      ...(prepared.tools.includes("skopeo") ? unreadable(layout, ofOurs, join(folder, "copies")) : [])
    ]
  }
}
