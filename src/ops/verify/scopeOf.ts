/** What is to be verified, by a reference. */
import { Effect, Result } from "effect"
import type { DigestAmbiguous } from "../../oci/OciError.ts"
import type { VerifyError } from "../api/errors.ts"
import type { VerifyOptions } from "../api/Maintenance.ts"
import { findManifest, parseRef, type Place } from "../refs/find.ts"

/**
 * What a reference means. Where the layout cannot be read, what the reference says of itself, so that verification tells
 * why. Fails where the layout can be read and has nothing of that name.
 */
export const scopeOf = Effect.fnUntraced(function*(
  place: Place,
  ref: string
): Effect.fn.Return<VerifyOptions, VerifyError | DigestAmbiguous> {
  const found = yield* Effect.result(findManifest(place, ref))
  if (Result.isSuccess(found)) {
    const { descriptor, name, repository } = found.success
    return repository === undefined ? { name } : { repository, reference: descriptor.digest }
  }
  switch (found.failure._tag) {
    case "DigestAmbiguous":
    case "ManifestUnknown":
    case "NameUnknown":
    case "ReferenceInvalid":
      return yield* found.failure
  }
  return Result.match(parseRef(ref), {
    onFailure: () => ({}),
    onSuccess: ({ by, repository }) => {
      switch (by._tag) {
        case "Tag":
          return { repository, reference: by.tag }
        case "Digest":
          return { repository, reference: by.digest }
        case "Prefix":
          return { repository }
      }
    }
  })
})
