/** Chooses an image of an index by platform. */
import { Effect } from "effect"
import { type Descriptor, fieldOf } from "../oci/Descriptor.ts"
import { type Manifest, parseManifest } from "../oci/Manifest.ts"
import { kindOf } from "../oci/MediaType.ts"
import type { Source } from "../ops/find.ts"
import { clean } from "./display.ts"
import { manifestBytes } from "./reference.ts"
import { PlatformUnknown, type ToolError } from "./SurfaceError.ts"

/** Indexes inside indexes that are followed to a platform. */
const depth = 4

/** `os/arch[/variant]` of an index's child, if it says. */
export const platformOf = ({ platform }: Descriptor): string | undefined => {
  if (platform === undefined) return undefined
  const parts = [fieldOf(platform, "os"), fieldOf(platform, "architecture"), fieldOf(platform, "variant")]
    .filter((part): part is string => typeof part === "string" && part !== "")
  return parts.length < 2 ? undefined : clean(parts.join("/"))
}

/** Attestations stand in an index beside the images, under a platform that is none. */
export const isAttestation = (descriptor: Descriptor): boolean => platformOf(descriptor) === "unknown/unknown"

/** Children that are images, or indexes of them. */
export const images = ({ manifests }: Manifest): ReadonlyArray<Descriptor> =>
  manifests.filter((child) => !isAttestation(child))

export interface Chosen {
  readonly descriptor: Descriptor
  readonly manifest: Manifest
  readonly bytes: Uint8Array
  /** As the index says. */
  readonly platform?: string
}

/** A manifest as its descriptor names it. */
export const readManifest = Effect.fnUntraced(function*(
  source: Source,
  descriptor: Descriptor
): Effect.fn.Return<Chosen, ToolError> {
  const bytes = yield* manifestBytes(source, descriptor)
  return { descriptor, bytes, manifest: yield* Effect.fromResult(parseManifest(bytes, descriptor.mediaType, "read")) }
})

/** The image for a platform, found below an index; a manifest that is no index stands for itself. */
export const choosePlatform = Effect.fnUntraced(function*(
  source: Source,
  descriptor: Descriptor,
  platform: string
): Effect.fn.Return<Chosen, ToolError> {
  let at = yield* readManifest(source, descriptor)
  let found: string | undefined
  for (let level = 0; at.manifest.kind === "index"; level++) {
    const child = childFor(at.manifest, platform)
    if (child === undefined || level === depth) {
      const available = images(at.manifest).flatMap((image) => platformOf(image) ?? [])
      return yield* new PlatformUnknown({ platform, available })
    }
    found = platformOf(child) ?? found
    at = yield* readManifest(source, child)
  }
  return found === undefined ? at : { ...at, platform: found }
})

/** The child of exactly this platform, of this one in any variant, or an index that does not say what it holds. */
const childFor = (manifest: Manifest, platform: string): Descriptor | undefined => {
  const candidates = images(manifest)
  return candidates.find((child) => platformOf(child) === platform) ??
    candidates.find((child) => platformOf(child)?.startsWith(`${platform}/`)) ??
    // The first 64-bit ARM variant usually goes without saying.
    candidates.find((child) => `${platformOf(child)}/v8` === platform) ??
    candidates.find((child) => platformOf(child) === undefined && kindOf(child.mediaType) === "index")
}
