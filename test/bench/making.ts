/**
 * What building an image of a folder costs, side by side with `crane append` of a tar of it and with umoci: `npm run
 * bench:making`, or with `-- --quick` of a small folder, to see whether it runs. Each turn times every side once; a figure is
 * the median of the turns. Sides whose programs are not installed are skipped, GNU `time` tells processor time and memory.
 */
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { type Cost, costOf, hasCommand, median } from "./inside/cost.ts"

const isQuick = process.argv.includes("--quick")
const turns = isQuick ? 1 : 3
const mebibytes = isQuick ? 16 : 1024
const ours = fileURLToPath(new URL("../../dist/bin/ocilayout.js", import.meta.url))
const scratch = fs.mkdtempSync(join(tmpdir(), "ocilayout-bench-"))

/** Files of one MiB, half of whose bytes are random, in folders of 64: gzip makes about half of them. */
const fill = (folder: string): void => {
  const words = Buffer.alloc(512, "words that come again and again, as they do in text ")
  for (let at = 0; at < mebibytes; at++) {
    const inside = join(folder, `d${Math.floor(at / 64)}`)
    fs.mkdirSync(inside, { recursive: true })
    const pieces = Array.from({ length: 1024 }, () => Buffer.concat([randomBytes(512), words]))
    fs.writeFileSync(join(inside, `f${at}`), Buffer.concat(pieces))
  }
}

interface Side {
  readonly name: string
  readonly command: string
  readonly needs: ReadonlyArray<string>
}

const folder = join(scratch, "files")
const layout = join(scratch, "layout")
const build = `"${process.execPath}" "${ours}" image build "${layout}:v1" "${folder}"`

const sides: ReadonlyArray<Side> = [
  { name: "ocilayout image build", command: build, needs: [] },
  { name: "ocilayout image build --level 1", command: `${build} --level 1`, needs: [] },
  { name: "ocilayout image build --compress zstd", command: `${build} --compress zstd`, needs: [] },
  { name: "ocilayout image build --compress none", command: `${build} --compress none`, needs: [] },
  {
    name: "tar, crane append",
    command: `tar -cf "${scratch}/layer.tar" -C "${folder}" . && ` +
      `crane append -f "${scratch}/layer.tar" -t example.com/app:v1 -o "${scratch}/image.tar"`,
    needs: ["tar", "crane"]
  },
  {
    name: "umoci init, new, insert",
    command: `umoci init --layout "${layout}" && umoci new --image "${layout}:v1" && ` +
      `umoci insert --rootless --image "${layout}:v1" "${folder}" /`,
    needs: ["umoci"]
  },
  { name: "tar | gzip", command: `tar -cf - -C "${folder}" . | gzip > "${scratch}/layer.gz"`, needs: ["tar", "gzip"] }
]

const clean = (): void => {
  for (const name of ["layout", "layer.tar", "image.tar", "layer.gz"]) {
    fs.rmSync(join(scratch, name), { recursive: true, force: true })
  }
}

const digestNow = (): string => {
  const index = JSON.parse(fs.readFileSync(join(layout, "index.json"), "utf8")) as {
    readonly manifests: ReadonlyArray<{ readonly digest: string }>
  }
  return index.manifests.map(({ digest }) => digest).join()
}

try {
  fill(folder)
  const there = sides.filter(({ needs }) => needs.every(hasCommand))
  const costs = new Map<string, Array<Cost>>(there.map(({ name }) => [name, []]))
  const digests = new Set<string>()
  for (let turn = 0; turn < turns; turn++) {
    for (const { command, name } of there) {
      clean()
      costs.get(name)?.push(costOf(command))
      if (command === build) digests.add(digestNow())
    }
  }
  const first = median((costs.get("ocilayout image build") ?? []).map(({ seconds }) => seconds))
  console.log(`${mebibytes} MiB in files of one MiB; medians of ${turns}; ${digests.size} digest(s) of ours\n`)
  console.log("| side | seconds | ours beside it | processor | memory |\n| --- | ---: | ---: | ---: | ---: |")
  for (const [name, all] of costs) {
    const seconds = median(all.map((cost) => cost.seconds))
    const cpu = median(all.map(({ cpuSeconds }) => cpuSeconds))
    const memory = median(all.map((cost) => cost.mebibytes))
    console.log(
      `| ${name} | ${seconds.toFixed(1)} s | ${(first / seconds).toFixed(2)}× | ${cpu.toFixed(1)} s | ${
        memory.toFixed(0)
      } MiB |`
    )
  }
} finally {
  fs.rmSync(scratch, { recursive: true, force: true })
}
