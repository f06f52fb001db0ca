/**
 * What history and garbage collection cost, each beside what it is measured against in the same run: figures are ratios,
 * since no two machines, and no two moments of one, are alike. `npm run bench:history`.
 */
import { Effect, type Scope, Stream } from "effect"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { hasher } from "../../src/node/files/hasher.ts"
import { type Durability } from "../../src/node/files/layoutFiles.ts"
import { type FileHandle, type LayoutFs } from "../../src/node/fs/LayoutFs.ts"
import { nodeFs } from "../../src/node/fs/nodeFs.ts"
import { openStores } from "../../src/node/stores.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../src/ops/makeRegistry.ts"

const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
const manifestType = "application/vnd.oci.image.manifest.v1+json"

/** The same file system, but what is written to a journal is thrown away. */
const withoutJournal: LayoutFs = {
  ...nodeFs,
  openHandle: (path, flags, mode) => Effect.map(nodeFs.openHandle(path, flags, mode), (handle) => muted(path, handle)),
  syncDirectory: (path) => path.endsWith(join("journal", "2")) ? Effect.void : nodeFs.syncDirectory(path)
}

const muted = (path: string, handle: FileHandle): FileHandle =>
  path.endsWith("current.ndjson") ? { ...handle, write: () => Effect.void, dataSync: Effect.void } : handle

const opened = (fs: LayoutFs, directory: string, durability: Durability = "none") =>
  Effect.map(openStores(fs, { directory, durability }, undefined), (stores) => sharedRegistry(stores, hasher))

const pushImage = Effect.fnUntraced(function*(registry: LayoutRegistry, number: number, tags: ReadonlyArray<string>) {
  const config = yield* registry.pushBlob("app", Stream.succeed(bytesOf({ number })))
  const layer = yield* registry.pushBlob("app", Stream.succeed(bytesOf({ layer: number % 50 })))
  const manifest = { schemaVersion: 2, config: config.descriptor, layers: [layer.descriptor] }
  return yield* registry.pushManifest("app", bytesOf(manifest), manifestType, { tags })
})

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const started = performance.now()
    const value = yield* effect
    return [performance.now() - started, value] as const
  })

const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

/** Reads everything below a folder, as plainly as can be: what any answer that walks the tree has to do at least. */
const readAll = (folder: string): number => {
  let bytes = 0
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += readFileSync(join(entry.parentPath, entry.name)).length
  }
  return bytes
}

const say = (what: string, ratio: number, of: string): void =>
  console.log(`${what.padEnd(62)} ${ratio.toFixed(2).padStart(8)} × ${of}`)

const commitCost = Effect.fnUntraced(function*(root: string, durability: Durability) {
  const with_ = yield* opened(nodeFs, join(root, `journal-${durability}`), durability)
  const without = yield* opened(withoutJournal, join(root, `no-journal-${durability}`), durability)
  const times: { readonly on: Array<number>; readonly off: Array<number> } = { on: [], off: [] }
  const digests = new Map<LayoutRegistry, ReadonlyArray<string>>()
  for (const registry of [with_, without]) {
    const pushed = yield* Effect.forEach([1, 2], (number) => pushImage(registry, number, [`v${number}`]))
    digests.set(registry, pushed.map(({ descriptor }) => descriptor.digest))
  }
  for (let round = 0; round < 12; round++) {
    for (const [registry, list] of [[with_, times.on], [without, times.off]] as const) {
      const digest = digests.get(registry)?.[round % 2] ?? ""
      const moves = Effect.forEach(
        Array.from({ length: 25 }),
        (_, at) => registry.tagManifest("app", digest, [`t${round}-${at}`]),
        { discard: true }
      )
      const [time] = yield* timed(moves)
      list.push(time)
    }
  }
  say(`a commit, durability ${durability}`, median(times.on) / median(times.off), "the same without a journal")
})

const historyCost = Effect.fnUntraced(function*(root: string, commits: number) {
  const directory = join(root, "history")
  const registry = yield* opened(nodeFs, directory)
  const digests = yield* Effect.forEach(
    [1, 2],
    (number) => Effect.map(pushImage(registry, number, [`t${number}`]), ({ descriptor }) => descriptor.digest)
  )
  const rounds = Array.from({ length: Math.ceil(commits / 500) }, (_, round) => round)
  yield* Effect.forEach(rounds, (round) =>
    Effect.forEach(
      Array.from({ length: 500 }, (_, at) => at),
      (at) => registry.tagManifest("app", digests[round % 2] ?? "", [`t${at}`]),
      { concurrency: 500, discard: true }
    ), { discard: true })
  const fresh = yield* opened(nodeFs, directory)
  const journal = join(directory, ".ocilayout", "journal", "2")
  const [plain] = yield* timed(Effect.sync(() => readAll(journal)))
  const of = `reading the journal of ${commits} commits`
  const [open] = yield* timed(fresh.resolveTag("app", "t7"))
  say("opening the layout and resolving a tag", open / plain, of)
  const query = { repository: "app", tag: "t7" }
  const [recent] = yield* timed(Stream.runCollect(fresh.history({ ...query, limit: 20 })))
  say("the last 20 changes of one tag", recent / plain, of)
  const [whole, all] = yield* timed(Stream.runCollect(fresh.history(query)))
  say(`all ${all.length} changes of one tag`, whole / plain, of)
  const [then] = yield* timed(fresh.at({ revision: Math.floor(commits / 2) }).resolveTag("app", "t7"))
  say("a tag as it was half of the commits ago", then / plain, of)
})

const garbageCost = Effect.fnUntraced(function*(root: string, manifests: number) {
  const directory = join(root, "garbage")
  const registry = yield* opened(nodeFs, directory)
  const numbers = Array.from({ length: manifests }, (_, number) => number)
  yield* Effect.forEach(numbers, (number) => pushImage(registry, number, [`v${number}`]), {
    concurrency: 64,
    discard: true
  })
  const fresh = yield* opened(nodeFs, directory)
  const [plain] = yield* timed(Effect.sync(() => readAll(join(directory, "blobs"))))
  const [first, { items }] = yield* timed(fresh.planGarbage({ keep: false }))
  const of = `reading ${items.length} blobs`
  say(`a plan of what is garbage, ${manifests} manifests`, first / plain, of)
  const [again] = yield* timed(fresh.planGarbage({ keep: false }))
  say("the same again", again / plain, of)
})

const main = Effect.fnUntraced(function*(root: string): Effect.fn.Return<void, unknown, Scope.Scope> {
  yield* commitCost(root, "power")
  yield* commitCost(root, "none")
  yield* historyCost(root, Number(process.argv[2] ?? 100_000))
  yield* garbageCost(root, Number(process.argv[3] ?? 10_000))
})

const root = mkdtempSync(join(tmpdir(), "ocilayout-bench-"))
try {
  await Effect.runPromise(Effect.scoped(main(root)))
} finally {
  rmSync(root, { recursive: true })
}
