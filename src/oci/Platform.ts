/** Which image of an index is for which platform (image-spec, image-index.md). */
import { type Descriptor, fieldOf } from "./Descriptor.ts"
import type { Manifest } from "./Manifest.ts"
import { kindOf } from "./MediaType.ts"

/** `os/arch[/variant]` of an index's child, if it says; as it stands there, which may be anything. */
export const platformOf = ({ platform }: Pick<Descriptor, "platform">): string | undefined => {
  if (platform === undefined) return undefined
  const parts = [fieldOf(platform, "os"), fieldOf(platform, "architecture"), fieldOf(platform, "variant")]
    .filter((part): part is string => typeof part === "string" && part !== "")
  return parts.length < 2 ? undefined : parts.join("/")
}

/** Attestations stand in an index beside the images, under a platform that is none. */
export const isAttestation = (descriptor: Descriptor): boolean => platformOf(descriptor) === "unknown/unknown"

/** Children that are images, or indexes of them. */
export const images = ({ manifests }: Pick<Manifest, "manifests">): ReadonlyArray<Descriptor> =>
  manifests.filter((child) => !isAttestation(child))

/** The platforms an index says it has images for. */
export const platformsOf = (index: Pick<Manifest, "manifests">): ReadonlyArray<string> =>
  images(index).flatMap((image) => platformOf(image) ?? [])

/** The child of exactly this platform, of this one in any variant, or an index that does not say what it holds. */
export const childFor = (index: Pick<Manifest, "manifests">, platform: string): Descriptor | undefined => {
  const candidates = images(index)
  return candidates.find((child) => platformOf(child) === platform) ??
    candidates.find((child) => platformOf(child)?.startsWith(`${platform}/`)) ??
    // The first 64-bit ARM variant usually goes without saying.
    candidates.find((child) => `${platformOf(child)}/v8` === platform) ??
    candidates.find((child) => platformOf(child) === undefined && kindOf(child.mediaType) === "index")
}
