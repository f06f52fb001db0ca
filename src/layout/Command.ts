/** What a caller may ask of a layout. What a decision needs from outside arrives here as evidence. */
import type { Result } from "effect"
import type { Descriptor } from "../oci/Descriptor.ts"
import type { ContentDigest, Digest } from "../oci/Digest.ts"
import type {
  BlobUnknown,
  Conflict,
  IndexTooLarge,
  ManifestBlobUnknown,
  ManifestUnknown,
  Referenced,
  TagExists
} from "../oci/OciError.ts"
import type { Repository, Tag } from "../oci/Reference.ts"
import type { Entry } from "./Entry.ts"
import type { Event } from "./Event.ts"
import type { State } from "./State.ts"

/** A tag to set, and the condition under which it may be. */
export interface TagWrite {
  readonly tag: Tag
  /** Only if the tag points at this digest now. */
  readonly ifDigest?: Digest
  /** Only if the tag does not exist, or already is what it is to become. */
  readonly ifAbsent?: boolean
}

/** Something a manifest needs: where the manifest names it (`config`, `layers[0]`, `manifests[2]`) and its digest. */
export interface Missing {
  readonly path: string
  readonly digest: string
}

/** Makes a stored manifest reachable in a repository, by its tags or, without any, by its digest. */
export interface PutManifest {
  readonly _tag: "PutManifest"
  readonly repository: Repository
  readonly descriptor: Descriptor
  readonly tags: ReadonlyArray<TagWrite>
  /** Evidence: which of the things it needs are not in the layout. */
  readonly missing: ReadonlyArray<Missing>
}

/** Removes a tag; the manifest stays reachable by digest. */
export interface DeleteTag {
  readonly _tag: "DeleteTag"
  readonly repository: Repository
  readonly tag: Tag
  /** Only if the tag points at this digest now. */
  readonly ifDigest?: Digest
}

/** Removes the entries whose name is exactly this text, valid or not. */
export interface DeleteName {
  readonly _tag: "DeleteName"
  readonly refName: string
  /** Whether the manifest stays reachable by digest, in the default repository. */
  readonly keep: boolean
  /** Only if the first of them has this digest now. */
  readonly ifDigest?: Digest
}

/** Points the first entry that is written with exactly a name at another manifest; further ones go. */
export interface MoveName {
  readonly _tag: "MoveName"
  readonly refName: string
  readonly descriptor: Descriptor
  /** Only if the first of them has this digest now. */
  readonly ifDigest?: Digest
  /** Evidence: what it needs that is not in the layout. */
  readonly missing: ReadonlyArray<Missing>
}

/** Removes a manifest's entries, tagged and untagged, from a repository. */
export interface DeleteManifest {
  readonly _tag: "DeleteManifest"
  readonly repository: Repository
  readonly digest: Digest
  readonly force: boolean
  /** Evidence: the manifests of the repository that name it, as child or as subject. */
  readonly neededBy: ReadonlyArray<string>
}

/** Removes a blob from the layout. */
export interface DeleteBlob {
  readonly _tag: "DeleteBlob"
  readonly digest: ContentDigest
  /** Evidence: whether it is there. */
  readonly present: boolean
  /** Evidence: the manifests of the layout that name it or are it, and those that could not be read to tell. */
  readonly neededBy: ReadonlyArray<string>
}

/** Takes a commit back: each name it changed becomes what it was before. */
export interface RevertCommit {
  readonly _tag: "RevertCommit"
  /** The states around the commit. */
  readonly before: State
  readonly after: State
  /** Also where a name has been changed again since. */
  readonly force: boolean
  /** By name, the last revision after the commit that changed it. */
  readonly later: ReadonlyMap<string, number>
  /** Evidence: which of the things that what comes back needs are not in the layout. */
  readonly missing: ReadonlyArray<Missing>
}

/** The whole layout, a repository, or one tag of it. */
export interface Scope {
  readonly repository?: Repository
  readonly tag?: Tag
}

/** Makes a tag, a repository, or the whole layout, what it was. */
export interface RestoreNames {
  readonly _tag: "RestoreNames"
  /** The state to go back to. */
  readonly target: State
  /** Nothing else is touched, but what a tag leaves stays reachable by digest. */
  readonly scope: Scope
  /** Evidence: which of the things that what comes back needs are not in the layout. */
  readonly missing: ReadonlyArray<Missing>
}

/** Removes entries and blobs that nothing needs, as was found in this very state. */
export interface CollectGarbage {
  readonly _tag: "CollectGarbage"
  /** Evidence: entries of the state. */
  readonly entries: ReadonlyArray<Entry>
  /** Evidence: blobs that nothing in the state needs. */
  readonly blobs: ReadonlyArray<ContentDigest>
  /** Whether blobs are deleted at once; otherwise they can be put back for a day, where a tool counted on them. */
  readonly atOnce: boolean
}

/** Several commands of one layout that happen together or not at all, each on the state its predecessors leave. */
export interface Batch {
  readonly _tag: "Batch"
  readonly commands: ReadonlyArray<Command>
}

/** What can be asked of a layout, with the evidence that it is decided on. */
export type Command =
  | PutManifest
  | DeleteTag
  | DeleteManifest
  | DeleteName
  | MoveName
  | DeleteBlob
  | RevertCommit
  | RestoreNames
  | CollectGarbage
  | Batch

/** How large an index may become. */
export interface IndexLimits {
  readonly entries: number
  readonly bytes: number
}

/** The largest index: a million entries, 256 MiB. */
export const indexLimits: IndexLimits = { entries: 1_000_000, bytes: 256 * 1024 * 1024 }

/** Why a command is refused. */
export type Refusal =
  | BlobUnknown
  | Conflict
  | IndexTooLarge
  | ManifestBlobUnknown
  | ManifestUnknown
  | Referenced
  | TagExists

/** The events of a command, or why it is refused; nothing to do is no events. */
export type Decision = Result.Result<ReadonlyArray<Event>, Refusal>
