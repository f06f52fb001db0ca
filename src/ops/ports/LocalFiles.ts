/** The port for files outside of layouts. */
import type { Effect, Option, Scope, Stream } from "effect"
import type { CreateFileError, ReadFileError } from "../api/errors.ts"

/** Files outside of layouts, inside the directories that a surface allows. */
export interface LocalFiles {
  readonly allowed: ReadonlyArray<string>
  /** Only those of them that are inside one of some directories as well, which are `file:` URIs and have to exist. */
  readonly within: (roots: ReadonlyArray<string>) => Effect.Effect<LocalFiles, ReadFileError>
  /**
   * `length` bytes from `offset`, all by default; a piece may take the place of the one before it. `PathDenied` outside
   * the allowed directories.
   */
  readonly read: (
    path: string,
    window?: { readonly offset: number; readonly length?: number | undefined }
  ) => Effect.Effect<
    { readonly size: number; readonly content: Stream.Stream<Uint8Array, ReadFileError> },
    ReadFileError,
    Scope.Scope
  >
  /** A folder by its path with every link resolved; none for what is no folder. `PathDenied` outside the allowed directories. */
  readonly folder: (path: string) => Effect.Effect<Option.Option<string>, ReadFileError>
  /** Writes a new file; it appears whole or not at all, and never in the place of another. */
  readonly create: <E>(
    path: string,
    content: Stream.Stream<Uint8Array, E>
  ) => Effect.Effect<{ readonly path: string; readonly size: number }, E | CreateFileError>
}
