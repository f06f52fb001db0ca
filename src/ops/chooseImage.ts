/** Follows an index, and indexes inside it, to the image for a platform. */
import { Effect } from "effect"
import type { Descriptor } from "../oci/Descriptor.ts"
import type { Manifest } from "../oci/Manifest.ts"
import { PlatformUnknown } from "../oci/OciError.ts"
import { childFor, platformOf, platformsOf } from "../oci/Platform.ts"

/** Indexes inside indexes that are followed to a platform. */
const depth = 4

interface Read {
  readonly manifest: Manifest
}

/**
 * What a descriptor names, where that is no index; otherwise the image for `platform` below it, and the child that said
 * what it is for. `PlatformUnknown`.
 */
export const chooseImage = Effect.fnUntraced(function*<A extends Read, E>(
  read: (descriptor: Descriptor) => Effect.Effect<A, E>,
  descriptor: Descriptor,
  platform: string
): Effect.fn.Return<{ readonly manifest: A; readonly child?: Descriptor }, E | PlatformUnknown> {
  let at = yield* read(descriptor)
  let found: Descriptor | undefined
  for (let level = 0; at.manifest.kind === "index"; level++) {
    const child = childFor(at.manifest, platform)
    if (child === undefined || level === depth) {
      return yield* new PlatformUnknown({ platform, available: platformsOf(at.manifest) })
    }
    if (platformOf(child) !== undefined) found = child
    at = yield* read(child)
  }
  return found === undefined ? { manifest: at } : { manifest: at, child: found }
})
