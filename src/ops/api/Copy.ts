/** Copying a manifest with everything below it: from where, to where, and the result. */
import type { Effect, Option } from "effect"
import type { Digest } from "../../oci/Digest.ts"
import type { NamesReads } from "./Names.ts"
import type { RegistryReads, RegistryShape, TagRequest } from "./Registry.ts"

/** What a copy reads; every registry has it, whatever it is. */
export type CopyReads = Pick<
  RegistryReads,
  "attached" | "choices" | "getBlob" | "getManifest" | "getTag" | "referrers" | "resolveBlob" | "resolveManifest"
>

/** What a copy writes with; every registry has it, whatever it is. */
export interface CopyWrites extends
  Pick<
    RegistryShape,
    "batch" | "mountBlob" | "pushBlob" | "pushManifest" | "resolveManifest" | "resolveTag"
  >
{
  /**
   * Whether manifests are kept apart from blobs, as a registry on the network keeps them: then manifests that only an index
   * names are pushed as manifests, each after what it names, and what has the tags comes last. False by default.
   */
  readonly manifestsApart?: boolean | undefined
}

/** A manifest of a repository, or an entry by exactly the name it is written with. */
export type CopySource =
  | {
    readonly registry: CopyReads
    readonly repository: string
    /** A tag, or a digest. */
    readonly reference: string
  }
  | {
    readonly registry: CopyReads & NamesReads
    readonly refName: string
    /** Of the entry that is meant, where several have the name; the first one by default. */
    readonly digest?: string
  }

/** As `CopySource`, in a registry that can be looked into as well. */
export type ImageSource =
  | { readonly registry: RegistryReads; readonly repository: string; readonly reference: string }
  | { readonly registry: RegistryReads & NamesReads; readonly refName: string; readonly digest?: string }

/** Where a manifest is copied to. */
export interface CopyTarget {
  /** May be the source's; blobs are then mounted. */
  readonly registry: CopyWrites
  readonly repository: string
  /** Set when everything else is there; without any, the manifest is there by its digest. */
  readonly tags?: ReadonlyArray<TagRequest> | undefined
}

/** One of several manifests that are copied in one commit, with the tags that it is to have. */
export interface CopyItem {
  readonly source: CopySource
  readonly tags: ReadonlyArray<TagRequest>
  /** Where it is copied to, in the registry of the target; by default, the repository of the target. */
  readonly repository?: string | undefined
}

/** How far a copy has got, in bytes of what is below the manifests; what is there already counts as done. */
export interface CopyProgress {
  readonly bytes: number
  readonly total: number
}

/**
 * Does work on one key after other work on the same, which is under way. Work answers whether the content is there now; the
 * answer is whether it was left out, since other work has found or brought the content a short while ago.
 */
export type CopyTurns = <E, R>(key: string, work: Effect.Effect<boolean, E, R>) => Effect.Effect<boolean, E, R>

/** What is copied with a manifest, and how. */
export interface CopyOptions {
  /** Only the image of an index that is for this platform, `os/arch[/variant]`; `PlatformUnknown`. */
  readonly platform?: string | undefined
  /**
   * Also what belongs to any manifest that is copied, and what belongs to that: signatures and the like, in every way
   * in which they can be attached. A tag that says so is set in the target as well.
   */
  readonly referrers?: boolean | undefined
  /**
   * Copies what the source has of an image or index, and all manifests as they are; false by default: then content that
   * is missing fails the copy.
   */
  readonly sparse?: boolean | undefined
  /** Blobs under way at once; 4 by default. */
  readonly concurrency?: number | undefined
  readonly onProgress?: ((step: CopyProgress) => Effect.Effect<void>) | undefined
  /** Shared by copies to one target, so that each blob is asked for and sent by one of them; `makeTurns` makes them. */
  readonly turns?: CopyTurns | undefined
}

/** What a copy did. */
export interface Copied {
  readonly repository: string
  /** Of the manifest that was copied: with a platform, the image's. */
  readonly digest: Digest
  /** Those that were asked for, and those of what belongs to it. */
  readonly tags: ReadonlyArray<string>
  /** Manifests and indexes, referrers included. */
  readonly manifests: number
  readonly blobsCopied: number
  /** Blobs that were there already, or that the target could mount. */
  readonly blobsPresent: number
  /** What the source has not and the copy could do without. */
  readonly missing: ReadonlyArray<Digest>
  /** Bytes that went through this process; manifests that are parts of indexes are among them. */
  readonly bytesCopied: number
  /** The number of the commit; none when all of it was there. */
  readonly revision: Option.Option<number>
}
