/** What happened to a layout, what it was at an earlier point, and how to bring that back. */
import type { DateTime, Effect, Option, Stream } from "effect"
import type { NameChange } from "../../layout/changes.ts"
import type { HistoryError, RestoreError, WriteLayoutError } from "./errors.ts"

/** A commit as it is told: which names it moved from where to where. */
export interface HistoryCommit {
  readonly revision: number
  /** To the millisecond; never before that of the commit before. */
  readonly time: DateTime.Utc
  /**
   * `foreign` for what another tool did; `ocilayout` where names of ours were put back, or the index was written anew.
   */
  readonly actor: string
  readonly changes: ReadonlyArray<NameChange>
  /** A change of another tool that is not in the journal yet; until then it may still grow. */
  readonly pending?: true
}

/** Which commits are listed. Without options, all of them. */
export interface HistoryQuery {
  /** Only what was done to this repository. In a tree of layouts it says whose history is meant, and must be given. */
  readonly repository?: string | undefined
  /** Only what was done to this tag of the repository. */
  readonly tag?: string | undefined
  readonly actor?: string | undefined
  /** Nothing older than this. */
  readonly since?: DateTime.DateTime | undefined
  /** Only what comes before this revision, as the last one of the page before says. */
  readonly before?: number | undefined
  /** At most so many; all when absent or not positive. */
  readonly limit?: number | undefined
}

/** Which commits are watched. Without options, all that come from now on. */
export interface WatchOptions {
  /** Only what is done to this repository; in a tree of layouts the one that is watched, which must be given. */
  readonly repository?: string | undefined
  /** The last revision that is known already; by default all that there are. */
  readonly after?: number | undefined
}

/** A point in the history of a layout: a revision, a time, or a tag's Nth previous value. */
export type Point =
  | { readonly revision: number }
  | { readonly time: DateTime.DateTime }
  | { readonly previous: number; readonly repository: string; readonly tag: string }

/** What bringing something back did, or would do. */
export interface Restored {
  /** The number of the new commit; none when all was as it was to be, or nothing was to be done yet. */
  readonly revision: Option.Option<number>
  readonly changes: ReadonlyArray<NameChange>
  /** The revision whose state came back: what the point in history meant. Absent where one commit was taken back. */
  readonly target?: number
}

/** How something is brought back. */
export interface RestoreOptions {
  /** In a tree of layouts it says which layout is meant. */
  readonly repository?: string | undefined
  /** Only says what would change. */
  readonly dryRun?: boolean | undefined
  /** Only if exactly this changes, as a dry run has said; otherwise `Conflict`. */
  readonly expected?: ReadonlyArray<NameChange> | undefined
}

/** What happened to a layout. */
export interface HistoryReads {
  /** Commits, newest first. `HistoryInvalid` in the place where the history has been edited or cut. */
  readonly history: (query?: HistoryQuery) => Stream.Stream<HistoryCommit, HistoryError>
  /**
   * Commits of all processes as they happen, oldest first; the stream never ends. None is left out, however slowly they
   * are taken. What another tool has done comes as soon as it is seen, and comes again under the same revision if it
   * has grown by the time it is recorded. A history that begins anew is told from its beginning. `HistoryInvalid`;
   * `RevisionUnknown` where what comes after `after` is kept no longer.
   */
  readonly watch: (options?: WatchOptions) => Stream.Stream<HistoryCommit, HistoryError>
  /** Begins to watch: the stream tells every commit after this, however long later it is taken. */
  readonly startWatch: (
    options?: WatchOptions
  ) => Effect.Effect<Stream.Stream<HistoryCommit, HistoryError>, HistoryError>
}

/** Keeping a layout as it was acknowledged, and bringing back what it was. */
export interface HistoryWrites {
  /**
   * Keeps one layout as we acknowledged it, until it is interrupted: whenever another tool may have changed it, what
   * that tool overwrote or removed of ours is put back at once, and not only by the next write. In a tree, `repository`
   * says which layout. What cannot be done now is done at the next change.
   */
  readonly tend: (options?: { readonly repository?: string | undefined }) => Effect.Effect<never, WriteLayoutError>
  /**
   * Takes a commit back by a new one: each name it changed becomes what it was before. `Conflict` names those that have
   * been changed again since, unless it is forced; `ManifestBlobUnknown` what is gone that would be needed;
   * `RevisionUnknown`; `Unsupported` for a commit that changed no name.
   */
  readonly revert: (
    revision: number,
    options?: RestoreOptions & { readonly force?: boolean | undefined }
  ) => Effect.Effect<Restored, RestoreError>
  /**
   * Makes the layout, a repository or a tag what it was, by a new commit. What was added since stays in the history,
   * and what a tag leaves stays reachable by digest. `ManifestBlobUnknown`, `RevisionUnknown`.
   */
  readonly restore: (
    request: RestoreOptions & { readonly to: Point; readonly tag?: string | undefined }
  ) => Effect.Effect<Restored, RestoreError>
}
