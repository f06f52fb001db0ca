/** How far the history of a layout has been told to a receiver, kept beside the layout. */
import type { Effect } from "effect"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"

/** Up to which commit a receiver was told. */
export interface Bookmark {
  /** The last revision that the receiver has taken. */
  readonly after: number
  /** What that commit was: where another one has its number now, the history has begun anew. */
  readonly commit: string
}

/** How far each receiver was told. In a tree of layouts, `repository` says which one is meant. */
export interface Bookmarks {
  /** Nothing where the receiver was told nothing, or what was kept cannot be read. */
  readonly load: (receiver: string, repository?: string) => Effect.Effect<Bookmark | undefined, ReadFault>
  readonly save: (receiver: string, bookmark: Bookmark, repository?: string) => Effect.Effect<void, WriteFault>
}
