/** What a server offers: its layouts, and what may be done to them. */
import type { Array, Effect, Scope, Stream } from "effect"
import type { Inside } from "../../image/inside/openImage.ts"
import type { FolderTar, LayerMaker } from "../../make/ports/LayerMaker.ts"
import type { RegistryError } from "../../oci/OciError.ts"
import type { Copied, CopyOptions, CopyReads, CopySource, CopyWrites } from "../../ops/api/Copy.ts"
import type { LayoutRegistry } from "../../ops/api/Layout.ts"
import type { RegistryReads } from "../../ops/api/Registry.ts"
import type { LocalFiles } from "../../ops/ports/LocalFiles.ts"

/**
 * What may be done to the layouts: `read` changes nothing, `write` adds and does what can be undone (tags and manifests
 * move and go), `delete` also removes content.
 */
export type Mode = "read" | "write" | "delete"

/** A layout that a server offers. */
export interface ServedLayout {
  /** How tools name the layout when there are several. */
  readonly id: string
  /** Where it is, for clients on this machine; clients that may be elsewhere are told no path. */
  readonly path?: string | undefined
  readonly registry: LayoutRegistry
  /** Whether every repository is a layout of its own; otherwise they share one, and blobs belong to all of them. */
  readonly perRepository: boolean
}

/** The registries on the network that a server may reach, by the names of their hosts. */
export interface Registries {
  readonly hosts: ReadonlyArray<string>
  /** Opens one of them, to take a repository from it or to bring one there; it is asked before that the host is among them. */
  readonly open: (
    host: string,
    repository: string,
    way: "from" | "to"
  ) => Effect.Effect<CopyReads & CopyWrites, RegistryError>
}

/** Archives of images, read and written. */
export interface Archives {
  /** Takes in all that an archive holds, in one commit; `file` is what it is called, `content` its bytes. */
  readonly take: (
    archive: { readonly file: string; readonly content: Stream.Stream<Uint8Array, RegistryError> },
    registry: CopyWrites & Pick<RegistryReads, "resolveBlob">,
    options: Pick<CopyOptions, "onProgress"> & { readonly move: boolean }
  ) => Effect.Effect<{ readonly images: ReadonlyArray<Copied> }, RegistryError, Scope.Scope>
  /** What an archive of these images will hold, and its bytes. */
  readonly make: (
    images: ReadonlyArray<{ readonly source: CopySource; readonly names: ReadonlyArray<string> }>,
    options: Pick<CopyOptions, "platform" | "referrers">
  ) => Effect.Effect<
    {
      readonly manifests: number
      readonly blobs: number
      readonly size: number
      readonly content: Stream.Stream<Uint8Array, RegistryError>
    },
    RegistryError
  >
}

/** What making images needs of the machine of the server. */
export interface Making {
  readonly maker: LayerMaker
  readonly folderTar: FolderTar
}

/** What a server offers: its layouts, what may be done to them, and the files it may use. */
export interface ServerConfig {
  /** The first one is meant where none is named. */
  readonly layouts: Array.NonEmptyReadonlyArray<ServedLayout>
  readonly mode: Mode
  readonly files: LocalFiles
  /** Looks inside images; without it the tools that do so are not offered. */
  readonly inside?: Inside
  /** Makes layers; without it the tools that make images are not offered. */
  readonly making?: Making
  /** The registries that images may be taken from and sent to; without it the tools that do so are not offered. */
  readonly registries?: Registries
  /** Reads and writes archives in the allowed directories; without it the tools that do so are not offered. */
  readonly archives?: Archives
  /** The document that shows the results of tools in clients that show such; without it none is shown. */
  readonly view?: (() => string) | undefined
  /** Whether a person is asked, where the client can ask, before content goes for good or many names are restored; not by default. */
  readonly confirm?: boolean | undefined
}

export const isWritable = ({ mode }: Pick<ServerConfig, "mode">): boolean => mode !== "read"

/** Whether files can be pushed from, and exported to, the machine of the server: a server that only reads moves none. */
export const movesFiles = (served: ServerConfig): boolean => isWritable(served) && served.files.allowed.length > 0

/** Whether answers say which file holds content. */
export const tellsPaths = ({ layouts }: Pick<ServerConfig, "layouts">): boolean => layouts[0].path !== undefined
