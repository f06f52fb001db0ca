/** What `ocilayout mcp` was asked to serve. */
import type { Durability, HoldPolicy, SymlinkPolicy } from "../../node/index.ts"
import type { HttpFlags } from "./httpOptions.ts"

export interface McpOptions extends HttpFlags {
  /** `[ID=]DIR`, at least one; a DIR may be `s3://BUCKET/PREFIX`. */
  readonly directories: ReadonlyArray<string>
  /** Whether a directory that does not exist, or is empty, becomes a layout with the first write. */
  readonly create: boolean
  readonly perRepository: boolean
  readonly defaultRepository: string | undefined
  /** The store of buckets, where it is not that of the environment. */
  readonly endpoint: string | undefined
  readonly sse: string | undefined
  readonly readOnly: boolean
  readonly allowDelete: boolean
  readonly confirm: boolean
  readonly allowedDirectories: ReadonlyArray<string>
  /** Hosts of registries, with their ports where they have some. */
  readonly allowedRegistries: ReadonlyArray<string>
  /** Names of toolsets, and of tools; none of either selects all. */
  readonly toolsets: ReadonlyArray<string>
  readonly tools: ReadonlyArray<string>
  readonly excludedTools: ReadonlyArray<string>
  readonly durability: Durability
  readonly hold: HoldPolicy
  readonly symlinks: SymlinkPolicy
}
