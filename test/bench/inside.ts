/**
 * What looking inside images costs, side by side with what people use today: `npm run bench:inside`, or with `-- --quick` on
 * small images, to see whether it runs. Each turn times every side once; a figure is the median of the turns. `tar`, `zstd`,
 * `sha256sum`, `regctl` and `umoci` are skipped where they are not installed, GNU `time` tells processor time and memory
 * where it is.
 */
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { diffImages } from "../../src/image/inside/diffImages.ts"
import { findFiles, listFiles } from "../../src/image/inside/listFiles.ts"
import { makeInside } from "../../src/image/inside/openImage.ts"
import { readPath } from "../../src/image/inside/readPath.ts"
import { whichLayers } from "../../src/image/inside/whichLayers.ts"
import { layerCodec, makeDisk } from "../../src/node/index.ts"
import { collectBytes } from "../../src/ops/manifests/collectBytes.ts"
import { type Cost, costOf, hasCommand, median } from "./inside/cost.ts"
import { fileName, makeImage, type Sample } from "./inside/samples.ts"

const isQuick = process.argv.includes("--quick")
const turns = isQuick ? 1 : 5
const ours = fileURLToPath(new URL("../../dist/bin/ocilayout.js", import.meta.url))
const scratch = fs.mkdtempSync(join(tmpdir(), "ocilayout-bench-"))

interface Side {
  readonly name: string
  readonly command: string
  /** What each turn begins without. */
  readonly without?: string
}

const shell = (path: string): string => `'${path}'`

const firstLook = (sample: Sample): ReadonlyArray<Side> => {
  const { blob, compression, files, layout } = sample
  const bundle = join(scratch, "bundle")
  const middle = fileName(Math.floor(files / 2))
  const sides: ReadonlyArray<Side & { readonly needs: ReadonlyArray<string> }> = [
    {
      name: "ocilayout find",
      command: `${shell(process.execPath)} ${shell(ours)} find ${shell(`${layout}:v1`)} --name nothing`,
      needs: []
    },
    compression === "gzip"
      ? { name: "tar -tzf", command: `tar -tzf ${shell(blob)}`, needs: ["tar"] }
      : { name: "zstd -dc | tar -t", command: `zstd -dcq ${shell(blob)} | tar -t`, needs: ["tar", "zstd"] },
    ...(compression === "gzip" ? [] : [
      { name: "zstd -dc | sha256sum", command: `zstd -dcq ${shell(blob)} | sha256sum`, needs: ["zstd", "sha256sum"] }
    ]),
    {
      name: "regctl image get-file",
      command: `regctl image get-file ${shell(`ocidir://${layout}:v1`)} ${middle}`,
      needs: ["regctl"]
    },
    // This one reads no zstd.
    ...(compression === "zstd" ? [] : [{
      name: "umoci unpack",
      command: `umoci unpack --rootless --image ${shell(`${layout}:v1`)} ${shell(bundle)}`,
      needs: ["umoci"],
      without: bundle
    }])
  ]
  return sides.filter(({ needs }) => needs.every(hasCommand))
}

const print = (title: string, sides: ReadonlyArray<{ readonly name: string; readonly costs: ReadonlyArray<Cost> }>) => {
  console.log(`\n${title}`)
  const of = (costs: ReadonlyArray<Cost>, field: keyof Cost) => median(costs.map((cost) => cost[field]))
  const [first] = sides
  for (const { costs, name } of sides) {
    const ratio = (field: keyof Cost) => (of(first?.costs ?? [], field) / of(costs, field)).toFixed(2)
    console.log(
      `  ${name.padEnd(24)} ${of(costs, "seconds").toFixed(2)} s, ${
        of(costs, "cpuSeconds").toFixed(2)
      } s of processor, ` +
        `${of(costs, "mebibytes").toFixed(0)} MiB; ours: ${ratio("seconds")}× the time, ${
          ratio("cpuSeconds")
        }× the processor`
    )
  }
}

const measureFirstLook = (sample: Sample): void => {
  const sides = firstLook(sample).map((side) => ({ ...side, costs: new Array<Cost>() }))
  for (let turn = 0; turn < turns; turn++) {
    for (const { command, costs, name, without } of turn % 2 === 0 ? sides : sides.toReversed()) {
      // One slow rival once is enough.
      if (name.startsWith("umoci") && costs.length > 0) continue
      if (without !== undefined) fs.rmSync(without, { recursive: true, force: true })
      costs.push(costOf(command))
    }
  }
  print(`first look at ${sample.name}, ${sample.compression}`, sides)
}

const timed = Effect.fnUntraced(function*<A, E, R>(run: Effect.Effect<A, E, R>) {
  const times: Array<number> = []
  for (let time = 0; time < 3 * turns + 2; time++) {
    const began = performance.now()
    yield* run
    if (time >= 2) times.push(performance.now() - began)
  }
  return `${median(times).toFixed(1)} ms`
})

/** In a warm process, with the layer cache of a layout that is ours. */
const measureLater = (sample: Sample) =>
  Effect.scoped(Effect.gen(function*() {
    const registry = yield* makeDisk({ directory: sample.layout, defaultRepository: "app" })
    const inside = makeInside(layerCodec)
    const [a, b] = [
      yield* inside.open({ registry, repository: "app", reference: "v1" }),
      yield* inside.open({ registry, repository: "app", reference: "v2" })
    ]
    const middle = fileName(Math.floor(sample.files / 2))
    const later: Readonly<Record<string, Effect.Effect<unknown, unknown>>> = {
      ls: listFiles(a, "/usr/share", { recursive: false, limit: 1000 }),
      "find by name": findFiles(a, "/", { name: "nothing" }, { limit: 10 }),
      "find by size": findFiles(a, "/", { larger: 1e9 }, { limit: 10 }),
      which: whichLayers(a, middle),
      "which, of two layers": whichLayers(b, middle),
      diff: Effect.sync(() => Array.from(diffImages(a, b, { times: false }))),
      "cat of the middle": Effect.scoped(
        Effect.flatMap(readPath(a, middle), ({ content }) => collectBytes(content, () => Effect.void))
      )
    }
    console.log(`\nlater, ${sample.name}, ${sample.compression}, in a warm process`)
    for (const [name, run] of Object.entries(later)) console.log(`  ${name.padEnd(24)} ${yield* timed(run)}`)
  }))

/** As commands, of which each begins anew, with the layer cache; `regctl` keeps nothing. */
const measureCommands = ({ compression, files, layout, name }: Sample): void => {
  const middle = fileName(Math.floor(files / 2))
  const image = shell(`${layout}:v1`)
  const own = (args: string): string => `${shell(process.execPath)} ${shell(ours)} ${args}`
  const commands: ReadonlyArray<Side> = [
    { name: "cat of the middle", command: own(`cat ${image} ${middle}`) },
    ...(hasCommand("regctl")
      ? [{
        name: "regctl image get-file",
        command: `regctl image get-file ${shell(`ocidir://${layout}:v1`)} ${middle}`
      }]
      : []),
    { name: "files", command: own(`files ${image} usr/share`) },
    { name: "find", command: own(`find ${image} --name nothing`) },
    { name: "which", command: own(`which ${image} ${middle}`) },
    { name: "diff", command: own(`diff ${image} ${shell(`${layout}:v2`)}`) }
  ]
  const sides = commands.map((side) => ({ ...side, costs: new Array<Cost>() }))
  for (let turn = 0; turn < turns; turn++) {
    for (const { command, costs } of turn % 2 === 0 ? sides : sides.toReversed()) costs.push(costOf(command))
  }
  print(`later, ${name}, ${compression}, as commands beside the cat`, sides)
}

if (!fs.existsSync(ours)) throw new Error("npm run build makes what is measured")
try {
  const samples = [
    makeImage(join(scratch, "many"), { name: "many small files", files: isQuick ? 1000 : 100_000, bytes: 400 }),
    makeImage(join(scratch, "large"), { name: "few large files", files: isQuick ? 20 : 200, bytes: 5_300_000 })
  ].flat()
  for (const sample of samples) {
    measureFirstLook(sample)
    fs.mkdirSync(join(sample.layout, ".ocilayout"), { recursive: true })
    await Effect.runPromise(measureLater(sample))
    measureCommands(sample)
  }
  spawnSync("sync")
} finally {
  fs.rmSync(scratch, { recursive: true, force: true })
}
