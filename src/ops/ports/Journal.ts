/** The port for what has happened to one layout. */
import type { Effect, Stream } from "effect"
import type { Commit } from "../../layout/Commit.ts"
import type { State } from "../../layout/State.ts"
import type { ReadFault } from "../../oci/faults.ts"

/** A commit, or what will be one. */
export interface FoundCommit extends Commit {
  /** It is not on record yet: what it says may still grow, until the next write records it. */
  readonly pending?: true
  /** Which journal it is in: another one begins where the first was lost. */
  readonly journal?: string
}

/** What has happened to one layout. All users who may read the layout may read it. */
export interface Journal {
  /** One signal at once, and then one after each possible change. It says neither what changed nor how many changes. */
  readonly changes: Stream.Stream<void>
  /**
   * The commits that happened, newest first, those before the revision `before` if it is given. What others have
   * changed since the last one comes first, as the commit that the next write will make of it. `HistoryInvalid` where
   * the history has been edited or cut; what comes after that point is right.
   *
   * Commits whose events do not have the text `mentioning` in them may be left out, which is faster.
   */
  readonly commits: (
    options?: { readonly before?: number | undefined; readonly mentioning?: string | undefined }
  ) => Stream.Stream<FoundCommit, ReadFault>
  /**
   * Commits of layouts that were here before and were removed since a time, with all but our own folder; what they name
   * can be had for as long as things can be undone.
   */
  readonly putAside: (since: number) => Stream.Stream<FoundCommit, ReadFault>
  /** The state after the commit of a revision; 0 is before the first. `RevisionUnknown` where it is kept no longer. */
  readonly stateAt: (revision: number) => Effect.Effect<State, ReadFault>
}
