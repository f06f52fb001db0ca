/** What an opening of a layout remembers of folders, so that it lists them only when another process has changed them. */

/** What this opening knows of the folders of blobs, so that it lists them only when another process has changed them. */
export interface BlobsSeen {
  /** What each folder looked like when it was listed, or after our own last change of it since. */
  readonly looks: Map<string, string>
  /** Whether one has changed since it was listed, by us alone as far as its times tell. */
  changed: boolean
}

export interface KeptNames {
  /** The digests that have one, as they were listed, and as this opening has changed them since. */
  listed: Set<string> | undefined
  /** Of these, content that is not under `blobs`, and that nothing in the index needed when that was found out. */
  spare: Set<string>
}
