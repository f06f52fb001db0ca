/**
 * What a verification costs: links over 10,000 manifests, and content against `sha256sum` of the same files.
 *
 * `npm run bench:verify`, or with so many GiB of content. Everything is read from the page cache, and each figure is the
 * best of several, in turns, since other work on the machine can only make them worse.
 */
import { Effect, Stream } from "effect"
import { execFileSync } from "node:child_process"
import { randomFillSync } from "node:crypto"
import * as fs from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { makeDisk } from "../../src/node/index.ts"
import type { VerifyOptions } from "../../src/ops/api/Maintenance.ts"
import { image, pushBlob } from "../support/images.ts"

const gibibyte = 1024 ** 3
const manifests = 10_000
const turns = 5

/** The command that everybody checks files with. */
const rival = "sha256sum"

const folder = fs.mkdtempSync(join(tmpdir(), "ocilayout-bench-"))

interface Cost {
  readonly seconds: number
  /** Of this process and its threads. */
  readonly cpuSeconds: number
}

const cost = async (run: () => Promise<unknown> | void): Promise<Cost> => {
  const began = performance.now()
  const cpu = process.cpuUsage()
  await run()
  const { system, user } = process.cpuUsage(cpu)
  return { seconds: (performance.now() - began) / 1000, cpuSeconds: (system + user) / 1e6 }
}

const best = (costs: ReadonlyArray<Cost>): Cost =>
  costs.toSorted((a, b) => a.seconds - b.seconds)[0] ?? { seconds: 0, cpuSeconds: 0 }

/** A new opening each time: nothing is known of the layout beforehand. */
const verify = (directory: string, options: VerifyOptions): Promise<void> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const registry = yield* makeDisk({ directory })
    const wrong = Stream.filter(
      registry.verify(options),
      (step) => step._tag === "Found" && step.finding.severity === "error"
    )
    const first = yield* Stream.runHead(wrong)
    if (first._tag === "Some") return yield* Effect.die(new Error(JSON.stringify(first.value)))
  })))

const links = async (): Promise<void> => {
  const directory = join(folder, "links")
  await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const registry = yield* makeDisk({ directory, durability: "none" })
    yield* Effect.forEach(Array.from({ length: manifests }, (_, place) => place), (place) =>
      Effect.gen(function*() {
        const { config, layers, ...manifest } = image(`image ${place}`)
        for (const blob of [config, ...layers]) yield* pushBlob(registry, "app", blob)
        yield* registry.pushManifest("app", manifest.bytes, manifest.descriptor.mediaType, { tags: [`v${place}`] })
      }), { concurrency: 64, discard: true })
  })))
  const costs: Array<Cost> = []
  for (let turn = 0; turn < turns; turn++) costs.push(await cost(() => verify(directory, { level: "links" })))
  const { cpuSeconds, seconds } = best(costs)
  const each = seconds / manifests * 1e6
  console.log(`links over ${manifests} manifests and ${2 * manifests} blobs: ${seconds.toFixed(2)} s`)
  console.log(`  ${each.toFixed(0)} microseconds a manifest; ${cpuSeconds.toFixed(2)} s of processor time`)
}

/** Eight blobs of random bytes, and one image that needs them. */
const content = async (bytes: number): Promise<void> => {
  const directory = join(folder, "content")
  const piece = new Uint8Array(1024 * 1024)
  await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const registry = yield* makeDisk({ directory, durability: "none" })
    for (let blob = 0; blob < 8; blob++) {
      const pieces = Stream.map(Stream.range(1, bytes / 8 / piece.length), () => randomFillSync(piece))
      yield* registry.pushBlob("app", pieces)
    }
  })))
  const blobs = join(directory, "blobs/sha256")
  const files = fs.readdirSync(blobs).map((name) => join(blobs, name))
  const processors = String(availableParallelism())
  const rivals = {
    "ocilayout verify": () => verify(directory, { level: "content" }),
    [`${rival}, one process`]: () => void execFileSync(rival, files),
    [`${rival}, ${processors} processes`]: () =>
      void execFileSync("xargs", ["-P", processors, "-n", "1", rival], { input: files.join("\n") })
  }
  const costs = new Map(Object.keys(rivals).map((name) => [name, new Array<Cost>()]))
  for (let turn = 0; turn < turns; turn++) {
    for (const [name, run] of Object.entries(rivals)) costs.get(name)?.push(await cost(run))
  }
  const own = best(costs.get("ocilayout verify") ?? [])
  console.log(`content of ${(bytes / gibibyte).toFixed(1)} GiB:`)
  for (const [name, all] of costs) {
    const { seconds } = best(all)
    const ratio = seconds / own.seconds
    console.log(
      `  ${name}: ${(bytes / gibibyte / seconds).toFixed(2)} GiB/s; verify is ${ratio.toFixed(2)} times as fast`
    )
  }
  console.log(
    `  verify takes ${own.cpuSeconds.toFixed(2)} s of processor time, ${
      (bytes / gibibyte / own.cpuSeconds).toFixed(2)
    } GiB for each second of it`
  )
}

try {
  await content(Number(process.argv[2] ?? 2) * gibibyte)
  await links()
} finally {
  fs.rmSync(folder, { recursive: true })
}
