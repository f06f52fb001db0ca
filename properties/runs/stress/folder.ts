/** What lies in the folder of a layout after everybody is gone, read the plain way, and what is wrong with it. */
import { Effect, type Schema } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { canonical } from "../../../src/layout/canonical.ts"
import type { Commit } from "../../../src/layout/Commit.ts"
import { replay } from "../../../src/layout/evolve.ts"
import { empty, type State } from "../../../src/layout/State.ts"
import { layoutFiles } from "../../../src/node/files/layoutFiles.ts"
import { nodeFs } from "../../../src/node/fs/nodeFs.ts"
import { readSegment } from "../../../src/node/journal/journalFile.ts"
import { sha256 } from "../../../src/node/journal/journalRecord.ts"
import { committed } from "../../../src/node/journal/journalRecord.ts"
import { readLines } from "../../../src/node/journal/journalSegments.ts"
import { digestOf } from "../../support/contents.ts"
import { repositories } from "./Plan.ts"

export interface Found {
  readonly blobs: ReadonlySet<string>
  /** Repository and digest of every entry. */
  readonly entries: ReadonlySet<string>
  /** By revision, what each commit did, as text. */
  readonly commits: ReadonlyMap<number, string>
  /** The tags of each repository, joined, after each revision, the one before the first included. */
  readonly listings: ReadonlyMap<string, ReadonlyArray<string>>
  readonly violations: ReadonlyArray<string>
}

/** What the history says, and what is wrong with it. */
export interface Commits {
  readonly commits: ReadonlyArray<Commit>
  readonly violations: ReadonlyArray<string>
}

interface Descriptor {
  readonly digest: string
  readonly data?: string
}

interface Manifest {
  readonly config: Descriptor
  readonly layers: ReadonlyArray<Descriptor>
}

interface Index {
  readonly manifests: ReadonlyArray<Schema.JsonObject & { readonly digest: string }>
}

const refName = "org.opencontainers.image.ref.name"

const nameOf = (entry: Schema.Json): string => {
  const { annotations = {} } = entry as { readonly annotations?: Readonly<Record<string, string>> }
  return annotations[refName] ?? ""
}

const parse = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"))

/** The commits of the journal in a folder. */
const inJournal = async (folder: string): Promise<Commits> => {
  const violations: Array<string> = []
  const claim = (holds: boolean, otherwise: string): void => {
    if (!holds) violations.push(otherwise)
  }
  const files = layoutFiles(nodeFs, folder, { durability: "none", symlinks: "refuse" })
  const lines = await Effect.runPromise(readLines(files))
  const written = readFileSync(files.journal, "utf8").split("\n").length - 1
  const { length } = await Effect.runPromise(readSegment(files, files.journal))
  claim(length === written, `only ${length} of the ${written} lines of the journal's last segment are a chain`)
  const damaged = readdirSync(join(files.own, "journal", "2")).filter((name) => name.includes("damaged"))
  claim(damaged.length === 0, `the journal was damaged: ${damaged.join(", ")}`)

  // A process that died between the journal and the index was told nothing, and the next writer says that it never happened.
  const last = lines.at(-1)?.record
  const died = last?._tag === "Group" && last.before === sha256(readFileSync(join(folder, "index.json")))
  return { commits: committed(died ? lines.slice(0, -1) : lines).flatMap(({ commits }) => commits), violations }
}

/** @param readCommits reads the history of a layout in a folder */
export const lookInto = async (
  folder: string,
  readCommits: (folder: string) => Promise<Commits> = inJournal
): Promise<Found> => {
  const violations: Array<string> = []
  const claim = (holds: boolean, otherwise: string): void => {
    if (!holds) violations.push(otherwise)
  }

  const strangers = readdirSync(folder).filter(
    (name) => !["oci-layout", "index.json", "blobs", ".ocilayout"].includes(name)
  )
  claim(strangers.length === 0, `there are strangers in the layout: ${strangers.join(", ")}`)

  const blobs = new Set<string>()
  for (const name of readdirSync(join(folder, "blobs", "sha256"))) {
    const digest = digestOf(readFileSync(join(folder, "blobs", "sha256", name)))
    claim(digest === `sha256:${name}`, `the blob sha256:${name} is ${digest}`)
    blobs.add(digest)
  }

  const { manifests } = parse(join(folder, "index.json")) as Index
  for (const { digest } of manifests) {
    if (!blobs.has(digest)) {
      claim(false, `the manifest ${digest} has an entry and no blob`)
      continue
    }
    const manifest = parse(join(folder, "blobs", ...digest.split(":"))) as Manifest
    for (const part of [manifest.config, ...manifest.layers]) {
      claim(part.data !== undefined || blobs.has(part.digest), `${digest} needs ${part.digest}, which is not there`)
    }
  }

  const history = await readCommits(folder)
  violations.push(...history.violations)
  const { commits } = history
  const gap = commits.findIndex(({ revision }, at) => revision !== at + 1)
  claim(gap === -1, `the revision ${gap + 1} is missing from the journal`)

  let state = empty()
  const listings = new Map<string, Array<string>>(repositories.map((repository) => [repository, [""]]))
  for (const { events } of commits) {
    state = replay(state, events)
    for (const [repository, all] of listings) all.push(tagsIn(state, repository))
  }
  claim(
    state.entries.map(({ value }) => canonical(value)).toSorted().join("\n") ===
      manifests.map((entry) => canonical(entry)).toSorted().join("\n"),
    "the journal leads to something else than index.json"
  )

  return {
    blobs,
    entries: new Set(manifests.map((entry) => `${nameOf(entry).split(/[:@]/u)[0]} ${entry.digest}`)),
    commits: new Map(commits.map(({ events, revision }) => [revision, JSON.stringify(events)])),
    listings,
    violations
  }
}

const tagsIn = (state: State, repository: string): string =>
  state.entries.map(({ value }) => nameOf(value))
    .filter((name) => name.startsWith(`${repository}:`) && !name.includes("@"))
    .map((name) => name.slice(repository.length + 1))
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join(" ")
