/** A layout on the disk: our stores over it, another tool's hand in it, and a look at what lies there. */
import { Effect, Result, type Schema, type Scope } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { EntryAdded, type Event } from "../../src/layout/Event.ts"
import type { State } from "../../src/layout/State.ts"
import { type LayoutFiles, layoutFiles } from "../../src/node/files/layoutFiles.ts"
import { type LayoutOptions, openStores } from "../../src/node/stores.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { Committed, LayoutStore } from "../../src/ops/ports/LayoutStore.ts"
import type { Stores } from "../../src/ops/ports/Stores.ts"
import { repository } from "./entries.ts"
import { temporaryFolder } from "./folders.ts"
import { type WatchedFs, watchedFs } from "./watchedFs.ts"

export interface Disk extends WatchedFs {
  readonly root: string
  readonly files: LayoutFiles
  /** Another opening of the layout, as another process would have. */
  readonly open: (
    options?: Partial<LayoutOptions>,
    defaultRepository?: string
  ) => Effect.Effect<Stores, never, Scope.Scope>
  readonly path: (...names: ReadonlyArray<string>) => string
  readonly read: (...names: ReadonlyArray<string>) => string
  /** Writes in place, as most tools do. */
  readonly write: (name: string, content: string | Uint8Array) => void
  /** The `manifests` of index.json. */
  readonly entries: () => ReadonlyArray<Schema.Json>
  /** Puts these entries in the place of those of index.json, in place and keeping the rest, as other tools do. */
  readonly foreign: (...entries: ReadonlyArray<Schema.Json>) => void
  /** The records of the journal. */
  readonly journal: () => ReadonlyArray<JournalRecord>
}

export interface JournalRecord {
  readonly _tag: "Group" | "Abort"
  readonly journal: string
  readonly seq: number
  readonly id?: string
  readonly prev: string
  readonly before?: string
  readonly after: string
  readonly aborts?: number
  readonly revision?: number
  readonly commits?: ReadonlyArray<{
    readonly revision: number
    readonly actor: string
    readonly events: ReadonlyArray<{ readonly _tag: string; readonly value?: Schema.Json }>
  }>
}

export const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex")

const parse = (text: string): unknown => JSON.parse(text)

/** A folder for a layout that does not exist yet, with everything that is done in it told. */
export const newDisk: Effect.Effect<Disk, never, Scope.Scope> = Effect.map(temporaryFolder, (folder) => {
  const root = join(folder, "layout")
  const watched = watchedFs(root)
  const path = (...names: ReadonlyArray<string>): string => join(root, ...names)
  const read = (...names: ReadonlyArray<string>): string => fs.readFileSync(path(...names), "utf8")
  const write = (name: string, content: string | Uint8Array): void => {
    fs.mkdirSync(dirname(path(name)), { recursive: true })
    fs.writeFileSync(path(name), content)
  }
  const index = () => parse(read("index.json")) as { readonly manifests: ReadonlyArray<Schema.Json> }
  return {
    ...watched,
    root,
    files: layoutFiles(watched.fs, root, { durability: "power", symlinks: "refuse" }),
    open: (options, defaultRepository) =>
      openStores(
        watched.fs,
        { directory: root, ...options },
        defaultRepository === undefined ? undefined : repository(defaultRepository)
      ),
    path,
    read,
    write,
    entries: () => index().manifests,
    foreign: (...manifests) => write("index.json", JSON.stringify({ ...index(), manifests })),
    journal: () =>
      read(".ocilayout", "journal", "2", "current.ndjson").split("\n").slice(0, -1)
        .map((line) => (parse(line) as { readonly e: JournalRecord }).e)
  }
})

/** A layout as another tool makes it: an index with these entries, and nothing of ours. */
export const plainLayout = (disk: Disk, entries: ReadonlyArray<Schema.Json> = [], indentation?: number): void => {
  disk.write("oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" }))
  disk.write("index.json", JSON.stringify({ schemaVersion: 2, manifests: entries }, undefined, indentation))
}

export const decideTo = (
  layout: LayoutStore,
  ...events: ReadonlyArray<Event>
): Effect.Effect<Committed, RegistryError> =>
  layout.transact({ evidence: () => Effect.void, decide: () => Result.succeed(events) })

/** Commits these entries as added, all in one. */
export const add = (layout: LayoutStore, ...values: ReadonlyArray<Schema.Json>) =>
  decideTo(layout, ...values.map((value) => new EntryAdded({ value })))

export const valuesIn = (layout: LayoutStore): Effect.Effect<ReadonlyArray<Schema.Json>, RegistryError> =>
  Effect.map(layout.snapshot, ({ entries }: State) => entries.map(({ value }) => value))
