/** Pins: what is to stay though nothing needs it. */
import { Clock, Effect, Option, Result } from "effect"
import { parseContentDigest } from "../../oci/Digest.ts"
import { kindOf, octetStream } from "../../oci/MediaType.ts"
import { BlobUnknown } from "../../oci/OciError.ts"
import { Actor } from "../api/Actor.ts"
import type { GarbageReads, GarbageWrites } from "../api/Garbage.ts"
import { utcOf } from "../api/utcOf.ts"
import { descriptorsOf } from "../manifests/manifests.ts"
import { readAhead } from "../reachability/belonging.ts"
import { contentOf, needsOfAll } from "../reachability/reachable.ts"
import type { Catalog } from "../repositories/catalog.ts"
import { choose } from "../repositories/choose.ts"

export const makePins = (catalog: Catalog): Pick<GarbageReads, "pins"> & Pick<GarbageWrites, "pin" | "unpin"> => ({
  pin: Effect.fn("Registry.pin")(function*(repository, input) {
    const opened = yield* catalog.open(repository)
    const digest = yield* Effect.fromResult(parseContentDigest(input))
    const time = yield* Clock.currentTimeMillis
    const actor = yield* Actor
    yield* readAhead(opened)
    // Under the lock, so that no collection that did not see the pin takes what it holds.
    yield* opened.layout.transact({
      evidence: Effect.fnUntraced(function*(state) {
        const { reached } = yield* opened.manifests.walk(descriptorsOf(state.entries), false)
        const mediaType = Array.from(reached.values()).find((known) => known.digest === digest)?.mediaType ??
          octetStream
        const isManifest = kindOf(mediaType) !== "other"
        const size = yield* opened.blobs.protect(digest, { manifest: isManifest })
        if (Option.isNone(size)) return yield* new BlobUnknown({ digest })
        // It is held with all that it needs, so that no other tool's collection takes any of it.
        const needs = yield* needsOfAll(opened, { entries: [] }, [{ mediaType, digest, size: size.value }])
        for (const [needed, manifest] of contentOf(needs)) yield* opened.blobs.protect(needed, { manifest })
        yield* opened.pins.add(digest, { mediaType, size: size.value, time, actor })
      }),
      decide: () => Result.succeed([])
    })
  }),

  unpin: Effect.fn("Registry.unpin")(function*(repository, input) {
    const opened = yield* catalog.open(repository)
    return yield* opened.pins.remove(yield* Effect.fromResult(parseContentDigest(input)))
  }),

  pins: Effect.fn("Registry.pins")(function*(repository) {
    const opened = yield* choose(catalog, repository)
    return Array.from(yield* opened.pins.all, ([digest, pin]) => ({ digest, ...pin, time: utcOf(pin.time) }))
  })
})
