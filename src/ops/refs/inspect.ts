/** What there is to know about the image, index or artifact that a reference names. */
import { Effect, Result, Stream } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { shortDigest } from "../../oci/Digest.ts"
import { field } from "../../oci/field.ts"
import { type ImageConfig, parseImageConfig } from "../../oci/ImageConfig.ts"
import type { Manifest } from "../../oci/Manifest.ts"
import { ManifestInvalid } from "../../oci/OciError.ts"
import { images, platformOf, predicatesOf } from "../../oci/Platform.ts"
import type { CopySource } from "../api/Copy.ts"
import type { InspectError } from "../api/errors.ts"
import { chooseImage } from "./chooseImage.ts"
import { type ReadManifest, readSource, sourceOf, type SourceReader } from "./copySource.ts"
import { candidatesOf, type Found } from "./find.ts"

/** Text in it is as it is written in the layout: the surface that shows it makes it safe. */
export interface Inspected {
  /** Of what was chosen: with a platform, the image's. */
  readonly descriptor: Descriptor
  readonly manifest: Manifest
  /** As the index says, or else as the image does. */
  readonly platform?: string
  /** Of images alone. */
  readonly image?: ImageConfig
  /** Of attestations alone: what their statements are about. */
  readonly predicates?: ReadonlyArray<string>
  /** Digests of layers that the layout does not have; layers may be elsewhere (image-spec, image-layout.md). */
  readonly missing: ReadonlySet<string>
  /** How many artifacts of each type refer to it; those of an unknown type under the empty name. */
  readonly referrers: ReadonlyMap<string, number>
}

/** What of a manifest is explained. */
export interface InspectOptions {
  /** Of an index only the image for this platform, `os/arch[/variant]`: `PlatformUnknown` where there is none. */
  readonly platform?: string | undefined
}

/**
 * Explains an image, an index or an artifact. An index of one image, attestations aside, stands for that image. A config
 * that cannot be read fails it: `BlobUnknown`, or `ManifestInvalid` at `config`.
 *
 * ```ts
 * const { image, platform } = yield* inspect({ registry, repository: "app", reference: "v1" }, { platform: "linux/arm64" })
 * ```
 */
export const inspect = Effect.fn("inspect")(function*(
  source: CopySource,
  { platform }: InspectOptions = {}
): Effect.fn.Return<Inspected, InspectError> {
  return yield* explain(source, yield* readSource(source).candidates, platform)
})

/** Explains what a reference was found to name, as `inspect` does. */
export const inspectFound = (found: Found, platform?: string): Effect.Effect<Inspected, InspectError> =>
  explain(sourceOf(found), candidatesOf(found), platform)

const explain = Effect.fnUntraced(function*(
  source: CopySource,
  candidates: readonly [Descriptor, ...ReadonlyArray<Descriptor>],
  platform: string | undefined
): Effect.fn.Return<Inspected, InspectError> {
  const reader = readSource(source)
  const { child, manifest: { descriptor, manifest } } = platform === undefined
    ? yield* onlyImage(reader, yield* reader.manifest(candidates[0]))
    : yield* chooseImage(reader, candidates, platform)
  const predicates = predicatesOf(manifest)
  const image = manifest.kind === "image" && manifest.config !== undefined && predicates === undefined
    ? yield* configOf(reader, manifest.config)
    : undefined
  const stated = predicates === undefined
    ? [child, descriptor].map((one) => one === undefined ? undefined : platformOf(one))
      .find((one) => one !== undefined) ?? image?.platform
    : undefined
  return {
    descriptor,
    manifest,
    ...field("platform", stated),
    ...field("image", image),
    ...field("predicates", predicates),
    missing: yield* missingOf(source, reader.repository, manifest),
    referrers: yield* referrersOf(source, descriptor)
  }
})

/** Bytes of a config and the layers, as their descriptors say. */
export const contentSize = ({ config, layers }: Manifest): number =>
  layers.reduce((sum, { size }) => sum + size, config?.size ?? 0)

/** An image of an index. */
export interface Weighed {
  readonly descriptor: Descriptor
  readonly platform?: string
  /** In bytes, config and layers; of an index inside the index nothing is known. */
  readonly size?: number
  /** Of what is no image: its artifact type, as far as it is known. */
  readonly artifactType?: string
  /** A layout need not have every image of an index. */
  readonly state: "present" | "missing" | "damaged"
}

/** Looks at every image of an index. */
export const weighImages = (
  source: CopySource,
  { manifest }: Inspected
): Effect.Effect<ReadonlyArray<Weighed>, InspectError> => {
  const reader = readSource(source)
  return Effect.forEach(images(manifest), (descriptor) => {
    const platform = platformOf(descriptor)
    const child = { descriptor, ...field("platform", platform) }
    return reader.manifest(descriptor).pipe(
      Effect.map(({ manifest }): Weighed =>
        manifest.kind === "index"
          ? { ...child, state: "present" }
          : {
            ...child,
            state: "present",
            size: contentSize(manifest),
            ...(manifest.kind === "image" || manifest.artifactType === undefined
              ? {}
              : { artifactType: manifest.artifactType })
          }
      ),
      Effect.catchTags({
        ManifestUnknown: () => Effect.succeed<Weighed>({ ...child, state: "missing" }),
        ContentMismatch: () => Effect.succeed<Weighed>({ ...child, state: "damaged" }),
        ManifestInvalid: () => Effect.succeed<Weighed>({ ...child, state: "damaged" })
      })
    )
  }, { concurrency: 8 })
}

const missingOf = Effect.fnUntraced(function*(
  { registry }: CopySource,
  repository: string,
  { layers }: Manifest
): Effect.fn.Return<ReadonlySet<string>, InspectError> {
  const absent = yield* Effect.filter(
    Array.from(new Set(layers.map(({ digest }) => digest))),
    (digest) =>
      registry.resolveBlob(repository, digest).pipe(
        Effect.as(false),
        Effect.catchTags({
          BlobUnknown: () => Effect.succeed(true),
          // Content under a digest of an unknown algorithm cannot be described further.
          AlgorithmUnsupported: () => Effect.succeed(true)
        })
      ),
    { concurrency: 8 }
  )
  return new Set(absent)
})

const onlyImage = (
  reader: SourceReader,
  root: ReadManifest
): Effect.Effect<{ readonly manifest: ReadManifest; readonly child?: Descriptor }, InspectError> => {
  const [only, ...others] = images(root.manifest)
  if (only === undefined || others.length > 0) return Effect.succeed({ manifest: root })
  return Effect.map(reader.manifest(only), (manifest) => ({ manifest, child: only }))
}

const configOf = Effect.fnUntraced(function*(
  reader: SourceReader,
  config: Descriptor
): Effect.fn.Return<ImageConfig, InspectError> {
  const parsed = parseImageConfig(yield* reader.document(config))
  if (Result.isSuccess(parsed)) return parsed.success
  return yield* new ManifestInvalid({ path: `config ${shortDigest(config.digest)}`, reason: parsed.failure })
})

const referrersOf = Effect.fnUntraced(function*(
  source: CopySource,
  { digest }: Descriptor
): Effect.fn.Return<ReadonlyMap<string, number>, InspectError> {
  const counts = new Map<string, number>()
  if ("refName" in source) return counts
  yield* Stream.runForEach(
    source.registry.referrers(source.repository, digest),
    ({ artifactType = "" }) =>
      Effect.sync(() => {
        counts.set(artifactType, (counts.get(artifactType) ?? 0) + 1)
      })
  )
  return counts
})
