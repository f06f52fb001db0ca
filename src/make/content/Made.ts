/** Where what is made goes, and what making it did. */
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { ManifestPushed } from "../../ops/api/Done.ts"
import type { RegistryShape, TagRequest } from "../../ops/api/Registry.ts"

/** What making content writes with; every registry has it. */
export type MakeWrites = Pick<RegistryShape, "mountBlob" | "pushBlob" | "pushManifest" | "resolveBlob">

/** Where what is made goes. */
export interface MakeTarget {
  readonly registry: MakeWrites
  readonly repository: string
  /** Set in the commit that stores the manifest; without any, it is there by its digest. */
  readonly tags?: ReadonlyArray<TagRequest> | undefined
}

/** What making a manifest did. */
export interface Made extends ManifestPushed {
  /** What it was made of, where it was made of a manifest. */
  readonly from?: Descriptor
}
