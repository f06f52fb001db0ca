/** Referrers of a manifest, made anew for one that was made of it. */
import { Effect } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { jsonBytes } from "../../oci/Json.ts"
import type { SourceError } from "../../ops/api/errors.ts"
import type { Change } from "../../ops/api/Registry.ts"
import type { SourceReader } from "../../ops/refs/copySource.ts"
import type { Carried } from "./Made.ts"

/** Types that say "signed", and so are of one digest alone. */
const signature = /cosign|notary\.signature|sigstore|\.sig\b/u

/**
 * The changes that store what refers to one manifest with another one as its subject. Signatures are left: they are of
 * the bytes that they were made for. What is attached by a tag alone is left as well.
 *
 * @param except digests of what is carried along in another way
 */
export const carryReferrers = Effect.fnUntraced(function*(
  reader: SourceReader,
  repository: string,
  from: Descriptor,
  to: Descriptor,
  except: ReadonlySet<string>
): Effect.fn.Return<{ readonly carried: Carried; readonly changes: ReadonlyArray<Change> }, SourceError> {
  const anew: Array<string> = []
  const left: Array<string> = []
  const changes: Array<Change> = []
  for (const { by, descriptor, isList } of yield* reader.attached(from.digest)) {
    if (isList === true || except.has(descriptor.digest)) continue
    if (by !== "subject" || signature.test(descriptor.artifactType ?? "")) {
      left.push(descriptor.digest)
      continue
    }
    const { manifest: { document, mediaType } } = yield* reader.manifest(descriptor)
    anew.push(descriptor.digest)
    changes.push({
      _tag: "PushManifest",
      repository,
      bytes: jsonBytes({ ...document, subject: { mediaType: to.mediaType, digest: to.digest, size: to.size } }),
      mediaType,
      options: { stored: true }
    })
  }
  return { carried: { anew, left }, changes }
})
