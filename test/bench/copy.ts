/**
 * What copying a repository costs, side by side with skopeo, crane, oras and regctl: `npm run bench:copy`, or with `-- --quick`
 * of a small one, to see whether it runs. Between layouts, archives and two registries of distribution v3. Each turn times
 * every side once, into an empty target and then again; a figure is the median of the turns. Sides whose programs are not
 * installed are skipped, GNU `time` tells memory.
 */
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { makeReleases } from "./copy/releases.ts"
import { contenders, found, type Running, start } from "./http/servers.ts"
import { type Cost, costOf, median } from "./inside/cost.ts"

const isQuick = process.argv.includes("--quick")
const turns = isQuick ? 1 : 3
const scratch = fs.mkdtempSync(join(tmpdir(), "ocilayout-bench-"))
const ours = `"${process.execPath}" "${fileURLToPath(new URL("../../dist/bin/ocilayout.js", import.meta.url))}"`
const releases = makeReleases(join(scratch, "releases"), isQuick ? 3 : 20, isQuick ? 4096 : 1024 * 1024)

interface Side {
  readonly row: string
  readonly name: string
  readonly needs?: string
  /** Makes the target empty. */
  readonly prepare: () => Promise<string>
  readonly command: (target: string) => string
}

const registry = contenders(undefined).here.find(({ name }) => name === "distribution v3")
let running: Array<Running> = []
let made = 0

const fresh = (): string => join(scratch, `target-${made++}`)

const newFolder = (): Promise<string> => Promise.resolve(fresh())

const newRegistry = async (): Promise<string> => {
  if (registry === undefined) throw new Error("there is no registry")
  const server = await start(registry, fresh())
  running.push(server)
  return `127.0.0.1:${server.port}`
}

const stop = async (): Promise<void> => {
  await Promise.all(running.map((server) => server.stop()))
  running = []
}

/** One command for each tag, as users of a tool write it that copies one image. */
const each = (command: (tag: string) => string): string => releases.tags.map(command).join(" && ")

const { layout } = releases
const skopeo = "skopeo copy --all --src-tls-verify=false --dest-tls-verify=false"

const between = (origin: string): ReadonlyArray<Side> => [
  {
    row: "layout to registry",
    name: "ocilayout",
    prepare: newRegistry,
    command: (host) => `${ours} copy "${layout}" docker://${host}/app --all-tags`
  },
  {
    row: "layout to registry",
    name: "skopeo",
    prepare: newRegistry,
    command: (host) => each((tag) => `${skopeo} oci:"${layout}":${tag} docker://${host}/app:${tag}`)
  },
  {
    row: "layout to registry",
    name: "oras",
    prepare: newRegistry,
    command: (host) => each((tag) => `oras cp --to-plain-http --from-oci-layout "${layout}":${tag} ${host}/app:${tag}`)
  },
  {
    row: "layout to registry",
    name: "regctl",
    prepare: newRegistry,
    command: (host) =>
      each((tag) => `regctl image copy --host reg=${host},tls=disabled "ocidir://${layout}:${tag}" ${host}/app:${tag}`)
  },
  {
    row: "registry to layout",
    name: "ocilayout",
    prepare: newFolder,
    command: (target) => `${ours} copy docker://${origin}/app "${target}" --all-tags`
  },
  {
    row: "registry to layout",
    name: "skopeo",
    prepare: newFolder,
    command: (target) => each((tag) => `${skopeo} docker://${origin}/app:${tag} oci:"${target}":${tag}`)
  },
  {
    row: "registry to layout",
    name: "crane",
    prepare: newFolder,
    command: (target) =>
      `crane pull --insecure --format oci ${releases.tags.map((tag) => `${origin}/app:${tag}`).join(" ")} "${target}"`
  },
  {
    row: "registry to layout",
    name: "oras",
    prepare: newFolder,
    command: (target) =>
      each((tag) => `oras cp --from-plain-http --to-oci-layout ${origin}/app:${tag} "${target}":${tag}`)
  },
  {
    row: "registry to registry",
    name: "ocilayout",
    prepare: newRegistry,
    command: (host) => `${ours} copy docker://${origin}/app docker://${host}/app --all-tags`
  },
  {
    row: "registry to registry",
    name: "crane",
    prepare: newRegistry,
    command: (host) => `crane cp --insecure -a ${origin}/app ${host}/app`
  },
  {
    row: "registry to registry",
    name: "skopeo",
    prepare: newRegistry,
    command: (host) => each((tag) => `${skopeo} docker://${origin}/app:${tag} docker://${host}/app:${tag}`)
  },
  {
    row: "registry to registry",
    name: "oras",
    prepare: newRegistry,
    command: (host) =>
      each((tag) => `oras cp --from-plain-http --to-plain-http ${origin}/app:${tag} ${host}/app:${tag}`)
  },
  {
    row: "registry to registry",
    name: "regctl",
    prepare: newRegistry,
    command: (host) =>
      each((tag) =>
        `regctl image copy --host reg=${origin},tls=disabled --host reg=${host},tls=disabled ${origin}/app:${tag} ${host}/app:${tag}`
      )
  }
]

const archives: ReadonlyArray<Side> = [
  {
    row: "layout to archive",
    name: "ocilayout",
    prepare: newFolder,
    command: (target) =>
      `rm -f "${target}.tar" && ${ours} save "${target}.tar" ${
        releases.tags.map((tag) => `"${layout}:${tag}"`).join(" ")
      }`
  },
  {
    row: "layout to archive",
    name: "skopeo (an archive for each image)",
    needs: "skopeo",
    prepare: newFolder,
    command: (target) =>
      each((tag) =>
        `rm -f "${target}-${tag}.tar" && ${skopeo} oci:"${layout}":${tag} oci-archive:"${target}-${tag}.tar":${tag}`
      )
  },
  {
    row: "archive to layout",
    name: "ocilayout",
    prepare: newFolder,
    command: (target) => `${ours} load "${join(scratch, "releases.tar")}" --layout "${target}"`
  },
  {
    row: "archive to layout",
    name: "skopeo",
    prepare: newFolder,
    command: (target) =>
      each((tag) => `${skopeo} oci-archive:"${join(scratch, "releases.tar")}":releases:${tag} oci:"${target}":${tag}`)
  }
]

interface Told {
  readonly side: Side
  readonly first: Array<Cost>
  readonly again: Array<Cost>
}

const measure = async ({ again, first, side }: Told): Promise<void> => {
  const others = running
  running = []
  const target = await side.prepare()
  const command = side.command(target)
  first.push(costOf(command))
  again.push(costOf(command))
  await stop()
  running = others
}

const print = (all: ReadonlyArray<Told>): void => {
  console.log("| copy | side | seconds | ours beside it | again | ours beside it | memory |")
  console.log("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
  const secondsOf = (costs: ReadonlyArray<Cost>): number => median(costs.map(({ seconds }) => seconds))
  for (const { again, first, side } of all) {
    const own = all.find((one) => one.side.row === side.row)
    const cells = [first, again].map((costs, at) => {
      const seconds = secondsOf(costs)
      const ratio = own === undefined ? Number.NaN : secondsOf(at === 0 ? own.first : own.again) / seconds
      return `${seconds.toFixed(2)} s | ${ratio.toFixed(2)}×`
    })
    const memory = median([...first, ...again].map(({ mebibytes }) => mebibytes))
    console.log(`| ${side.row} | ${side.name} | ${cells.join(" | ")} | ${memory.toFixed(0)} MiB |`)
  }
}

try {
  const origin = registry === undefined ? undefined : await newRegistry()
  if (origin === undefined) console.log("skipped: copies with registries, since distribution v3 is not installed")
  else costOf(`${ours} copy "${layout}" docker://${origin}/app --all-tags`)
  costOf(
    `${ours} save "${join(scratch, "releases.tar")}" ${releases.tags.map((tag) => `"${layout}:${tag}"`).join(" ")}`
  )
  const sides = [...origin === undefined ? [] : between(origin), ...archives].filter(({ name, needs = name }) => {
    const isHere = needs === "ocilayout" || found(needs) !== undefined
    if (!isHere) console.log(`skipped: ${needs} is not installed`)
    return isHere
  })
  const told = sides.map((side): Told => ({ side, first: [], again: [] }))
  for (let turn = 0; turn < turns; turn++) {
    for (const one of told) await measure(one)
  }
  const size = `${releases.tags.length} releases for two platforms, ${releases.mebibytes.toFixed(0)} MiB`
  console.log(`${size}; medians of ${turns}\n`)
  print(told)
} finally {
  await stop()
  fs.rmSync(scratch, { recursive: true, force: true })
}
