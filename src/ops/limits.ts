/** How much of a layout or a request is looked at before it is refused; one place for all of it. */
import { Effect } from "effect"
import { LimitExceeded } from "../oci/OciError.ts"

/** Refuses to go on with a walk that has met more than it may. */
export const atMost = (limit: number, found: number, what: string): Effect.Effect<void, LimitExceeded> =>
  found > limit ? Effect.fail(new LimitExceeded({ what, limit })) : Effect.void

/** Bytes of a manifest or an index document below `index.json` (distribution-spec asks for 4 MiB at least). */
export const manifestBytes = 4 * 1024 * 1024

/** Bytes of a config, or of another document beside the manifests, that is read whole. */
export const documentBytes = 16 * 1024 * 1024

/** Manifests visited in one walk over a layout. */
export const walkManifests = 1_000_000

/** How deep indexes may be nested. */
export const walkDepth = 32

/** Bytes of manifests read in one walk over a layout. */
export const walkBytes = 1024 * 1024 * 1024

/** Findings that one repair takes on. */
export const repairFindings = 10_000

/** Bytes of manifests that one copy gives entries, held until its commit: the one that was asked for, and referrers. */
export const copyBytes = 64 * 1024 * 1024

/** How long an abandoned file must be untouched: no copy takes longer between two writes. */
export const leftoverMillis = 24 * 60 * 60 * 1000

/**
 * How long content that a collection has taken away can still be put back, where a tool counted on it: milliseconds.
 */
export const trashMillis = 24 * 60 * 60 * 1000

/** Manifests whose contents are remembered per layout. */
export const rememberedManifests = 65_536

/** The recommended size of a chunk of an upload: bytes. */
export const chunkBytes = 8 * 1024 * 1024

/** How long a plan can be carried out: milliseconds. */
export const planMillis = 60 * 60 * 1000

/** How long what was taken out of the index can be brought back with all of its content: milliseconds. */
export const undoWindowMillis = 7 * 24 * 60 * 60 * 1000

/**
 * How long content stays in any case after it was pushed, mounted or named: milliseconds. Its pusher may be waiting for
 * the next answer.
 */
export const leastGraceMillis = 60 * 60 * 1000

/** How long content stays that nothing has named yet: milliseconds. */
export const graceMillis = 24 * 60 * 60 * 1000
