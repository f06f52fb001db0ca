/** One repair: what it works on, and how it ended. */
import { Option } from "effect"
import type { Repository } from "../../oci/Reference.ts"
import type { Repairable, RepairOptions } from "../api/Maintenance.ts"
import type { Opened } from "../repositories/catalog.ts"

/** What an action did; nothing that it did, but why not. */
export interface Outcome {
  readonly done: boolean
  readonly what: string
  readonly revision?: Option.Option<number>
}

export const did = (what: string, revision: Option.Option<number> = Option.none()): Outcome => ({
  done: true,
  what,
  revision
})
export const left = (what: string): Outcome => ({ done: false, what })

/** What an action works on. */
export interface RepairTask {
  readonly finding: Repairable
  readonly opened: Opened
  /** In a tree of layouts, the repository that this one is. */
  readonly layout: Repository | undefined
  readonly source: RepairOptions["source"]
  readonly dryRun: boolean
}
