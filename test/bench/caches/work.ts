/** What is timed: a call of a registry, many times over. */
import { Effect, type Scope, Stream } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { hasher } from "../../../src/node/files/hasher.ts"
import type { nodeFs } from "../../../src/node/fs/nodeFs.ts"
import type { openStores } from "../../../src/node/stores.ts"
import type { RegistryShape } from "../../../src/ops/api/Registry.ts"
import type { sharedRegistry } from "../../../src/ops/makeRegistry.ts"
import { digestOf } from "../../support/images.ts"

/** `src`, with or without one of its caches. */
export interface Code {
  readonly hasher: typeof hasher
  readonly nodeFs: typeof nodeFs
  readonly openStores: typeof openStores
  readonly sharedRegistry: typeof sharedRegistry
}

const repository = "app"
const manifestType = "application/vnd.oci.image.manifest.v1+json"

/** A layout as another tool leaves it: so many tags, each of a manifest of its own, every tenth with an attachment, of which half are listed. */
export const makeLayout = (directory: string, tags: number): ReadonlyArray<string> => {
  mkdirSync(join(directory, "blobs/sha256"), { recursive: true })
  const put = (value: unknown) => {
    const bytes = Buffer.from(JSON.stringify(value))
    const digest = digestOf(bytes)
    writeFileSync(join(directory, "blobs/sha256", digest.slice(7)), bytes)
    return { digest, size: bytes.length }
  }
  const config = { mediaType: "application/vnd.oci.image.config.v1+json", ...put({ os: "linux" }) }
  const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar", ...put({ layer: 1 }) }
  const manifests: Array<unknown> = []
  const digests: Array<string> = []
  for (let number = 0; number < tags; number++) {
    const common = { schemaVersion: 2, mediaType: manifestType, config }
    const image = put({
      ...common,
      layers: Array.from({ length: 8 }, () => layer),
      annotations: { number: `${number}` }
    })
    const name = { "number": `${number}`, "org.opencontainers.image.ref.name": `${repository}:v${number}` }
    manifests.push({ mediaType: manifestType, ...image, annotations: name })
    digests.push(image.digest)
    if (number % 10 !== 0) continue
    const attached = put({ ...common, layers: [layer], subject: { mediaType: manifestType, ...image } })
    if (number % 20 === 0) continue
    const own = { "org.opencontainers.image.ref.name": `${repository}@${attached.digest}` }
    manifests.push({ mediaType: manifestType, ...attached, annotations: own })
  }
  writeFileSync(join(directory, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
  writeFileSync(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }))
  return digests
}

/** An earlier process: what it found out about manifests stays beside the layout. */
export const prepare = Effect.fnUntraced(function*(registry: RegistryShape, digests: ReadonlyArray<string>) {
  const [digest = ""] = digests
  yield* Stream.runDrain(registry.referrers(repository, digest))
  yield* registry.tagManifest(repository, digest, ["moved"])
})

interface World {
  readonly directory: string
  readonly digests: ReadonlyArray<string>
  readonly registry: RegistryShape
  /** A registry of a new process. */
  readonly anew: Effect.Effect<RegistryShape, never, Scope.Scope>
  /** Which time this is. */
  readonly time: number
}

export const opened = (code: Code, directory: string) =>
  Effect.map(
    code.openStores(code.nodeFs, { directory, durability: "none", hold: "never" }, undefined),
    (stores) => code.sharedRegistry(stores, code.hasher)
  )

const move = (registry: RegistryShape, { digests, time }: World) =>
  registry.tagManifest(repository, digests[time % digests.length] ?? "", ["moved"])

const firstPage = { limit: 10 }

export interface Work {
  readonly run: (world: World) => Effect.Effect<unknown, unknown, Scope.Scope>
}

export const works: Readonly<Record<string, Work>> = {
  "one tag by a new process": {
    run: ({ anew, digests, time }) =>
      Effect.flatMap(anew, (registry) => registry.resolveTag(repository, `v${time % digests.length}`))
  },
  "64 tags moved in one commit": {
    run: ({ digests, registry, time }) =>
      registry.batch(
        Array.from({ length: 64 }, (_, place) => ({
          _tag: "Tag" as const,
          repository,
          digest: digests[(time + place) % digests.length] ?? "",
          tags: [`moved${place}`]
        }))
      )
  },
  "one tag moved": { run: (world) => move(world.registry, world) },
  "one tag moved and read": {
    run: (world) => Effect.andThen(move(world.registry, world), world.registry.resolveTag(repository, "moved"))
  },
  "manifests read again": {
    run: ({ digests, registry }) =>
      Effect.forEach(digests.slice(0, 100), (digest) => registry.getManifest(repository, digest), { discard: true })
  },
  "digests of a repository, a page": {
    run: ({ registry }) => Stream.runDrain(registry.digests(repository, "manifest", firstPage))
  },
  "referrers": {
    run: ({ digests, registry, time }) =>
      Stream.runDrain(registry.referrers(repository, digests[10 * time % digests.length] ?? ""))
  },
  "referrers after each tag moved": {
    run: (world) =>
      Effect.andThen(
        move(world.registry, world),
        Stream.runDrain(world.registry.referrers(repository, world.digests[0] ?? ""))
      )
  },
  "tags, a page": { run: ({ registry }) => Stream.runDrain(registry.tags(repository, firstPage)) },
  "referrers by a new process": {
    run: ({ anew, digests }) =>
      Effect.flatMap(anew, (registry) => Stream.runDrain(registry.referrers(repository, digests[0] ?? "")))
  }
}
