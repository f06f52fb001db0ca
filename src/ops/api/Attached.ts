/** What belongs to a manifest: signatures, SBOMs and the like. */
import type { Bond } from "../../layout/belonging.ts"
import type { Page } from "../../layout/query.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { Repository } from "../../oci/Reference.ts"

/** A manifest that belongs to another. */
export interface Attached extends Pick<Bond, "by" | "tag" | "isList" | "annotations"> {
  /** With its own artifact type and annotations; not the platform, data or name of an entry. */
  readonly descriptor: Descriptor
  /** The repositories with an entry of it; none where only an index leads to it, or nothing does. */
  readonly repositories: ReadonlyArray<Repository>
  /** Whether an entry of the layout leads to it. */
  readonly isListed: boolean
}

/** Which referrers are listed, and how; pages go by digest. */
export interface ReferrersOptions extends Page {
  /** Only those of exactly this type. */
  readonly artifactType?: string | undefined
  /** Whether manifests are read; false by default. */
  readonly verified?: boolean | undefined
}
