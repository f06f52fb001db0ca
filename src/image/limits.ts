/** How much of an image is looked at before it is refused; one place for all of it. Everything in an image is hostile. */

/** How much a layer may be; more is `LayerInvalid`. */
export interface LayerLimits {
  /** Files of one layer, whiteouts included. */
  readonly entries: number
  /** Bytes of the table of contents of one layer: names, links and attributes above all. */
  readonly tableBytes: number
  /** Bytes of one layer, uncompressed, with the holes of sparse files. */
  readonly size: number
  /** How many times the size of its blob a layer may have, once it has `ratioFrom` bytes. */
  readonly ratio: number
  readonly ratioFrom: number
}

/** The limits by default. */
export const layerLimits: LayerLimits = {
  entries: 1_000_000,
  tableBytes: 128 * 1024 * 1024,
  size: 64 * 1024 * 1024 * 1024,
  ratio: 200,
  ratioFrom: 1024 * 1024 * 1024
}

/** Between two places from which a gzip can be read on, in bytes of its content. */
export const checkpointSpan = 4 * 1024 * 1024

/** Bytes of the table of contents that a layer has of itself, packed and unpacked. */
export const ownTableBytes = 64 * 1024 * 1024

/** Bytes that a file can have before it in a member of eStargz that it shares with others. */
export const innerBytes = 64 * 1024 * 1024

/** Bytes of the files of one image that are looked through for lines. */
export const grepBytes = 16 * 1024 * 1024 * 1024

/** Files of all layers of one image. */
export const imageEntries = 4_000_000

/** Names that may be gone through to put the layers of one image together: links make each cost many. */
export const foldSteps = 50_000_000

/** Bytes of one path, as Linux has it; and how deep folders lie in each other. */
export const pathBytes = 4096
export const depth = 4096

/** Links on the way to one file, as in Linux. */
export const links = 40
