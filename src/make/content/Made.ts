/** Where what is made goes, and what making it did. */
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { ManifestPushed } from "../../ops/api/Done.ts"
import type { RegistryShape, TagRequest } from "../../ops/api/Registry.ts"

/** What making content writes with; every registry has it. */
export type MakeWrites = Pick<RegistryShape, "batch" | "mountBlob" | "pushBlob" | "pushManifest">

/** Where what is made goes. */
export interface MakeTarget {
  readonly registry: MakeWrites
  readonly repository: string
  /** Set in the commit that stores the manifest; without any, it is there by its digest. */
  readonly tags?: ReadonlyArray<TagRequest> | undefined
}

/** Referrers of a manifest that another was made of. */
export interface Carried {
  /** Those that were made anew for the new manifest: their digests before. */
  readonly anew: ReadonlyArray<string>
  /** Signatures, which say nothing of the new manifest. */
  readonly left: ReadonlyArray<string>
}

/** What making a manifest did. */
export interface Made extends ManifestPushed {
  /** What it was made of, where it was made of a manifest. */
  readonly from?: Descriptor
  /** What became of the referrers of that manifest, where they were to be carried along. */
  readonly carried?: Carried
}
