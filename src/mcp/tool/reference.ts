/** Reads what references lead to, and says in answers where that was. */
import { Effect, type Stream } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { field } from "../../oci/field.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import { blobRepository, type Source } from "../../ops/refs/find.ts"
import * as limits from "./limits.ts"
import { ContentTooLarge, type ToolError } from "./SurfaceError.ts"

/** How an answer says where something was found. */
export const sourceFields = (
  { name, repository }: Source
): { readonly repository?: string; readonly name?: string } => ({
  ...field("repository", repository),
  ...field("name", name)
})

/** The bytes of a manifest; below a raw name there is no repository to ask, so they are read as the blob they also are. */
export const manifestBytes = (source: Source, descriptor: Descriptor): Effect.Effect<Uint8Array, ToolError> =>
  source.repository === undefined
    ? blobBytes(source, descriptor)
    : Effect.map(source.layout.registry.getManifest(source.repository, descriptor.digest), ({ bytes }) => bytes)

/** A small blob, whole and verified. */
const blobBytes = Effect.fnUntraced(function*(source: Source, { digest, size }: Descriptor) {
  if (size > limits.documentBytes) {
    return yield* new ContentTooLarge({ what: `blob ${digest}`, size, limit: limits.documentBytes, unit: "bytes" })
  }
  const content = yield* source.layout.registry.getBlob(blobRepository(source), digest)
  return yield* collected(content.stream, limits.documentBytes)
}, Effect.scoped)

/** All bytes of a stream that is known, or checked here, to be small. */
export const collected = <E>(
  stream: Stream.Stream<Uint8Array, E>,
  limit: number
): Effect.Effect<Uint8Array, E | ContentTooLarge> =>
  collectBytes(stream, (size) =>
    size > limit
      ? Effect.fail(new ContentTooLarge({ what: "the content", size, limit, unit: "bytes" }))
      : Effect.void)
