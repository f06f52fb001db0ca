/** What making layers needs from the platform: compression, and files and folders of it. */
import type { Stream } from "effect"
import type { LayerCodec } from "../../image/ports/LayerCodec.ts"
import type { InputUnsuitable, StorageError } from "../../oci/OciError.ts"

/** How layers are compressed. */
export interface Compressing {
  readonly kind: "none" | "gzip" | "zstd"
  /** From 1, fast, to 9 for gzip and 19 for zstd, small; 6 for gzip and 3 for zstd by default. */
  readonly level?: number | undefined
}

/** What making layers needs from the platform. */
export interface LayerMaker {
  readonly codec: LayerCodec
  /** Compresses pieces that are its to keep; the same bytes, level and version of the platform give the same bytes. */
  readonly compress: <E>(
    content: Stream.Stream<Uint8Array, E>,
    how: Compressing
  ) => Stream.Stream<Uint8Array, E | InputUnsuitable>
}

/** How a folder becomes a layer. */
export interface FolderOptions {
  /** Where it is in the image; the root by default. */
  readonly at?: string | undefined
  /** Whether files keep their owners; by default all of them are root's. */
  readonly owners?: boolean | undefined
  /** Seconds since 1970: what was changed later counts as changed then. */
  readonly latest?: number | undefined
  /** Files that are left out: patterns as `.dockerignore` has them, of paths below the folder. Nothing by default. */
  readonly exclude?: ReadonlyArray<string> | undefined
  /**
   * Whether the path was looked at before, and has no link in it: where it leads elsewhere by now, that fails. By default a
   * path may be a link.
   */
  readonly resolved?: boolean | undefined
}

/** Makes a tar of a folder: names in the order of their bytes, links as they are, nothing followed. */
export type FolderTar = (
  directory: string,
  options?: FolderOptions
) => Stream.Stream<Uint8Array, InputUnsuitable | StorageError>
