/**
 * Layouts with a past: `prod`, which people work with; `mirror`, which is behind; `vendor`, by another tool; `apps`, with files
 * in its images.
 */
import { Effect } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeDisk } from "../../../src/node/index.ts"
import type { RegistryError } from "../../../src/oci/OciError.ts"
import { Actor } from "../../../src/ops/api/Actor.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { entryOf, pushImage, pushManifest, type Sample, type SampleImage } from "../../support/images.ts"
import * as a from "./apps.ts"
import { stoppedAt } from "./clock.ts"
import * as c from "./content.ts"

/** In the order in which a server is given them; the first one is meant where none is named. */
export const layoutIds = ["prod", "mirror", "vendor", "apps"] as const

/** What `ocilayout mcp` is told to serve the world in a folder. */
export const argumentsFor = (folder: string): ReadonlyArray<string> =>
  layoutIds.map((id) => `${id}=${join(folder, id)}`)

/** Who changed something, when, and what. */
type Deed = readonly [
  time: string,
  actor: string,
  act: (registry: LayoutRegistry) => Effect.Effect<unknown, RegistryError>
]

const push = (repository: string, image: SampleImage, ...tags: ReadonlyArray<string>) => (registry: LayoutRegistry) =>
  pushImage(registry, repository, image, tags)

const attach = (repository: string, artifacts: ReadonlyArray<SampleImage>) => (registry: LayoutRegistry) =>
  Effect.forEach(artifacts, (artifact) => pushImage(registry, repository, artifact))

const pushAll = (repository: string, index: c.MultiPlatform, tag: string) => (registry: LayoutRegistry) =>
  Effect.andThen(
    Effect.forEach(index.images, (image) => pushImage(registry, repository, image)),
    pushManifest(registry, repository, index, [tag])
  )

const tag = (repository: string, { bytes, descriptor }: Sample, name: string) => (registry: LayoutRegistry) =>
  registry.pushManifest(repository, bytes, descriptor.mediaType, { tags: [name] })

const untag = (repository: string, name: string) => (registry: LayoutRegistry) => registry.deleteTag(repository, name)

const ci = "cli:ci"
const bot = "mcp:release-bot"
const dana = "cli:dana"

/** When `shop/web` 2.2 went to production, and when it was taken back: 40 minutes. */
export const incident = { from: "2024-04-10T09:00:00Z", to: "2024-04-10T09:40:00Z" }

const prod: ReadonlyArray<Deed> = [
  ["2024-01-08T09:00:00Z", ci, push("base/runtime", c.runtime318, "3.18")],
  ["2024-01-09T09:00:00Z", ci, push("base/runtime", c.runtime319, "3.19")],
  ["2024-02-01T09:00:00Z", ci, pushAll("shop/api", c.api100, "1.0.0")],
  ["2024-02-01T12:00:00Z", bot, tag("shop/api", c.api100, "stable")],
  ["2024-02-20T09:00:00Z", ci, push("shop/web", c.web20, "2.0")],
  ["2024-02-20T12:00:00Z", dana, tag("shop/web", c.web20, "prod")],
  ["2024-03-04T09:00:00Z", ci, push("base/runtime", c.runtime320, "3.20")],
  ["2024-03-04T09:05:00Z", ci, tag("base/runtime", c.runtime320, "latest")],
  ["2024-03-05T09:00:00Z", ci, pushAll("shop/api", c.api110, "1.1.0")],
  ["2024-03-05T09:10:00Z", ci, attach("shop/api", c.attached.api110)],
  ["2024-03-05T12:00:00Z", bot, tag("shop/api", c.api110, "stable")],
  ["2024-03-11T09:00:00Z", ci, push("shop/web", c.web21, "2.1")],
  ["2024-03-11T09:10:00Z", ci, attach("shop/web", c.attached.web21)],
  ["2024-03-12T08:15:00Z", dana, tag("shop/web", c.web21, "prod")],
  ["2024-04-02T09:00:00Z", ci, pushAll("shop/api", c.api120, "1.2.0")],
  ["2024-04-02T09:10:00Z", ci, attach("shop/api", c.attached.api120)],
  ["2024-04-03T10:00:00Z", bot, tag("shop/api", c.api120, "stable")],
  ["2024-04-03T13:30:00Z", dana, tag("shop/api", c.api110, "stable")],
  ["2024-04-08T09:00:00Z", ci, push("shop/web", c.web22Candidate, "2.2-rc1")],
  ["2024-04-09T09:00:00Z", ci, push("shop/web", c.web22, "2.2")],
  ["2024-04-09T09:10:00Z", ci, attach("shop/web", c.attached.web22)],
  ["2024-04-10T07:45:00Z", "mcp:cleanup-agent", untag("shop/web", "2.2-rc1")],
  [incident.from, bot, tag("shop/web", c.web22, "prod")],
  [incident.to, dana, tag("shop/web", c.web21, "prod")],
  ["2024-04-15T09:00:00Z", ci, push("shop/worker", c.worker09First, "0.9")],
  ["2024-04-16T09:00:00Z", ci, push("charts/shop", c.chart03, "0.3.0")],
  ["2024-04-18T16:20:00Z", ci, push("shop/worker", c.worker09, "0.9")],
  ["2024-04-22T09:00:00Z", ci, push("shop/worker", c.worker010, "0.10")],
  ["2024-04-23T09:00:00Z", ci, push("charts/shop", c.chart04, "0.4.0")]
]

const mirror: ReadonlyArray<Deed> = [
  ["2024-02-02T00:00:00Z", "cli:sync", push("base/runtime", c.runtime320, "3.20")],
  ["2024-02-02T00:10:00Z", "cli:sync", pushAll("shop/api", c.api100, "1.0.0")],
  ["2024-03-06T00:00:00Z", "cli:sync", pushAll("shop/api", c.api110, "1.1.0")],
  ["2024-03-06T00:10:00Z", "cli:sync", push("shop/web", c.web20, "2.0")],
  ["2024-03-12T00:00:00Z", "cli:sync", push("shop/web", c.web21Mirrored, "2.1")],
  ["2024-04-23T00:00:00Z", "cli:sync", push("shop/worker", c.worker010, "0.10")]
]

const apps: ReadonlyArray<Deed> = [
  ["2024-05-01T09:00:00Z", ci, push("store/db", a.db1, "1")],
  ["2024-05-08T09:00:00Z", ci, push("store/db", a.db2, "2")],
  ["2024-05-11T09:00:00Z", ci, push("store/web", a.web1, "1")],
  ["2024-05-12T09:00:00Z", ci, push("store/web", a.web2, "2")]
]

/** The deeds one after the other, each in its time. */
const enact = Effect.fnUntraced(function*(directory: string, deeds: ReadonlyArray<Deed>) {
  for (const [time, actor, act] of deeds) {
    // Opened anew each time, as by another process.
    yield* Effect.scoped(
      Effect.flatMap(makeDisk({ directory, durability: "none" }), act)
    ).pipe(stoppedAt(time), Effect.provideService(Actor, actor), Effect.orDie)
  }
})

const pathOf = (directory: string, { descriptor: { digest } }: Sample): string =>
  join(directory, "blobs", ...digest.split(":"))

/** A bit of a disk that has turned: the bytes are as many, and others. */
const damage = (directory: string, layer: Sample): void => {
  const bytes = layer.bytes.slice()
  bytes.set([255], 100)
  writeFileSync(pathOf(directory, layer), bytes)
}

/** As some other tool writes a layout: bare tags, a name that fits no repository, and no history. */
const writeVendor = (directory: string): void => {
  mkdirSync(join(directory, "blobs", "sha256"), { recursive: true })
  for (const image of [c.redis72, c.redis74, c.proxy]) {
    for (const blob of [image, image.config, ...image.layers]) writeFileSync(pathOf(directory, blob), blob.bytes)
  }
  writeFileSync(join(directory, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }))
  writeFileSync(
    join(directory, "index.json"),
    JSON.stringify({
      schemaVersion: 2,
      manifests: [entryOf(c.redis72, "7.2"), entryOf(c.redis74, "7.4"), entryOf(c.proxy, c.proxyName)]
    })
  )
}

/** Builds the layouts below a folder that is empty, or is not there yet. */
export const buildWorld = Effect.fn("buildWorld")(function*(folder: string) {
  const directories = {
    prod: join(folder, "prod"),
    mirror: join(folder, "mirror"),
    vendor: join(folder, "vendor"),
    apps: join(folder, "apps")
  }
  yield* enact(directories.prod, prod)
  yield* enact(directories.mirror, mirror)
  yield* enact(directories.apps, apps)
  yield* Effect.sync(() => {
    damage(directories.prod, c.worker010.layers[2] ?? c.worker010)
    writeVendor(directories.vendor)
  })
  return directories
})
