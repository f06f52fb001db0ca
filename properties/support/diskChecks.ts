/** What has to be true of the folder of a layout that was written to, whatever the registry says. */
import { assert } from "@effect/vitest"
import { Effect, type Schema } from "effect"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { canonical } from "../../src/layout/canonical.ts"
import { replay } from "../../src/layout/evolve.ts"
import { empty } from "../../src/layout/State.ts"
import { layoutFiles } from "../../src/node/files/layoutFiles.ts"
import { nodeFs } from "../../src/node/fs/nodeFs.ts"
import { committed, generationText } from "../../src/node/journal/journalRecord.ts"
import { digestOf } from "./contents.ts"
import { wholeJournal } from "./journal.ts"
import { entriesOf, type Layout, listedIn } from "./model.ts"

interface Index {
  readonly schemaVersion: number
  readonly manifests: ReadonlyArray<
    Schema.JsonObject & {
      readonly digest: string
      readonly annotations?: Readonly<Record<string, string>>
    }
  >
  readonly annotations?: Readonly<Record<string, string>>
}

const sorted = (texts: Iterable<string>): ReadonlyArray<string> => Array.from(texts).toSorted()

/**
 * Compares a layout's folder with what the model says is in it.
 *
 * @param own the repository whose names are bare tags
 */
export const checkFolder = async (folder: string, layout: Layout, own = ""): Promise<void> => {
  const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as Index
  assert.deepStrictEqual(JSON.parse(readFileSync(join(folder, "oci-layout"), "utf8")), { imageLayoutVersion: "1.0.0" })
  assert.strictEqual(index.schemaVersion, 2)
  assert.deepStrictEqual(
    sorted(
      index.manifests.map(({ annotations, digest }) =>
        `${annotations?.["org.opencontainers.image.ref.name"] ?? ""} ${digest}`
      )
    ),
    sorted(
      entriesOf(layout).map(({ digest, refName, repository }) => {
        const written = refName.includes("@") ? "" : refName.slice(own.length + 1)
        return `${repository === own ? written : refName} ${digest}`
      })
    ),
    "the entries of index.json"
  )
  await checkJournal(folder, index, layout.commits.length)
  assert.deepStrictEqual(blobsIn(folder), sorted(listedIn(layout)), "the blobs")
  assert.deepStrictEqual(inFolder(join(folder, ".ocilayout", "tmp")), [], "what is unfinished")
}

/** The journal alone tells how the index came to be, in as many commits as there were. */
const checkJournal = async (folder: string, index: Index, revision: number): Promise<void> => {
  const files = layoutFiles(nodeFs, folder, { durability: "none", symlinks: "refuse" })
  const lines = await Effect.runPromise(
    wholeJournal(files, existsSync(files.journal) ? readFileSync(files.journal, "utf8") : "")
  )
  const groups = committed(lines)
  const commits = groups.flatMap(({ commits }) => commits)
  assert.deepStrictEqual(
    commits.map(({ revision }) => revision),
    Array.from({ length: revision }, (_, at) => at + 1),
    "the revisions"
  )
  const state = replay(empty(), commits.flatMap(({ events }) => events))
  assert.deepStrictEqual(
    sorted(state.entries.map(({ value }) => canonical(value))),
    sorted(index.manifests.map(canonical)),
    "what the journal leads to"
  )
  const last = groups.at(-1)
  assert.strictEqual(
    index.annotations?.["dev.ocilayout.generation"],
    last === undefined ? undefined : generationText(last),
    "the generation"
  )
}

/** The digests of the blobs, each of which is the digest of its content. */
const blobsIn = (folder: string): ReadonlyArray<string> =>
  sorted(
    (["sha256", "sha512"] as const).flatMap((algorithm) =>
      inFolder(join(folder, "blobs", algorithm)).map((name) => {
        const digest = digestOf(readFileSync(join(folder, "blobs", algorithm, name)), algorithm)
        assert.strictEqual(`${algorithm}:${name}`, digest, "a blob's name")
        return digest
      })
    )
  )

const inFolder = (folder: string): ReadonlyArray<string> => existsSync(folder) ? readdirSync(folder) : []
