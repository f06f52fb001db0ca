/** The port for what lies about in a layout and is no part of it. */
import type { Effect, Option, Stream } from "effect"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import { leftoverMillis } from "../limits.ts"

/** A file or folder that is no part of the layout. */
export interface Leftover {
  /** Relative to the layout. */
  readonly path: string
  /** Whose it is, as far as its name tells. */
  readonly tool: string | undefined
  readonly bytes: number
  /** When it was touched for the last time: milliseconds since 1970. */
  readonly changed: number
  /** Whether it may be removed once it was not touched for a day. */
  readonly removable: boolean
}

/** Whether a tool may still be at work on what it has left, so that nothing it may count on goes. */
export const isUnfinished = ({ changed, tool }: Leftover, now: number): boolean =>
  tool !== undefined && tool !== "ocilayout" && now - changed < leftoverMillis

/** What tools leave behind in a layout when they are interrupted, and strangers under `blobs/`. */
export interface Leftovers {
  readonly list: Stream.Stream<Leftover, ReadFault>
  /** Removes one that may go; how many bytes went with it, or nothing where it may not, or is not on the list. */
  readonly remove: (path: string) => Effect.Effect<Option.Option<number>, WriteFault>
}
