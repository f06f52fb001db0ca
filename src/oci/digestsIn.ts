/** Digests in a text, whatever it is. */

/**
 * Content is looked for by the hexadecimal digits alone, in either case: a digest in upper case, without its algorithm,
 * or with a hyphen in the place of the colon is one that we do not understand, and names content all the same.
 */
const anyDigest = /(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{128})(?![0-9a-f])/giu

/** What a text may name. */
export const digestsIn = (text: string): ReadonlyArray<string> =>
  (text.match(anyDigest) ?? []).map((hex) => `${hex.length === 64 ? "sha256" : "sha512"}:${hex.toLowerCase()}`)
