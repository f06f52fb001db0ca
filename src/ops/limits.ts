/** How much of a layout or a request is looked at before it is refused; one place for all of it. */

/** Bytes of a manifest or an index document below `index.json` (distribution-spec asks for 4 MiB at least). */
export const manifestBytes = 4 * 1024 * 1024

/** Manifests visited in one walk over a layout. */
export const walkManifests = 1_000_000

/** Indexes inside indexes inside indexes. */
export const walkDepth = 32

/** Bytes of manifests read in one walk over a layout. */
export const walkBytes = 1024 * 1024 * 1024

/** Manifests whose contents are remembered per layout. */
export const rememberedManifests = 65_536

/** Bytes a chunk of an upload had best have, unless its sender wishes otherwise. */
export const chunkBytes = 8 * 1024 * 1024
