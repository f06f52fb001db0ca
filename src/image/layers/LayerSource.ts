/** Where layers are read, and by what. */
import type { RegistryReads } from "../../ops/api/Registry.ts"
import type { LayerLimits } from "../limits.ts"
import type { LayerCodec } from "../ports/LayerCodec.ts"

/** Where layers are read. */
export interface LayerSource {
  readonly registry: RegistryReads
  /** By whose name blobs are read. */
  readonly repository: string
  readonly codec: LayerCodec
  readonly limits: LayerLimits
}
