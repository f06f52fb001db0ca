/** Whether what lies there in the end, and what was read meanwhile, can be true after all that was acknowledged. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { digestOf } from "../../../support/contents.ts"
import { nameOf, parsedIndex } from "../../../support/tools/indexJson.ts"
import type { Reading, Value, Write } from "./Write.ts"

/** Whether a write replaces for good what was before it. */
export type Binds = (write: Write) => boolean

/** What one of ours has acknowledged stays until the name is written again. */
export const oursBinds: Binds = ({ acknowledged, by }) => acknowledged && by === "ours"

/** Also what another tool has said it has done, where nothing but ours was at work beside it. */
export const allBind: Binds = ({ acknowledged }) => acknowledged

const forever = 2n ** 80n

/** Each value whose write no other follows that binds, had started later, and had ended by then. */
const allowedAt = (
  writes: ReadonlyArray<Write>,
  binds: Binds,
  { ended, started }: { readonly started: bigint; readonly ended: bigint }
): ReadonlyArray<Value> => {
  const first: Write = { name: "", value: "nothing", by: "", started: -1n, ended: -1n, acknowledged: true }
  const binding = writes.filter((write) => binds(write) && (write.ended ?? forever) < started)
  return [first, ...writes]
    .filter((write) => write.started < ended)
    .filter((write) => !binding.some((other) => other !== write && other.started > (write.ended ?? forever)))
    .map(({ value }) => value)
}

const fits = (value: Value, allowed: ReadonlyArray<Value>): boolean =>
  allowed.some((one) =>
    one === "something" ? value !== "nothing" : typeof one === "string" || typeof value === "string"
      ? one === value
      : one.digest === value.digest
  )

const shown = (value: Value): string => typeof value === "string" ? value : value.digest.slice(7, 19)

const story = (writes: ReadonlyArray<Write>): string => {
  const first = writes.reduce((least, { started }) => started < least ? started : least, forever)
  const millis = (time: bigint | undefined): string => time === undefined ? "?" : `${(time - first) / 1_000_000n}`
  return writes.toSorted((a, b) => a.started < b.started ? -1 : 1).slice(-8).map(
    ({ acknowledged, by, ended, label, revision, started, value }) =>
      `${label ?? by} ${millis(started)}-${millis(ended)} ms = ${shown(value)}${
        acknowledged ? ` (acknowledged${revision === undefined ? "" : ` as ${revision}`})` : ""
      }`
  ).join("; ")
}

/** What each name is in the end has to be allowed. */
export const lostNames = (
  index: ReadonlyMap<string, string>,
  writes: ReadonlyArray<Write>,
  binds: Binds
): ReadonlyArray<string> => {
  const end = { started: forever, ended: forever }
  return Array.from(Map.groupBy(writes, ({ name }) => name)).flatMap(([name, own]) => {
    const digest = index.get(name)
    const value = digest === undefined ? "nothing" : { digest }
    const allowed = allowedAt(own, binds, end)
    return fits(value, allowed)
      ? []
      : [`${name} is ${shown(value)}, and has to be ${allowed.map(shown).join(" or ")}: ${story(own)}`]
  })
}

/** What was read of a name had to be allowed then. */
export const falseReadings = (
  readings: ReadonlyArray<Reading>,
  writes: ReadonlyArray<Write>,
  binds: Binds
): ReadonlyArray<string> => {
  const byName = Map.groupBy(writes, ({ name }) => name)
  return readings.flatMap((reading) => {
    const own = byName.get(reading.name) ?? []
    const allowed = allowedAt(own, binds, reading)
    return fits(reading.value, allowed)
      ? []
      : [`${reading.name} was read as ${shown(reading.value)}, and had to be ${allowed.map(shown).join(" or ")}`]
  })
}

/** The first entry of each name. */
export const namesIn = (layout: string): ReadonlyMap<string, string> => {
  const names = new Map<string, string>()
  for (const entry of parsedIndex(readFileSync(join(layout, "index.json")))?.manifests ?? []) {
    const name = nameOf(entry)
    if (name !== undefined && !names.has(name)) names.set(name, entry.digest)
  }
  return names
}

interface Pointer {
  readonly digest: string
}

/** Everything that a digest leads to is under `blobs/`, with the right bytes; otherwise what is wrong. */
export const incompleteBelow = (layout: string, digest: string): ReadonlyArray<string> => {
  const path = join(layout, "blobs", ...digest.split(":"))
  if (!existsSync(path)) return [`${digest.slice(7, 19)} is not there`]
  const bytes = readFileSync(path)
  if (digestOf(bytes) !== digest) return [`${digest.slice(7, 19)} is damaged (${bytes.length} bytes)`]
  if (bytes.at(0) !== 0x7b) return []
  const { config, layers = [], manifests = [] } = JSON.parse(bytes.toString("utf8")) as {
    readonly config?: Pointer
    readonly layers?: ReadonlyArray<Pointer>
    readonly manifests?: ReadonlyArray<Pointer>
  }
  const isPointer = (value: unknown): value is Pointer =>
    typeof value === "object" && value !== null && "digest" in value && typeof value.digest === "string"
  return [config, ...layers, ...manifests].filter(isPointer).flatMap((part) => incompleteBelow(layout, part.digest))
}

/** A commit of the history, as far as it is judged. */
export interface Commit {
  readonly revision: number
  readonly actor: string
  readonly changes: ReadonlyArray<
    { readonly repository?: string | undefined; readonly tag?: string | undefined; readonly to?: string | undefined }
  >
}

/** Each commit that was acknowledged is in the history under its number, and no number was given twice. */
export const untold = (
  history: ReadonlyArray<Commit>,
  writes: ReadonlyArray<Write>
): ReadonlyArray<string> => {
  const found: Array<string> = []
  const commits = new Map(history.map((commit) => [commit.revision, commit]))
  if (commits.size !== history.length) found.push("a revision is in the history twice")
  const given = new Map<number, string>()
  for (const { acknowledged, label, name, revision, value } of writes) {
    if (!acknowledged || revision === undefined) continue
    const other = given.get(revision)
    if (other !== undefined) found.push(`revision ${revision} was given to ${other} and to ${label}`)
    given.set(revision, label ?? "")
    const commit = commits.get(revision)
    const change = commit?.changes.find(({ repository, tag }) => `${repository}:${tag}` === name)
    const digest = typeof value === "string" ? undefined : value.digest
    if (commit === undefined) found.push(`revision ${revision} (${label}) is not in the history`)
    else if (commit.actor !== label) found.push(`revision ${revision} is of ${commit.actor}, and not of ${label}`)
    else if (change?.to !== digest) found.push(`revision ${revision} does not say what ${label} has done`)
  }
  return found
}

/** Refusals that say that `index.json` or `oci-layout` made no sense, though no tool that was killed had left it so. */
export const unexplained = (
  refusals: ReadonlyMap<string, number>,
  torn: number
): ReadonlyArray<string> =>
  torn > 0 ? [] : ["IndexInvalid", "LayoutInvalid"].flatMap((refusal) => {
    const times = refusals.get(refusal) ?? 0
    return times === 0 ? [] : [`${refusal} was told ${times} times, though nothing was left torn`]
  })
