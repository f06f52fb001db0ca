/** The file of an archive that makes it a bundle: it tells which content was left out. */
import { Result } from "effect"
import { fieldOf, isList, type JsonObject } from "../../oci/Descriptor.ts"
import { type ContentDigest, isContentDigest } from "../../oci/Digest.ts"
import { jsonBytes } from "../../oci/Json.ts"

export const bundleFile = "ocilayout-bundle.json"

const version = "1.0.0"

export const writeBundleFile = (base: Iterable<ContentDigest>): Uint8Array =>
  jsonBytes({ bundleVersion: version, base: Array.from(base).toSorted() })

/** Digests of what was left out, or why the document does not tell. */
export const readBundleFile = (document: JsonObject): Result.Result<ReadonlySet<ContentDigest>, string> => {
  if (fieldOf(document, "bundleVersion") !== version) {
    return Result.fail(`${bundleFile} does not say version ${version}`)
  }
  const base = fieldOf(document, "base")
  const digests = isList(base) ? base.filter(isContentDigest) : []
  return isList(base) && digests.length === base.length
    ? Result.succeed(new Set(digests))
    : Result.fail(`${bundleFile} has a base that is no list of digests`)
}
