/** Where blobs lie. */
import { algorithmOf, type ContentDigest, encodedOf, isContentDigest } from "../../oci/Digest.ts"

export const blobsFolder = "blobs/"

export const keyOfBlob = (digest: ContentDigest): string => `${blobsFolder}${algorithmOf(digest)}/${encodedOf(digest)}`

export const digestOfKey = (key: string): ContentDigest | undefined => {
  const name = key.startsWith(blobsFolder) ? key.slice(blobsFolder.length).replace("/", ":") : ""
  return isContentDigest(name) ? name : undefined
}
