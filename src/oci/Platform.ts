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

const statement = "application/vnd.in-toto+json"

/**
 * What the statements of an attestation are about, where a manifest is one, as BuildKit writes them: nothing but in-toto
 * statements, each of which may say its predicate type. Undefined for every other manifest.
 */
export const predicatesOf = ({ layers }: Pick<Manifest, "layers">): ReadonlyArray<string> | undefined =>
  layers.length > 0 && layers.every(({ mediaType }) => mediaType === statement)
    ? layers.flatMap(({ annotations = {} }) => annotations["in-toto.io/predicate-type"] ?? [])
    : undefined

/** Children that are images, or indexes of them. */
export const images = ({ manifests }: Pick<Manifest, "manifests">): ReadonlyArray<Descriptor> =>
  manifests.filter((child) => !isAttestation(child))

/** The platforms an index says it has images for. */
export const platformsOf = (index: Pick<Manifest, "manifests">): ReadonlyArray<string> =>
  images(index).flatMap((image) => platformOf(image) ?? [])

/** Whether an image for `own` is one for `asked`: the same, or that in some variant. */
export const isFor = (own: string | undefined, asked: string): boolean =>
  own !== undefined && (own === asked || own.startsWith(`${asked}/`) || isUsual(own, asked))

/** The first 64-bit ARM variant usually goes without saying. */
const isUsual = (own: string, asked: string): boolean => own.endsWith("/arm64") && `${own}/v8` === asked

/**
 * The children for a platform: those of exactly this one or, where there are none, of this one in any variant, or the
 * indexes that do not say what they hold. Several where an index tells them apart by something else.
 */
export const childrenFor = (index: Pick<Manifest, "manifests">, platform: string): ReadonlyArray<Descriptor> => {
  const candidates = images(index)
  const choices = [
    (child: Descriptor) => platformOf(child) === platform,
    (child: Descriptor) => isFor(platformOf(child), platform),
    (child: Descriptor) => platformOf(child) === undefined && kindOf(child.mediaType) === "index"
  ]
  return choices.map((choice) => candidates.filter(choice)).find((found) => found.length > 0) ?? []
}

/** What tells an image of an index from others for the same platform. */
export const particulars = ({ annotations = {}, digest, platform = {} }: Descriptor): string => {
  const { architecture: _architecture, os: _os, variant: _variant, ...rest } = platform
  const details = [
    ...Object.entries(rest).map(([key, value]) =>
      `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`
    ),
    ...Object.entries(annotations).map(([key, value]) => `${key}=${value}`)
  ]
  return details.length === 0 ? digest : `${digest} (${details.join(", ")})`
}
