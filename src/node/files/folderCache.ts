/**
 * What an opening of a layout remembers of folders, so that it lists them only when another process has changed them.
 */

/**
 * What this opening knows of the folders of blobs, so that it lists them only when another process has changed them.
 */
export interface BlobsSeen {
  /** What each folder looked like when it was listed, or after our own last change of it since. */
  readonly looks: Map<string, string>
  /** Whether we have changed a folder since it was listed, and no other change shows in its times. */
  changed: boolean
}

export interface KeptNames {
  /** The digests that have one, as they were listed, and as this opening has changed them since. */
  listed: Set<string> | undefined
  /** Those of `listed` that are missing under `blobs/` and that no entry needed when this was last checked. */
  spare: Set<string>
}
