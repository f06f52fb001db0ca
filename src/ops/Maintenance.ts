/** Looking after a layout: what is wrong with it. */
import type { Stream } from "effect"
import type { Repository } from "../oci/Reference.ts"
import type { FindingCode } from "./findings.ts"
import type { RegistryError } from "./ports.ts"

/**
 * `error`: something cannot be read, or not as what it says it is. `warning`: it works, though not for every tool or
 * every reader. `info`: nothing is wrong.
 */
export type Severity = "error" | "warning" | "info"

/** Something that was found wrong, or worth knowing. */
export interface Finding {
  readonly code: FindingCode
  readonly severity: Severity
  /** The file, relative to the layout, or to the root of a tree of them; of several files of one kind, the first. */
  readonly path: string
  /** In a tree of layouts, whose it is. */
  readonly repository?: Repository
  readonly digest?: string
  readonly message: string
  /** Entries that reach it, by their names: `app:v1`, `app@sha256:…`; not all where they are many. */
  readonly affected: ReadonlyArray<string>
  /** Manifests that name it, by their digests; not all where they are many. */
  readonly neededBy: ReadonlyArray<string>
  readonly repair: {
    /** `repair` does it; or does it when it has another layout to take the content from; or a person has to. */
    readonly by: "repair" | "source" | "person"
    readonly how: string
  }
}

/** What has been looked at so far. */
export interface Checked {
  readonly manifests: number
  /** Other content. */
  readonly blobs: number
  /** Of both; at level `content`, those that were hashed. */
  readonly bytes: number
  /** Bytes there will be, once that is known. */
  readonly total?: number
}

/** `links`: everything that is named is there and of its size. `content`: and every byte is what its digest says. */
export type Level = "links" | "content"

export interface VerifyOptions {
  /** Only what this repository needs; otherwise everything there is. */
  readonly repository?: string | undefined
  /** Only what this tag or digest of the repository needs. */
  readonly reference?: string | undefined
  /** Only what the entry with exactly this name needs, as `resolveName` finds it. */
  readonly name?: string | undefined
  /** `content` by default. */
  readonly level?: Level | undefined
}

/** A finding as soon as it is known, or how far the work has got; what was looked at in all comes last. */
export type VerifyStep =
  | { readonly _tag: "Found"; readonly finding: Finding }
  | ({ readonly _tag: "Checked" } & Checked)

export interface MaintenanceShape {
  /**
   * Looks for everything that is wrong, as `findings` lists it. Damage is a result, even where nothing can be read;
   * only a medium that fails (`StorageError`) and a name that is not there (`NameUnknown`, `ManifestUnknown`) are errors.
   */
  readonly verify: (options?: VerifyOptions) => Stream.Stream<VerifyStep, RegistryError>
}
