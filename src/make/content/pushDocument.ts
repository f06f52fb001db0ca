/** Documents that are made: configs as blobs, and manifests in the commit that ends the work. */
import { Effect, Stream } from "effect"
import type { Descriptor, JsonObject } from "../../oci/Descriptor.ts"
import { jsonBytes } from "../../oci/Json.ts"
import type { ManifestPushed } from "../../ops/api/Done.ts"
import type { PushBlobError, PushManifestError } from "../../ops/api/errors.ts"
import type { PushManifestOptions } from "../../ops/api/Registry.ts"
import type { MakeTarget } from "./Made.ts"

/** Stores a small blob, and answers its descriptor. */
export const pushDocument = (
  { registry, repository }: MakeTarget,
  bytes: Uint8Array,
  mediaType: string
): Effect.Effect<Descriptor, PushBlobError> =>
  Effect.map(
    registry.pushBlob(repository, Stream.succeed(bytes), { mediaType, size: bytes.length }),
    ({ descriptor }) => descriptor
  )

/** Stores a manifest with the tags of the target, in one commit. */
export const pushMade = (
  { registry, repository, tags = [] }: MakeTarget,
  document: JsonObject | Uint8Array,
  mediaType: string,
  options: Pick<PushManifestOptions, "fallbackTag" | "sparse" | "stored"> = {}
): Effect.Effect<ManifestPushed, PushManifestError> =>
  registry.pushManifest(
    repository,
    document instanceof Uint8Array ? document : jsonBytes(document),
    mediaType,
    { ...options, tags }
  )
