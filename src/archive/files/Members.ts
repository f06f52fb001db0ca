/** The files in an archive, whatever it is: by name, each readable at any place. */
import type { Effect, Scope, Stream } from "effect"
import type { ArchiveInvalid, StorageError, SymlinkRefused } from "../../oci/OciError.ts"

export type MemberError = ArchiveInvalid | StorageError | SymlinkRefused

/** What of a member is read; see `Reading`. */
export interface MemberReading<E> {
  readonly from: number
  readonly to: number
  readonly passing: boolean
  readonly see?: (piece: Uint8Array) => void
  readonly approve?: Effect.Effect<void, E>
}

export interface Member {
  /** As it is named in the archive, without `./` before it. */
  readonly name: string
  readonly size: number
  readonly read: <E = never>(reading: MemberReading<E>) => Stream.Stream<Uint8Array, E | MemberError, Scope.Scope>
}

export interface Members {
  /** The archive, as failures tell of it. */
  readonly path: string
  readonly names: ReadonlyArray<string>
  /** A member by its name; links inside the archive are followed. */
  readonly find: (name: string) => Member | undefined
}
