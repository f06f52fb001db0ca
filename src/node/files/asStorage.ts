/** Failing calls, told as errors of the medium. */
import { Effect } from "effect"
import { relative } from "node:path"
import { type StorageError, SymlinkRefused } from "../../oci/OciError.ts"
import { storageErrorOf } from "../../oci/storageErrorOf.ts"
import { FsError } from "../fs/LayoutFs.ts"

/** Failing calls as the error of the medium, with paths relative to the layout. */
export const asStorage = (root: string): Telling => {
  function tell<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, Told<E>, R>
  function tell<A, R>(effect: Effect.Effect<A, unknown, R>): Effect.Effect<A, unknown, R> {
    return Effect.mapError(effect, (error) => error instanceof FsError ? toldAs(root, error) : error)
  }
  return tell
}

type Told<E> = Exclude<E, FsError> | StorageError | SymlinkRefused
type Telling = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, Told<E>, R>

const toldAs = (root: string, { cause, code, operation, path }: FsError): StorageError | SymlinkRefused => {
  const place = relative(root, path) || "."
  return code === "ELOOP"
    ? new SymlinkRefused({ path: place })
    : storageErrorOf(operation, place, cause, { errno: code, root })
}
