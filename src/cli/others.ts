/** What else the tag of an answer names: other platforms have entries of their own. */
import { Schema } from "effect"
import { platformOf } from "../oci/Platform.ts"
import { sentence } from "../oci/quoted.ts"
import type { Found } from "../ops/refs/find.ts"
import { shortOf } from "./terminal/units.ts"

export const Others = Schema.Array(Schema.Struct({
  digest: Schema.String,
  /** As its entry states it. */
  platform: Schema.optionalKey(Schema.String)
}))
export type Others = typeof Others.Type

/** Nothing where the tag has one entry, and where a platform has chosen. */
export const othersOf = ({ others }: Pick<Found, "others">, platform: string | undefined): Others | undefined =>
  platform !== undefined ? undefined : others?.map((descriptor) => {
    const stated = platformOf(descriptor)
    return { digest: descriptor.digest, ...(stated === undefined ? {} : { platform: stated }) }
  })

export const shownOthers = (others: Others): string =>
  others.map(({ digest, platform }) => `${shortOf(digest)}${platform === undefined ? "" : ` (${sentence(platform)})`}`)
    .join(", ")
