/** A registry answers as the model does, whatever is asked of it and wherever it keeps what it has. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import fc from "fast-check"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as memory from "../../src/memory/index.ts"
import * as node from "../../src/node/index.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { drawn } from "../support/arbitraries.ts"
import { agree, type Answers, furniture, type Sides, Step, sweep } from "../support/commands.ts"
import { checkFolder } from "../support/diskChecks.ts"
import { Model } from "../support/model.ts"
import type { Real } from "../support/perform.ts"
import { isWhole, runs } from "../support/share.ts"
import { localSide, type OtherProcess, otherProcess } from "../support/Side.ts"

interface Kind {
  readonly name: string
  readonly shared: boolean
  readonly runs: number
  readonly open: (directory: string) => Effect.Effect<LayoutRegistry, unknown, Scope.Scope>
  /** Whether the folder is checked at the end besides the answers. */
  readonly onDisk: boolean
  /** Who else has opened the same directory, and is asked now and then instead. */
  readonly other?: "store" | "process"
}

/** Segments of a few commits, so that histories go through many. */
const options = { durability: "none", history: { segmentBytes: 3000, segmentIndexes: 0 } } as const
const kinds: ReadonlyArray<Kind> = [
  { name: "one layout in memory", shared: true, runs, open: () => memory.makeMemory(), onDisk: false },
  {
    name: "a tree of layouts in memory",
    shared: false,
    runs,
    open: () => memory.makeMemoryTree,
    onDisk: false
  },
  {
    name: "one layout on disk",
    shared: true,
    runs: Math.ceil(runs / 4),
    open: (directory) => node.makeDisk({ directory, ...options }),
    onDisk: true
  },
  {
    name: "a tree of layouts on disk",
    shared: false,
    runs: Math.ceil(runs / 4),
    open: (directory) => node.makeDiskTree({ directory, ...options }),
    onDisk: true
  }
]

const shared: ReadonlyArray<Kind> = (["store", "process"] as const).flatMap((other) =>
  kinds.filter(({ onDisk }) => onDisk).map((kind) => ({
    ...kind,
    name: `${kind.name} that another ${other} works on as well`,
    runs: Math.ceil(runs / 4),
    other
  }))
)

/** Opens a registry, and all that share its directory, for as long as `use` takes. */
const withSides = async (
  { open, other, shared }: Kind,
  directory: string,
  { companion, sessions }: { readonly companion: OtherProcess | undefined; readonly sessions: Real["sessions"] },
  use: (sides: Sides) => Promise<void>
): Promise<void> => {
  const scope = Effect.runSync(Scope.make())
  const opened = () => Effect.runPromise(Effect.provideService(open(directory), Scope.Scope, scope))
  try {
    const side = localSide(await opened(), sessions)
    await companion?.open(directory, shared)
    const others = companion === undefined ? other === "store" ? [localSide(await opened())] : [] : [companion]
    await use([side, ...others])
  } finally {
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

const withDirectory = async (use: (directory: string) => Promise<void>): Promise<void> => {
  const directory = mkdtempSync(join(tmpdir(), "ocilayout-model-"))
  try {
    await use(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** What every property claims to have met: each operation carried out, and each of these errors from any of them. */
const operations = new Set(
  [
    "append batch blobPath cancel check commit deleteBlob deleteManifest deleteTag describe expandDigest findUpload",
    "forecast getBlob getBlobRange getManifest getNamed getTag history mountBlob pushBlob pushBlobChunked",
    "pushBlobChunkedResume pushManifest referrers repositories resolveBlob resolveManifest resolveName resolveTag",
    "restore revert tagManifest tagThen tags tagsOf unnamed uploads usage"
  ].flatMap((line) => line.split(" "))
)
const errors = [
  "AlgorithmUnsupported BlobUnknown BlobUploadUnknown Broken Conflict DigestInvalid ManifestBlobUnknown",
  "ManifestInvalid ManifestTooLarge ManifestUnknown MediaTypeUnsupported NameInvalid NameUnknown RangeInvalid",
  "Referenced RevisionUnknown SizeInvalid TagExists TagInvalid Unsupported"
].flatMap((line) => line.split(" "))

/** What only many runs are sure to meet: the refusals of each operation. */
const refusals = Object.entries({
  append: "BlobUploadUnknown Broken RangeInvalid",
  batch: "Conflict DigestInvalid ManifestBlobUnknown ManifestInvalid ManifestTooLarge ManifestUnknown TagExists",
  commit: "BlobUploadUnknown DigestInvalid SizeInvalid",
  deleteBlob: "BlobUnknown Referenced",
  deleteManifest: "ManifestUnknown Referenced",
  deleteTag: "Conflict ManifestUnknown",
  describe: "ManifestUnknown",
  findUpload: "BlobUploadUnknown",
  forecast: "BlobUnknown ManifestUnknown",
  getBlob: "BlobUnknown",
  getBlobRange: "BlobUnknown RangeInvalid",
  getManifest: "ManifestUnknown NameUnknown",
  getNamed: "ManifestUnknown",
  getTag: "ManifestUnknown NameUnknown",
  mountBlob: "BlobUnknown",
  pushBlob: "Broken DigestInvalid SizeInvalid",
  pushBlobChunkedResume: "BlobUploadUnknown RangeInvalid",
  pushManifest:
    "Conflict DigestInvalid ManifestBlobUnknown ManifestInvalid ManifestTooLarge MediaTypeUnsupported TagExists",
  resolveBlob: "BlobUnknown",
  resolveManifest: "ManifestUnknown NameUnknown",
  resolveName: "ManifestUnknown",
  resolveTag: "ManifestUnknown NameUnknown",
  restore: "RevisionUnknown",
  revert: "Conflict RevisionUnknown Unsupported",
  tagManifest: "Conflict ManifestUnknown TagExists",
  tagThen: "ManifestUnknown NameUnknown RevisionUnknown",
  tags: "NameUnknown"
}).flatMap(([operation, tags]) => tags.split(" ").map((tag) => `${operation} ${tag}`))

const claims = ({ onDisk, shared }: Kind, answers: Answers): void => {
  const answered = Array.from(answers)
  const met = new Set(answered.flatMap((answer) => [answer, answer.split(" ")[1]]))
  const expected = [...Array.from(operations, (operation) => `${operation} ok`), ...errors]
  const unmet = expected.filter((one) => !met.has(one))
  assert.deepStrictEqual(unmet, [], "operations that never succeeded, and failures that never came")
  if (!shared) assert.include(answered, "batch Unsupported")
  if (!onDisk) assert.includeMembers(answered, refusals)
}

describe.each([...kinds, ...shared])("$name", (kind) => {
  const companion = kind.other === "process" ? otherProcess() : undefined
  afterAll(() => companion?.end())

  it("answers as the model does, all operations and errors included", async () => {
    const answers: Answers = new Set()
    const step = fc.tuple(drawn, fc.nat({ max: 1 })).map(([drawn, turn]) => new Step(drawn, turn, answers))
    const commands = fc.commands([step], { maxCommands: 250, size: "max" })
    const furnished = fc.constantFrom("nothing", "blobs", "manifests", "manifests")

    const property = fc.asyncProperty(
      furnished,
      fc.noBias(commands),
      (furnished, steps) =>
        withDirectory(async (directory) => {
          const model = new Model(kind.shared)
          const sessions: Real["sessions"] = []
          await withSides(kind, directory, { companion, sessions }, async (sides) => {
            if (furnished !== "nothing") { for (const ask of furniture.blobs) await agree(model, sides, ask) }
            if (furnished === "manifests") { for (const ask of furniture.manifests) await agree(model, sides, ask) }
            await fc.asyncModelRun(() => ({ model, real: sides }), steps)
            for (const turn of sides.keys()) for (const ask of sweep) await agree(model, sides, ask, turn)
          })
          if (!kind.onDisk) return
          for (const [folder, layout] of model.folders) await checkFolder(join(directory, folder), layout, folder)
          // A process that opens it anew finds what was left.
          const { other: _other, ...alone } = kind
          await withSides(alone, directory, { companion: undefined, sessions }, async (sides) => {
            for (const ask of sweep) await agree(model, sides, ask)
          })
        })
    )
    await fc.assert(property, { numRuns: kind.runs })

    if (isWhole) claims(kind, answers)
  })
})
