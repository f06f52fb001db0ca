/** Where the parts of a verification tell what they find. */
import type { Effect } from "effect"
import type { FindingCode, Particulars } from "../api/findings.ts"
import type { Level } from "../api/Maintenance.ts"

export interface Report {
  readonly level: Level
  /** Whether what manifests need may be elsewhere. */
  readonly sparse: boolean
  readonly found: (code: FindingCode, particulars: Particulars) => Effect.Effect<void>
  /** That more was looked at; `more` is how many bytes are still to be. */
  readonly looked: (step: {
    readonly manifests?: number
    readonly blobs?: number
    readonly bytes?: number
    readonly more?: number
  }) => Effect.Effect<void>
}
