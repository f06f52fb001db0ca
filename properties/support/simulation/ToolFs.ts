/** What tools without our care ask of a file system beside what we ask of it. */
import type { Effect, Scope } from "effect"
import type { FileHandle, FsError, LayoutFs } from "../../../src/node/fs/LayoutFs.ts"

export interface ToolFs extends LayoutFs {
  /** Opens for writing, in one call: a file that is there is emptied, one that is not there is made. */
  readonly overwrite: (path: string, mode?: number) => Effect.Effect<FileHandle, FsError, Scope.Scope>
  /** Sets when a file was last written, as `cp -p` and `rsync -t` do. */
  readonly setTime: (path: string, mtimeNs: bigint) => Effect.Effect<void, FsError>
}
