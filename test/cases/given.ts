/** Layouts as real tools and real mishaps leave them, each worked on in a copy. */
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import { makeDisk } from "../../src/node/index.ts"
import type { Finding } from "../../src/ops/api/findings.ts"
import type { GarbageOptions } from "../../src/ops/api/Garbage.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { makeOld, temporaryFolder } from "../support/folders.ts"
import { later } from "../support/later.ts"

const cases = fileURLToPath(new URL("../fixtures/cases", import.meta.url))

export const caseAt = (path: string): string => join(cases, path)

/** The layouts of the cases in a folder of them. */
export const casesBelow = (folder: string): ReadonlyArray<string> =>
  foldersIn(folder).flatMap((name) => foldersIn(join(folder, name)).map((layout) => join(folder, name, layout)))

const foldersIn = (folder: string): ReadonlyArray<string> =>
  fs.readdirSync(join(cases, folder), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : []
  )

export interface Given {
  readonly directory: string
  readonly registry: LayoutRegistry
  /** The repository of bare tags: the folder's name. */
  readonly repository: string
}

export const open = Effect.fnUntraced(function*(directory: string) {
  const repository = basename(directory)
  const registry = yield* makeDisk({ directory, defaultRepository: repository, durability: "none" })
  const given: Given = { directory, registry, repository }
  return given
})

/** A copy of a case, opened; its files are old, so that no tool seems to be writing it. */
export const given = Effect.fnUntraced(function*(path: string) {
  const directory = join(yield* temporaryFolder, basename(path))
  fs.cpSync(join(cases, path), directory, { recursive: true })
  makeOld(directory)
  return yield* open(directory)
})

/** A layout that does not exist yet, to copy into. */
export const target = Effect.flatMap(temporaryFolder, (folder) => open(join(folder, "out")))

export const short = (digest: string): string => digest.slice(0, "sha256:".length + 12)

export const blobsIn = (directory: string): ReadonlyArray<string> =>
  fs.existsSync(join(directory, "blobs", "sha256"))
    ? fs.readdirSync(join(directory, "blobs", "sha256")).map((hex) => short(`sha256:${hex}`)).toSorted()
    : []

export const entriesOf = (directory: string): ReadonlyArray<Record<string, unknown>> =>
  (JSON.parse(fs.readFileSync(join(directory, "index.json"), "utf8")) as {
    readonly manifests: ReadonlyArray<Record<string, unknown>>
  }).manifests

export const findings = ({ registry }: Given): Effect.Effect<ReadonlyArray<Finding>, unknown> =>
  Stream.runCollect(registry.verify()).pipe(
    Effect.map((steps) => steps.flatMap((step) => step._tag === "Found" ? [step.finding] : []))
  )

export const codes = (given: Given) =>
  Effect.map(findings(given), (found) => found.map(({ code, severity }) => `${severity} ${code}`).toSorted())

/** What a collection a month later would take away: blobs by their short digests, entries by their names. */
export const collected = ({ registry }: Given, options: GarbageOptions = {}) =>
  Effect.gen(function*() {
    const { items } = yield* registry.planGarbage({ undoWindow: 0, ...options, keep: false })
    return items.flatMap(({ goes, kind, name }) => goes ? [kind === "blob" ? short(name) : name] : []).toSorted()
  }).pipe(later(30 * 24 * 60 * 60 * 1000))

export const attached = ({ registry, repository }: Given, reference: string) =>
  Effect.gen(function*() {
    const digest = reference.includes(":") ? reference : (yield* registry.resolveTag(repository, reference)).digest
    const all = yield* Stream.runCollect(registry.attached(repository, digest))
    return all.filter(({ isList }) => isList !== true).map(({ by, descriptor }) => `${short(descriptor.digest)} ${by}`)
  })
