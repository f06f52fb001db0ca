/** Looking after a layout: what is wrong with it, and what of that can be put right. */
import type { Effect, Option, Stream } from "effect"
import type { ContentSource } from "./Content.ts"
import type { RepairError, VerifyError } from "./errors.ts"
import type { Finding, FindingCode } from "./findings.ts"

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

/** What is looked at, and how deep. Without options, everything, at level `content`. */
export interface VerifyOptions {
  /** Only what this repository needs; otherwise everything there is. */
  readonly repository?: string | undefined
  /** Only what this tag or digest of the repository needs. */
  readonly reference?: string | undefined
  /** Only what the entry with exactly this name needs, as `resolveName` finds it. */
  readonly name?: string | undefined
  /** `content` by default. */
  readonly level?: Level | undefined
  /**
   * Whether content that manifests need may be absent on purpose, as in a sparse index or layout: that it is missing is
   * `info` then, and what is there is checked as always. False by default.
   */
  readonly sparse?: boolean | undefined
}

/** A finding as soon as it is known, or how far the work has got; what was looked at in all comes last. */
export type VerifyStep =
  | { readonly _tag: "Found"; readonly finding: Finding }
  | ({ readonly _tag: "Checked" } & Checked)

/** What of a finding says what is to be repaired; all else is looked at again. */
export type Repairable = Pick<Finding, "code" | "path" | "digest" | "repository" | "affected">

/** What is repaired, and from where missing content comes. Without options, all that is found. */
export interface RepairOptions {
  /** What to repair; otherwise what `verify` finds in the whole layout. */
  readonly findings?: ReadonlyArray<Repairable> | undefined
  /** Only findings of these codes. */
  readonly codes?: ReadonlyArray<FindingCode> | undefined
  /** How deep to look for what is to be repaired; `content` by default. */
  readonly level?: Level | undefined
  /** Where content is taken from that is missing or damaged here; it is verified when it is stored. */
  readonly source?: ContentSource | undefined
  /** Only say what would be done. */
  readonly dryRun?: boolean | undefined
}

/** What became of a finding. */
export interface RepairStep {
  readonly code: FindingCode
  readonly path: string
  readonly digest?: string
  /** What was, or would be, done; or why nothing was. */
  readonly what: string
  /** The commit that did it, where the index was changed. */
  readonly revision: Option.Option<number>
}

/** What a repair did, and what is left with the reason. */
export interface Repaired {
  readonly done: ReadonlyArray<RepairStep>
  readonly left: ReadonlyArray<RepairStep>
}

/** What is wrong with a layout. */
export interface MaintenanceReads {
  /**
   * Looks for everything that is wrong, as `findings` lists it. Damage is a result, even where nothing can be read;
   * only a medium that fails (`StorageError`) and a name that is not there (`NameUnknown`, `ManifestUnknown`) are
   * errors.
   */
  readonly verify: (options?: VerifyOptions) => Stream.Stream<VerifyStep, VerifyError>
}

/** Putting it right. */
export interface MaintenanceWrites {
  /**
   * Does what is safe: only abandoned files that were not touched for a day are deleted. What changes what the index
   * says is a commit and can be reverted; damaged files are moved to `.ocilayout/quarantine`. Only what can be looked
   * for at all can fail; what could not be done is told with the reason.
   */
  readonly repair: (options?: RepairOptions) => Effect.Effect<Repaired, RepairError>
}
