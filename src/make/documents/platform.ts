/** The platform of an image, from its config (image-spec, image-index.md and config.md have the same fields). */
import { fieldOf, isJsonObject, type JsonObject } from "../../oci/Descriptor.ts"
import { field } from "../../oci/field.ts"

/** What an image is for. */
export interface ImagePlatform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string | undefined
  /** The version of the operating system, as Windows needs it. */
  readonly osVersion?: string | undefined
}

const fields = ["architecture", "os", "os.version", "os.features", "variant"] as const

/** The platform that a config states, as an index says it; none where it states no system or no architecture. */
export const platformIn = (config: JsonObject): JsonObject | undefined => {
  const stated = fields.flatMap((key) => {
    const value = fieldOf(config, key)
    return value === undefined || value === null || value === "" ? [] : [[key, value] as const]
  })
  const platform = Object.fromEntries(stated)
  return typeof platform["os"] === "string" && typeof platform["architecture"] === "string" ? platform : undefined
}

/** As an index or a config has it. */
export const platformFields = ({ architecture, os, osVersion, variant }: ImagePlatform): JsonObject => ({
  architecture,
  os,
  ...(osVersion === undefined ? {} : { "os.version": osVersion }),
  ...field("variant", variant)
})

/** `os/architecture[/variant]`; none for another text. */
export const parsePlatform = (text: string): ImagePlatform | undefined => {
  const [os = "", architecture = "", variant, ...rest] = text.split("/")
  const wrong = os === "" || architecture === "" || variant === "" || rest.length > 0
  return wrong ? undefined : { os, architecture, ...field("variant", variant) }
}

/** Whether two platforms are the same, whatever the order of their fields. */
export const isSamePlatform = (one: JsonObject | undefined, other: JsonObject | undefined): boolean =>
  isJsonObject(one) && isJsonObject(other) && text(one) === text(other)

const text = (platform: JsonObject): string =>
  JSON.stringify(Object.entries(platform).toSorted(([one], [other]) => one < other ? -1 : 1))
