/** What several copies did together. */
import type { Copied } from "../api/Copy.ts"

type Count = "manifests" | "blobsCopied" | "blobsPresent" | "bytesCopied"

/** The sums, by the names that they have in the JSON of every surface. */
export const copyCounts = (copies: ReadonlyArray<Pick<Copied, Count>>) => {
  const sum = (count: Count): number => copies.reduce((total, one) => total + one[count], 0)
  return {
    manifests: sum("manifests"),
    blobs_copied: sum("blobsCopied"),
    blobs_present: sum("blobsPresent"),
    bytes_copied: sum("bytesCopied")
  }
}
