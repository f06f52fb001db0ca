/** How much of an archive is looked at before it is refused: everything in it is hostile. */

/** Members of one archive. */
export const members = 1_000_000

/** Bytes of `index.json`, and of `manifest.json`. */
export const indexBytes = 64 * 1024 * 1024

/** Bytes of an inventory: as many digests as an archive may have members. */
export const inventoryBytes = 128 * 1024 * 1024

/** Bytes of `oci-layout`. */
export const markerBytes = 4096

/** Bytes of the config of an image that `docker save` wrote. */
export const configBytes = 8 * 1024 * 1024

/** Bytes of a compressed archive once it is decompressed, and how many times its size it may have from 1 GiB upwards. */
export const unpackedBytes = 1024 * 1024 * 1024 * 1024
export const ratio = 200
export const ratioFrom = 1024 * 1024 * 1024

/** Links on the way to one member. */
export const links = 8
