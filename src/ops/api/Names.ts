/** Entries by the name they are written with, and manifests without a name. */
import type { Effect, Option, Stream } from "effect"
import type { Page } from "../../layout/query.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { ReadFault } from "../../oci/faults.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { ManifestContent } from "./Content.ts"
import type {
  DeleteNameError,
  GetNamedError,
  ListDigestsError,
  ListTagsError,
  MoveNameError,
  ResolveNameError
} from "./errors.ts"

/** What removing an entry by its written name did. Without a revision nothing changed. */
export interface NameDeleted {
  /** What the entry pointed at, as it is written there. */
  readonly digest: string
  readonly revision: Option.Option<number>
}

/** Where an entry with a written name pointed before, and points now. Without a revision nothing changed. */
export interface NameMoved {
  readonly from: string
  readonly to: string
  readonly revision: Option.Option<number>
}

/** An entry of the index whose name cannot be understood. */
export interface UnnamedEntry {
  /** In a tree, the repository whose layout holds the entry. */
  readonly repository?: Repository
  readonly refName?: string
  readonly digest: string
  readonly reason: string
}

/** Entries by the name they are written with, and those without one. */
export interface NamesReads {
  /** The repository that bare tags and nameless entries belong to; none in a tree. */
  readonly defaultRepository: Effect.Effect<Option.Option<Repository>, ReadFault>
  /**
   * The manifests that no tag of the repository names, in order of their digests; in the default repository, those of
   * `unnamed` as well. `NameUnknown`.
   */
  readonly untagged: (repository: string, page?: Page) => Stream.Stream<Descriptor, ListTagsError>
  /** Entries whose name cannot be understood, in index order; in a tree, those of `repository`. */
  readonly unnamed: (repository?: string) => Stream.Stream<UnnamedEntry, ListDigestsError>
  /**
   * An entry by exactly the name it is written with; in a tree, behind its repository and `:` or `/`, or else the first that
   * is written so. `ManifestUnknown`, also where it is a bare tag of several images that have full names; `IndexInvalid`
   * where it is no descriptor.
   */
  readonly resolveName: (refName: string) => Effect.Effect<Descriptor, ResolveNameError>
  /**
   * Everything that entries of exactly this name point at, each with the platform that its entry states: what
   * `resolveName` answers, and then the others. It fails as `resolveName`.
   */
  readonly nameChoices: (refName: string) => Effect.Effect<ReadonlyArray<Descriptor>, ResolveNameError>
  /** The manifest that `resolveName` leads to, or the one with this digest of `nameChoices`: else `ManifestUnknown`. */
  readonly getNamed: (refName: string, digest?: string) => Effect.Effect<ManifestContent, GetNamedError>
}

/** Changes of entries by the name they are written with. */
export interface NamesWrites {
  /**
   * Removes the entries of exactly this name, though it fits no grammar; in a tree, as `resolveName` reads it, and a name
   * alone has to be of one layout only. The manifest stays reachable by digest, in the default repository or in the
   * layout's own, unless `keep` is false. `ManifestUnknown`, `Conflict`.
   */
  readonly deleteName: (
    refName: string,
    options?: { readonly ifDigest?: string | undefined; readonly keep?: boolean | undefined }
  ) => Effect.Effect<NameDeleted, DeleteNameError>
  /**
   * Points the entry of exactly this name, found as `deleteName` finds it, at another manifest, of `repository`, or else
   * of the default one. `ManifestUnknown` where no entry has the name: names that fit no grammar are kept, and not made.
   */
  readonly moveName: (
    refName: string,
    digest: string,
    options?: { readonly ifDigest?: string | undefined; readonly repository?: string | undefined }
  ) => Effect.Effect<NameMoved, MoveNameError>
}
