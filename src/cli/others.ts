/** What else the tag of an answer names: other platforms have entries of their own. */
import { Schema } from "effect"
import type { Descriptor } from "../oci/Descriptor.ts"
import { field } from "../oci/field.ts"
import { platformOf } from "../oci/Platform.ts"
import { sentence } from "../oci/quoted.ts"
import { candidatesOf, type Found } from "../ops/refs/find.ts"
import { shortOf } from "./terminal/units.ts"

export const Others = Schema.Array(Schema.Struct({
  digest: Schema.String,
  /** The tag, of a copy of several. */
  tag: Schema.optionalKey(Schema.String),
  /** As its entry states it. */
  platform: Schema.optionalKey(Schema.String)
}))
export type Others = typeof Others.Type

/** Nothing where the name has one entry, and where a platform has chosen. */
export const othersOf = (
  found: Pick<Found, "descriptor" | "others">,
  platform: string | undefined
): Others | undefined => othersAmong(candidatesOf(found), platform)

/** As `othersOf`, of all that a name leads to. */
export const othersAmong = (
  [, ...others]: ReadonlyArray<Descriptor>,
  platform: string | undefined,
  tag?: string
): Others | undefined =>
  platform !== undefined || others.length === 0 ? undefined : others.map((descriptor) => {
    const stated = platformOf(descriptor)
    return {
      digest: descriptor.digest,
      ...field("tag", tag),
      ...field("platform", stated)
    }
  })

export const shownOthers = (others: Others): string =>
  others.map(({ digest, platform, tag }) =>
    `${tag === undefined ? "" : `${tag} `}${shortOf(digest)}${platform === undefined ? "" : ` (${sentence(platform)})`}`
  ).join(", ")

/** What a copy left behind, as a line of its own; nothing where it took all. */
export const shownLeft = (others: Others | undefined): string =>
  others === undefined ? "" : `\nnot copied, of the same name: ${shownOthers(others)}; --platform chooses`
