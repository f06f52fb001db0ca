/**
 * Names of files in `.ocilayout`. Some file systems keep 143 bytes of a name at most (eCryptfs, where names are encrypted),
 * others 255: no name of ours is longer than 142. What would be is written in base64url in the place of hexadecimal digits.
 */
import { algorithmOf, type ContentDigest, encodedOf, isContentDigest } from "../../oci/Digest.ts"

const shorter = (hex: string): string => Buffer.from(hex, "hex").toString("base64url")

const hexOf = (text: string, bytes: number): string | undefined => {
  if (/^[0-9a-f]*$/u.test(text) && text.length === 2 * bytes) return text
  const read = Buffer.from(text, "base64url")
  return read.length === bytes && read.toString("base64url") === text ? read.toString("hex") : undefined
}

/** A SHA-256, in 43 characters. */
export const nameOfHash = shorter

/** The SHA-256 in a name, also where all its digits are written out; nothing for what is none. */
export const hashOfName = (name: string): string | undefined => hexOf(name, 32)

/** A digest, in 93 characters at most. */
export const nameOfDigest = (digest: ContentDigest): string => {
  const algorithm = algorithmOf(digest)
  const hex = encodedOf(digest)
  return `${algorithm}-${algorithm === "sha256" ? hex : shorter(hex)}`
}

/** The digest in a name, also where all its digits are written out; nothing for what is none. */
export const digestOfName = (name: string): ContentDigest | undefined => {
  const [, algorithm = "", text = ""] = /^(sha256|sha512)-([\w-]+)$/u.exec(name) ?? []
  const digest = `${algorithm}:${hexOf(text, algorithm === "sha256" ? 32 : 64) ?? ""}`
  return isContentDigest(digest) ? digest : undefined
}
