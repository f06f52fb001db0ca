/** Lists of digests, as a command prints them for people and for scripts. */
import { Result } from "effect"
import { fieldOf, isJsonObject, isList } from "../../oci/Descriptor.ts"
import { type ContentDigest, isContentDigest } from "../../oci/Digest.ts"
import { decodeText, readJson } from "../../oci/Json.ts"
import * as limits from "./limits.ts"

/**
 * The digests of an inventory: one on each line, or the JSON that `ocilayout inventory --json` prints; or why it is none.
 * Whether the content is there is found out where a bundle is applied.
 */
export const parseInventory = (bytes: Uint8Array): Result.Result<ReadonlySet<ContentDigest>, string> =>
  Result.gen(function*() {
    const text = yield* decodeText(bytes)
    const listed = text.trimStart().startsWith("{") ? yield* listedIn(bytes) : text.split(/\r?\n/u)
    const digests = new Set<ContentDigest>()
    for (const [at, line] of listed.entries()) {
      const digest = typeof line === "string" ? line.trim() : line
      if (digest === "") continue
      if (!isContentDigest(digest)) return yield* Result.fail(`has no digest in line ${at + 1}`)
      digests.add(digest)
      if (digests.size > limits.members) return yield* Result.fail(`has more than ${limits.members} digests`)
    }
    return digests
  })

const listedIn = (bytes: Uint8Array): Result.Result<ReadonlyArray<unknown>, string> =>
  Result.flatMap(readJson(bytes), (document) => {
    const list = isJsonObject(document) ? fieldOf(document, "digests") : undefined
    return isList(list) ? Result.succeed(list) : Result.fail("has no list of digests")
  })
