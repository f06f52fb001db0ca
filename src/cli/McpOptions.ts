/** What `ocilayout mcp` was asked to serve. */
import type { Durability, SymlinkPolicy } from "../node/index.ts"

export interface McpOptions {
  /** `[ID=]DIR`, at least one. */
  readonly directories: ReadonlyArray<string>
  readonly perRepository: boolean
  readonly defaultRepository: string | undefined
  readonly readOnly: boolean
  readonly allowDelete: boolean
  readonly allowedDirectories: ReadonlyArray<string>
  readonly durability: Durability
  readonly symlinks: SymlinkPolicy
}
