/** Content that is not needed any more: first shown, then removed. And pins, which keep content. */
import type { DateTime, Duration, Effect, Option } from "effect"
import type { AgedRule } from "../../layout/retention.ts"
import type { ContentDigest } from "../../oci/Digest.ts"
import type { CollectGarbageError, PinError, PlannedGarbageError, ReadLayoutError, WriteLayoutError } from "./errors.ts"

/** As tags are kept: of `newest` and `maxAge` one at least has to be given. */
export interface RetentionRule extends Omit<AgedRule, "maxAgeMillis"> {
  /** How long they stay after they were moved for the last time. */
  readonly maxAge?: Duration.Input | undefined
}

/** What a collection looks at, and what it keeps. Without options it keeps everything that history may bring back. */
export interface GarbageOptions {
  /** In a tree of layouts, the one that is meant; `Unsupported` in a layout that repositories share. */
  readonly repository?: string | undefined
  /** Also manifests that no tag, index or subject keeps; false by default. */
  readonly untagged?: boolean | undefined
  /** Tags that are kept no longer; none by default. */
  readonly retention?: ReadonlyArray<RetentionRule> | undefined
  /**
   * How long content stays that nothing has named yet: 24 hours by default, and at least an hour after it was pushed.
   */
  readonly grace?: Duration.Input | undefined
  /**
   * For how long what was taken out of the index can still be brought back, 7 days by default; 0 frees all of it now.
   */
  readonly undoWindow?: Duration.Input | undefined
  /**
   * Whether content is deleted at once, with all that earlier collections have taken away; false by default: it stays
   * for a day, since another tool may have seen it and count on it. For people who know that no other tool is at work.
   */
  readonly now?: boolean | undefined
}

/** Content that collections have taken away, and that is deleted a day after. */
export interface Trash {
  readonly blobs: number
  readonly bytes: number
}

/** Something in a layout, and what becomes of it. */
export interface GarbageItem {
  /**
   * A tag that a rule is about, another entry of the index, a blob, an upload session, or a file that some tool has
   * left behind.
   */
  readonly kind: "tag" | "manifest" | "blob" | "upload" | "file"
  /** The name of an entry, the digest of a blob, the id of a session, the path of a file. */
  readonly name: string
  readonly digest?: string
  /** What it takes on the disk; an entry nothing of its own. */
  readonly bytes: number
  readonly goes: boolean
  /** In a sentence without a capital: what needs it, or why nothing does. */
  readonly why: string
}

/** What a collection would remove and what stays, each with the reason. */
export interface GarbagePlan {
  /** What to carry out; none where nothing can be written. */
  readonly id: Option.Option<string>
  /** Until when. */
  readonly expires: DateTime.Utc
  readonly items: ReadonlyArray<GarbageItem>
  /** What carrying it out would free. */
  readonly bytes: number
}

/** What a collection removed, and the bytes of it. */
export interface GarbageCollected {
  readonly removed: ReadonlyArray<GarbageItem>
  /** What was on the plan, and stays because of what has happened since. */
  readonly spared: ReadonlyArray<GarbageItem>
  readonly bytes: number
  /** What is deleted only a day after it was taken away, by the next write or collection after that. */
  readonly trash: Trash
}

/** Pinned content, with its digest. */
export interface PinnedContent extends Omit<Pin, "time"> {
  readonly digest: ContentDigest
  /** Since when. */
  readonly time: DateTime.Utc
}

/** What could go, and what is to stay. A plan that is kept is no change of the layout. */
export interface GarbageReads {
  /**
   * What could go and what stays, each with the reason. Nothing is removed, and of manifests that cannot be read
   * nothing that they may need. `HistoryInvalid` where the past that may be brought back cannot be read.
   */
  readonly planGarbage: (
    options?: GarbageOptions & { readonly keep?: boolean | undefined }
  ) => Effect.Effect<GarbagePlan, WriteLayoutError>
  /** What is on a plan, as it was found then. `PlanExpired`. */
  readonly plannedGarbage: (
    plan: string,
    options?: { readonly repository?: string | undefined }
  ) => Effect.Effect<ReadonlyArray<GarbageItem>, PlannedGarbageError>
  readonly pins: (repository?: string) => Effect.Effect<ReadonlyArray<PinnedContent>, ReadLayoutError>
}

/** Taking out what nothing needs, and saying what is to stay. */
export interface GarbageWrites {
  /**
   * Takes away what is on a plan and may still go; nothing else goes, and nothing that was pushed or named meanwhile.
   * `PlanExpired`.
   */
  readonly collectGarbage: (
    plan: string,
    options?: { readonly repository?: string | undefined }
  ) => Effect.Effect<GarbageCollected, CollectGarbageError>
  /** Keeps a manifest with all it needs, or a blob, even when no tag leads to it. `BlobUnknown`. */
  readonly pin: (repository: string, digest: string) => Effect.Effect<void, PinError>
  /** Whether it was pinned. */
  readonly unpin: (repository: string, digest: string) => Effect.Effect<boolean, PinError>
}

/** That content is to stay though nothing needs it. */
export interface Pin {
  /** What it is, so that what it needs in turn can stay with it. */
  readonly mediaType: string
  /** In bytes. */
  readonly size: number
  /** Milliseconds since 1970. */
  readonly time: number
  readonly actor: string
}

/** What lies in our own folder beside the layout, in number and bytes. */
export interface Held {
  /**
   * Second names of content; where files can have two names they take no space, but a plain copy of the folder does.
   */
  readonly kept: Trash
  /** Of these, content that another tool has removed from the layout. */
  readonly only: Trash
  /** What collections have taken away, deleted a day after. */
  readonly trash: Trash
}
