/** Which file it is, and whether it has changed. */
import type { FileStat } from "../fs/LayoutFs.ts"

/** What makes a change of a file visible; an open handle keeps `ino` from being given to another file. */
export const identityOf = ({ ctimeNs, dev, ino, mtimeNs, size }: FileStat): string =>
  `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`

/** The size of a file, from its identity. */
export const sizeIn = (identity: string): number => Number(identity.split(":")[2])

/**
 * Whether a file is what it was under an identity, its names aside: another name is a change, though not of its bytes.
 */
export const isAsWritten = (identity: string, { dev, ino, mtimeNs, size }: FileStat): boolean =>
  identity.startsWith(`${dev}:${ino}:${size}:${mtimeNs}:`)
