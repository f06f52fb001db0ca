/** What is made before the first write. */
import type { Effect } from "effect"
import type { FsError } from "../fs/LayoutFs.ts"
import type { LayoutProblem } from "./indexFile.ts"

/** What has to be there before something is written, made once per store: later calls cost nothing. */
export interface Preparation {
  /** The folders of our own; refuses what is no layout before anything is written. */
  readonly foldersCreated: Effect.Effect<void, LayoutProblem>
  /** The layout itself, once there is something to put into it. */
  readonly layoutCreated: Effect.Effect<void, FsError>
}
