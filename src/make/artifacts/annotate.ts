/** Changes the annotations of a manifest, whatever it is of: a manifest of its own, by another digest. */
import { Effect } from "effect"
import { jsonBytes } from "../../oci/Json.ts"
import type { ImageUnsuitable } from "../../oci/OciError.ts"
import type { CopySource } from "../../ops/api/Copy.ts"
import type { CopyError } from "../../ops/api/errors.ts"
import { readSource } from "../../ops/refs/copySource.ts"
import { documentOf } from "../content/documentOf.ts"
import type { Made, MakeTarget } from "../content/Made.ts"
import { pushAnew } from "../content/pushAnew.ts"
import { type Edits, withEdits } from "../documents/edits.ts"

/** Of `annotate`. */
export type AnnotateError = CopyError | ImageUnsuitable

/** What goes along with other annotations. */
export interface AnnotateOptions {
  /** Whether referrers of the manifest are made anew for the new one; false by default. */
  readonly referrers?: boolean | undefined
}

/**
 * Stores a manifest of the target's repository with other annotations, and with every other field as it was; what is
 * `null` is removed. The manifest that it was made of stays. `ImageUnsuitable` where it has a key twice.
 */
export const annotate = Effect.fn("annotate")(function*(
  source: CopySource,
  target: MakeTarget,
  annotations: Edits,
  { referrers = false }: AnnotateOptions = {}
): Effect.fn.Return<Made, AnnotateError> {
  const reader = readSource(source)
  const found = yield* reader.root
  const document = yield* documentOf(found)
  const changed = withEdits(document, "annotations", annotations)
  const bytes = sameMeaning(document, changed) ? found.bytes : jsonBytes(changed)
  return yield* pushAnew(reader, target, found, { bytes, mediaType: found.descriptor.mediaType }, { referrers })
})

/** Whether nothing has changed, so that the bytes can stay as they are. */
const sameMeaning = (one: object, other: object): boolean => JSON.stringify(one) === JSON.stringify(other)
