/** An image, an index or an artifact: all that is said of it, and what belongs to it. */
import { Effect, Option, Result, Stream } from "effect"
import type { Semaphore } from "effect/Semaphore"
import * as Semaphores from "effect/Semaphore"
import { buildSteps } from "../../image/inside/buildSteps.ts"
import type { OpenImage } from "../../image/inside/openImage.ts"
import { sizesOf } from "../../image/inside/sizes.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { field } from "../../oci/field.ts"
import type { ContainerSettings, ImageConfig } from "../../oci/ImageConfig.ts"
import type { Manifest } from "../../oci/Manifest.ts"
import { isAttestation, platformsOf } from "../../oci/Platform.ts"
import { createdOf } from "../../ops/content/createdOf.ts"
import { inspect, type Inspected, weighImages } from "../../ops/refs/inspect.ts"
import * as answers from "./answers.ts"
import { sizeIn } from "./names.ts"
import { answer, type Asked, cut, given, listEntries, needed, pairOf, pairsOf, repositoryOf } from "./Ui.ts"

/** The image that is shown of an index where none is asked for: the most usual one, or else the first. */
const usual = ["linux/amd64", "linux/arm64", "linux/arm64/v8"]

const defaultPlatform = (manifest: Pick<Manifest, "manifests">): string | undefined => {
  const all = platformsOf(manifest)
  return usual.find((platform) => all.includes(platform)) ?? all[0]
}

export const image = Effect.fnUntraced(function*(asked: Asked) {
  const { registry } = asked
  const repository = yield* repositoryOf(asked)
  const reference = yield* needed(asked, "reference")
  const source = { registry, repository, reference }
  const root = yield* inspect(source)
  const wanted = given(asked, "platform") ??
    (root.manifest.kind === "index" ? defaultPlatform(root.manifest) : undefined)
  const shown = wanted === undefined ? root : yield* inspect(source, { platform: wanted })
  const top = yield* registry.resolve(repository, reference)
  const isChosen = top.digest !== shown.descriptor.digest
  const index = root.manifest.kind === "index"
    ? { ...root, descriptor: top }
    : isChosen
    ? { descriptor: top, manifest: yield* registry.describe(repository, top), platforms: [] }
    : undefined
  const tags = yield* registry.tagsOf(repository, top.digest)
  const own = isChosen ? yield* registry.tagsOf(repository, shown.descriptor.digest) : []
  const attached = yield* attachedTo(asked, repository, [shown.descriptor.digest, ...(isChosen ? [top.digest] : [])])
  const created = Option.getOrUndefined(yield* createdOf(registry, repository, shown.descriptor))
  const { descriptor, manifest, missing, platform } = shown
  const config = shown.image
  const row: answers.Image = {
    repository,
    digest: descriptor.digest,
    mediaType: cut(descriptor.mediaType),
    kind: manifest.kind,
    ...(manifest.kind === "image" || manifest.artifactType === undefined
      ? {}
      : { artifactType: cut(manifest.artifactType) }),
    size: sizeIn(manifest),
    ...(platform === undefined ? {} : { platform: cut(platform) }),
    ...field("created", created),
    ...(config?.author === undefined ? {} : { author: cut(config.author) }),
    tags: Array.from(new Set([...tags, ...own])),
    annotations: pairsOf(manifest.annotations),
    ...settingsOf(config?.settings ?? {}),
    layers: manifest.layers.map((layer, at) => layerOf(layer, missing.has(layer.digest), config?.instructions[at])),
    steps: stepsOf(config),
    attached,
    ...(index === undefined ? {} : { index: yield* indexOf(asked, source, root, top, index.manifest) })
  }
  return answer(answers.Image, row)
})

const layerOf = (
  { annotations = {}, digest, mediaType, size }: Descriptor,
  missing: boolean,
  createdBy: string | undefined
): answers.Layer => ({
  digest,
  mediaType: cut(mediaType),
  size: Math.max(0, Math.trunc(size) || 0),
  missing,
  ...(createdBy === undefined ? {} : { createdBy: cut(createdBy) }),
  annotations: pairsOf(Object.entries(annotations))
})

const stepsOf = (config: ImageConfig | undefined): answers.Image["steps"] => {
  let layer = 0
  return (config?.steps ?? []).slice(0, listEntries).map(({ created, createdBy, hasLayer }) => ({
    ...(createdBy === undefined ? {} : { createdBy: cut(createdBy) }),
    ...(created === undefined ? {} : { created: cut(created) }),
    ...(hasLayer ? { layer: layer++ } : {})
  }))
}

const settingsOf = (
  { cmd, entrypoint, env = [], labels = new Map(), ports, stopSignal, user, volumes, workdir }: ContainerSettings
): Pick<answers.Image, "settings" | "env" | "labels" | "omitted"> => {
  const line = (key: string, value: string | ReadonlyArray<string> | undefined): ReadonlyArray<answers.Pair> =>
    value === undefined ? [] : [pairOf([key, typeof value === "string" ? value : JSON.stringify(value)])]
  return {
    settings: [
      ...line("entrypoint", entrypoint),
      ...line("command", cmd),
      ...line("user", user),
      ...line("working directory", workdir),
      ...line("ports", ports?.join(" ")),
      ...line("volumes", volumes?.join(" ")),
      ...line("stop signal", stopSignal)
    ],
    env: pairsOf(env.map((variable): readonly [string, string] => {
      const at = variable.indexOf("=")
      return at < 0 ? [variable, ""] : [variable.slice(0, at), variable.slice(at + 1)]
    })),
    labels: pairsOf(labels),
    omitted: Math.max(0, env.length - listEntries) + Math.max(0, labels.size - listEntries)
  }
}

const indexOf = Effect.fnUntraced(function*(
  { registry }: Asked,
  source: { readonly repository: string; readonly reference: string; readonly registry: Asked["registry"] },
  root: Inspected,
  top: Descriptor,
  manifest: Pick<Manifest, "annotations" | "manifests">
) {
  // An index of one image stands for that image, and is weighed by itself.
  const whole: Inspected = root.manifest.kind === "index"
    ? root
    : { ...root, descriptor: top, manifest: { ...root.manifest, kind: "index", manifests: manifest.manifests } }
  const weighed = yield* weighImages({ ...source, registry }, whole)
  const found: NonNullable<answers.Image["index"]> = {
    digest: top.digest,
    mediaType: cut(top.mediaType),
    annotations: pairsOf(manifest.annotations),
    platforms: weighed.slice(0, listEntries).map(({ descriptor: { digest }, platform, size, state }) => ({
      digest,
      ...(platform === undefined ? {} : { platform: cut(platform) }),
      ...(size === undefined ? {} : { size: Math.max(0, Math.trunc(size) || 0) }),
      state
    })),
    attestations: manifest.manifests.filter(isAttestation).map(({ annotations = {}, digest }) => {
      const of = annotations["vnd.docker.reference.digest"]
      return { digest, ...(of === undefined ? {} : { of: cut(of) }) }
    })
  }
  return found
})

/** What the client may see of it: in a layout that repositories share, it may be another repository's. */
const attachedTo = Effect.fnUntraced(function*(
  { call: { may }, registry }: Asked,
  repository: string,
  digests: ReadonlyArray<string>
) {
  const found = new Map<string, answers.Attached>()
  for (const digest of digests) {
    const all = yield* Stream.runCollect(Stream.take(registry.attached(repository, digest), listEntries))
    for (const { by, descriptor, isList, repositories, tag } of all) {
      const isTold = repositories.length === 0 || repositories.some((name) => may.in("pull", name))
      if (isList === true || !isTold || found.has(descriptor.digest)) continue
      const { annotations = {}, artifactType, size } = descriptor
      found.set(descriptor.digest, {
        digest: descriptor.digest,
        size: Math.max(0, Math.trunc(size) || 0),
        ...(artifactType === undefined ? {} : { artifactType: cut(artifactType) }),
        by,
        ...field("tag", tag),
        annotations: pairsOf(Object.entries(annotations))
      })
    }
  }
  return Array.from(found.values())
})

/** Looking into layers takes a processor each: so many images are opened at the same time. */
const opening: Semaphore = Semaphores.makeUnsafe(2)

/** The image of a query, opened to be looked into. */
export const opened = Effect.fnUntraced(function*(asked: Asked, suffix = "") {
  const repository = yield* repositoryOf(asked, `repository${suffix}`)
  const reference = yield* needed(asked, `reference${suffix}`)
  const { registry, ui: { inside } } = asked
  const root = yield* inspect({ registry, repository, reference })
  const platform = given(asked, `platform${suffix}`) ??
    (root.manifest.kind === "index" ? defaultPlatform(root.manifest) : undefined)
  return yield* opening.withPermits(1)(inside.open({ registry, repository, reference }, platform))
})

/** How many of the largest files are told. */
const mostFiles = 30

export const layers = Effect.fnUntraced(function*(asked: Asked) {
  const found = yield* opened(asked)
  return answer(answers.Layers, yield* Effect.fromResult(changesOf(found)))
})

const changesOf = (found: OpenImage) => {
  const sizes = sizesOf(found, mostFiles)
  return Result.map(buildSteps(found), (steps): answers.Layers => ({
    layers: steps.flatMap(({ changes }) => {
      if (changes === undefined) return []
      const { added, files, layer, removed, replaced } = changes
      return [{ files, added, replaced, removed, hidden: sizes.layers[layer]?.hidden ?? 0 }]
    }),
    largest: sizes.largest.map(({ layer, path, size }) => ({ path, size, layer })),
    repeated: sizes.repeated
  }))
}
