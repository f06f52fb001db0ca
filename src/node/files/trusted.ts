/**
 * What this process has found out about files. The stat of a file identifies its bytes only if its times show every
 * change.
 */
import type { FileStat } from "../fs/LayoutFs.ts"
import { type Contents, makeContents } from "./contents.ts"
import { identityOf, isAsWritten } from "./identity.ts"
import type { LayoutFiles } from "./layoutFiles.ts"

/** A file before its bytes were read, or after they were written. */
export interface Seen {
  readonly stat: FileStat
  /** Whether any later change of the file shows in its times. */
  readonly mtimeReliable: boolean
}

/** Files of which something is known, by identity. A changed file has another identity. */
export interface FileSet {
  readonly has: (stat: FileStat) => boolean
  /** A file that could change without looking changed is not remembered. */
  readonly add: (seen: Seen) => void
}

export const makeVerified = (limit = 65_536): FileSet => {
  const known = new Set<string>()
  return {
    has: (stat) => known.has(identityOf(stat)),
    add: ({ mtimeReliable, stat }) => {
      if (!mtimeReliable) return
      known.add(identityOf(stat))
      const [oldest] = known
      if (known.size > limit && oldest !== undefined) known.delete(oldest)
    }
  }
}

/** What this process knows of files. */
export interface Trusted {
  /** Their bytes are those of their digest. */
  readonly verified: FileSet
  /** They survive a power cut, as far as the layout promises that. */
  readonly durable: FileSet
  /** The bytes of small ones. */
  readonly contents: Contents
}

export const makeTrusted = (): Trusted => ({
  verified: makeVerified(),
  durable: makeVerified(),
  contents: makeContents()
})

/**
 * A file after we gave it a name or took one away, which changes its times though not its bytes. It is believed where
 * the times of files tell every change. Elsewhere a change of the bytes at the same moment would not show.
 */
export const afterNaming = ({ times }: LayoutFiles, before: Seen, after: FileStat): Seen => {
  const was = identityOf(before.stat)
  const shows = identityOf(after) === was || (times.exact && isAsWritten(was, after))
  return { stat: after, mtimeReliable: before.mtimeReliable && shows }
}
