/** Follows an index, and indexes inside it, to the image for a platform. */
import { Effect, Option, Result } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { parseImageConfig } from "../../oci/ImageConfig.ts"
import type { Manifest } from "../../oci/Manifest.ts"
import { PlatformUnknown } from "../../oci/OciError.ts"
import { childrenFor, images, isFor, particulars, platformOf, platformsOf } from "../../oci/Platform.ts"
import type { InspectError } from "../api/errors.ts"

/** Indexes inside indexes that are followed to a platform. */
const depth = 4

interface Read {
  readonly manifest: Manifest
}

interface Reader<A> {
  readonly manifest: (descriptor: Descriptor) => Effect.Effect<A, InspectError>
  /** A config. */
  readonly document: (descriptor: Descriptor) => Effect.Effect<Uint8Array, InspectError>
}

interface Chosen<A> {
  readonly manifest: A
  /** The child of an index that said what it is for. */
  readonly child?: Descriptor
}

/**
 * The image for `platform` of what a tag names: one manifest, or several where each platform has an entry of its own.
 * `PlatformUnknown` where it is none of them, or more than one.
 */
export const chooseImage = Effect.fnUntraced(function*<A extends Read>(
  reader: Reader<A>,
  [first, ...others]: readonly [Descriptor, ...ReadonlyArray<Descriptor>],
  platform: string
): Effect.fn.Return<Chosen<A>, InspectError> {
  if (others.length === 0) return yield* imageBelow(reader, first, platform)
  const fitting: Array<{ readonly descriptor: Descriptor; readonly chosen: Chosen<A> }> = []
  const available: Array<string> = []
  for (const descriptor of [first, ...others]) {
    const chosen = yield* imageBelow(reader, descriptor, platform).pipe(
      Effect.catchTag("PlatformUnknown", (unknown) => {
        if (unknown.reason === "several" || unknown.reason === "absent") return Effect.fail(unknown)
        available.push(...unknown.available)
        return Effect.undefined
      })
    )
    if (chosen !== undefined) fitting.push({ descriptor, chosen })
  }
  const [only, other] = fitting
  if (only === undefined) return yield* new PlatformUnknown({ platform, available })
  if (other === undefined) return only.chosen
  return yield* new PlatformUnknown({
    platform,
    available: fitting.map(({ descriptor }) => particulars(descriptor)),
    reason: "several"
  })
})

/**
 * The image for `platform`: what a descriptor names or, of an index, the only one below it, and the child that said what
 * it is for. What is no image, and says of no platform, stands for itself. `PlatformUnknown`.
 */
const imageBelow = Effect.fnUntraced(function*<A extends Read>(
  reader: Reader<A>,
  descriptor: Descriptor,
  platform: string
): Effect.fn.Return<Chosen<A>, InspectError> {
  let at = yield* reader.manifest(descriptor)
  let found: Descriptor | undefined
  for (let level = 0; at.manifest.kind === "index"; level++) {
    const index = at.manifest
    const [child, ...others] = childrenFor(index, platform)
    if (child === undefined || level === depth) {
      return yield* new PlatformUnknown({ platform, available: platformsOf(index) })
    }
    if (others.some(({ digest }) => digest !== child.digest)) {
      const available = [child, ...others].map(particulars)
      return yield* new PlatformUnknown({ platform, available, reason: "several" })
    }
    if (platformOf(child) !== undefined) found = child
    at = yield* reader.manifest(child).pipe(
      Effect.catchTag("ManifestUnknown", () => Effect.flatMap(absent(reader, index, child, platform), Effect.fail))
    )
  }
  if (found !== undefined) return { manifest: at, child: found }
  const own = platformOf(descriptor) ?? (yield* platformIn(reader, at.manifest))
  if (own !== undefined && !isFor(own, platform)) {
    return yield* new PlatformUnknown({ platform, available: [own], digest: descriptor.digest, reason: "single" })
  }
  return { manifest: at }
})

/** The platform that the config of an image states; nothing where it states none, or cannot be read. */
const platformIn = Effect.fnUntraced(function*(
  { document }: Pick<Reader<never>, "document">,
  { config, kind }: Manifest
): Effect.fn.Return<string | undefined, InspectError> {
  if (kind !== "image" || config === undefined) return undefined
  const bytes = yield* document(config)
  return Result.getOrUndefined(parseImageConfig(bytes))?.platform
})

/** The index names an image that is not here: the platforms whose images are. */
const absent = Effect.fnUntraced(function*(
  { manifest }: Pick<Reader<unknown>, "manifest">,
  index: Manifest,
  child: Descriptor,
  platform: string
): Effect.fn.Return<PlatformUnknown, InspectError> {
  const available: Array<string> = []
  for (const image of images(index)) {
    const there = yield* Effect.option(manifest(image))
    if (Option.isSome(there)) available.push(platformOf(image) ?? image.digest)
  }
  return new PlatformUnknown({ platform: platformOf(child) ?? platform, available, reason: "absent" })
})
