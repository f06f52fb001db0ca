/** What every command answers with `--json`, by its name: published in `schemas/`, and changed only by adding fields. */
import { Loaded, Saved } from "./commands/archive.ts"
import { BlobPushed, BlobStat, Mounted } from "./commands/blob.ts"
import { BundleApplied, BundleCreated } from "./commands/bundle.ts"
import { Copied } from "./commands/copy.ts"
import { Diff } from "./commands/diff.ts"
import { AllSizes } from "./commands/du.ts"
import { Extracted } from "./commands/extract.ts"
import { Files, Which } from "./commands/files.ts"
import { Collected, Pinned, Pins } from "./commands/garbage.ts"
import { Grep } from "./commands/grep.ts"
import { Commit, History, Restored } from "./commands/history.ts"
import { Made } from "./commands/init.ts"
import { Inspected } from "./commands/inspection.ts"
import { Inventory } from "./commands/inventory.ts"
import { Repositories, Tags } from "./commands/list.ts"
import { LoggedIn, LoggedOut } from "./commands/login.ts"
import { Deleted, ManifestPushed } from "./commands/manifest.ts"
import { FoundPackage, Packages } from "./commands/packages.ts"
import { Manifest } from "./commands/printManifest.ts"
import { Referrers, Resolved } from "./commands/resolve.ts"
import { Synced } from "./commands/sync.ts"
import { Tagged } from "./commands/tag.ts"
import { Transferred } from "./commands/transfer.ts"
import { Repaired, Verified } from "./commands/upkeep.ts"
import { Cancelled, Committed, Upload, Uploads } from "./commands/upload.ts"
import { Usage } from "./commands/usage.ts"
import { ArtifactMade, ArtifactPulled, Artifacts } from "./making/artifact.ts"
import { Made as Manifested } from "./making/made.ts"

export const schemas = {
  annotate: Manifested,
  "artifact attach": ArtifactMade,
  "artifact list": Artifacts,
  "artifact pull": ArtifactPulled,
  "artifact push": ArtifactMade,
  "blob delete": Deleted,
  "blob mount": Mounted,
  "blob push": BlobPushed,
  "blob stat": BlobStat,
  "bundle apply": BundleApplied,
  "bundle create": BundleCreated,
  cat: Manifest,
  copy: Copied,
  diff: Diff,
  du: AllSizes,
  extract: Extracted,
  files: Files,
  find: Files,
  /** One on each line. */
  "find-package": FoundPackage,
  gc: Collected,
  grep: Grep,
  history: History,
  init: Made,
  "image append": Manifested,
  "image build": Manifested,
  "image flatten": Manifested,
  "image mutate": Manifested,
  "image rebase": Manifested,
  "index add": Manifested,
  "index create": Manifested,
  "index prune": Manifested,
  "index remove": Manifested,
  inspect: Inspected,
  inventory: Inventory,
  load: Loaded,
  login: LoggedIn,
  logout: LoggedOut,
  "manifest delete": Deleted,
  "manifest get": Manifest,
  "manifest push": ManifestPushed,
  packages: Packages,
  pin: Pinned,
  pins: Pins,
  pull: Transferred,
  push: Transferred,
  referrers: Referrers,
  repair: Repaired,
  repositories: Repositories,
  resolve: Resolved,
  restore: Restored,
  revert: Restored,
  rm: Deleted,
  save: Saved,
  sync: Synced,
  "tag delete": Deleted,
  "tag set": Tagged,
  tags: Tags,
  unpin: Pinned,
  "upload append": Upload,
  "upload cancel": Cancelled,
  "upload commit": Committed,
  "upload list": Uploads,
  "upload start": Upload,
  "upload status": Upload,
  usage: Usage,
  /** One of these on each line, the summary last. */
  verify: Verified,
  /** One on each line. */
  watch: Commit,
  which: Which
} as const
