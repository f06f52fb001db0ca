/** The table of contents of a layer: as it was kept, or by reading the layer once. */
import { Effect, Option, Stream } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { parseContentDigest } from "../../oci/Digest.ts"
import { LayerInvalid, LayerUnsupported, type LimitExceeded } from "../../oci/OciError.ts"
import type { LookError } from "../../ops/api/errors.ts"
import { type Checkpoint, CodecFailed } from "../ports/LayerCodec.ts"
import { readCheckpoints, writeCheckpoints } from "../table/checkpoints.ts"
import type { LayerTable } from "../table/Entry.ts"
import { readTable } from "../table/readTable.ts"
import { TarInvalid } from "../tar/numbers.ts"
import { LayerPass, LimitReached } from "./LayerPass.ts"
import type { LayerSource } from "./LayerSource.ts"
import { isLayer } from "./layerType.ts"
import { readOwnTable } from "./readOwnTable.ts"

/**
 * The table of a layer. `LayerUnsupported` for what is no layer of files; `LayerInvalid` where it is broken;
 * `ContentMismatch` where it is not the blob of its digest; `LimitExceeded`, at a bounded cost, where it is too much.
 *
 * @param known the tables that are at hand, by digest
 * @param trustTables whether the table that a layer has of itself will do, see `readOwnTable`
 */
export const readLayer = Effect.fn("readLayer")(function*(
  source: LayerSource,
  descriptor: Descriptor,
  known: (digest: string) => LayerTable | undefined = () => undefined,
  trustTables: boolean | "always" = false
): Effect.fn.Return<LayerTable, LookError> {
  const { digest: named, mediaType } = descriptor
  if (!isLayer(mediaType)) return yield* new LayerUnsupported({ digest: named, mediaType })
  const digest = yield* Effect.fromResult(parseContentDigest(named))
  const always = trustTables === "always" ? yield* readOwnTable(source, descriptor) : undefined
  if (always !== undefined) return always
  const there = known(digest)
  if (there !== undefined) return there
  const cache = yield* source.registry.layerCache(source.repository)
  const kept = Option.map(yield* cache.load(digest, "table"), readTable)
  if (Option.isSome(kept) && kept.value?.digest === digest) return kept.value
  const own = trustTables === true ? yield* readOwnTable(source, descriptor) : undefined
  if (own !== undefined) return own
  const { checkpoints, table } = yield* look(source, digest)
  const read = readTable(table)
  if (read === undefined) return yield* new LayerInvalid({ digest, reason: "its table of contents cannot be read" })
  if (checkpoints.length > 0) yield* cache.save(digest, "checkpoints", writeCheckpoints(checkpoints))
  yield* cache.save(digest, "table", table)
  return read
})

/** The places from which a layer can be read on; none where they were not kept. */
export const checkpointsOf = Effect.fnUntraced(function*(
  { registry, repository }: LayerSource,
  { digest: named, own }: LayerTable
): Effect.fn.Return<ReadonlyArray<Checkpoint>, LookError> {
  if (own !== undefined) return own
  const digest = yield* Effect.fromResult(parseContentDigest(named))
  const cache = yield* registry.layerCache(repository)
  return Option.match(yield* cache.load(digest, "checkpoints"), { onNone: () => [], onSome: readCheckpoints })
})

type Failed = LayerInvalid | LimitExceeded

interface Looked {
  readonly table: Uint8Array
  readonly checkpoints: ReadonlyArray<Checkpoint>
}

const look = Effect.fnUntraced(function*(
  { codec, limits, registry, repository }: LayerSource,
  digest: string
): Effect.fn.Return<Looked, LookError> {
  const failed = (error: unknown): Failed => failureOf(digest, error)
  return yield* Effect.scoped(Effect.gen(function*() {
    const { stream } = yield* registry.getBlob(repository, digest, { passing: true })
    const pass = yield* Effect.acquireRelease(
      Effect.sync(() => new LayerPass(codec, limits, digest)),
      (pass) => Effect.sync(() => pass.close())
    )
    let broken: LayerInvalid | undefined
    yield* Stream.runForEach(stream, (bytes) => {
      // A damaged blob shows as a bad tar first: reading on tells which it is.
      if (broken !== undefined) return Effect.void
      return Effect.catchTag(Effect.try({ try: () => pass.write(bytes), catch: failed }), "LayerInvalid", (error) => {
        broken = error
        return Effect.void
      })
    })
    if (broken !== undefined) return yield* Effect.fail<LayerInvalid>(broken)
    const table = yield* Effect.try({ try: () => pass.finish(), catch: failed })
    return { table, checkpoints: pass.checkpoints }
  }))
})

/** What the pass throws, as the failure it is; anything else is a defect. */
const failureOf = (digest: string, error: unknown): Failed => {
  if (error instanceof LimitReached) return error.error
  if (error instanceof TarInvalid || error instanceof CodecFailed) {
    return new LayerInvalid({ digest, reason: error.message })
  }
  throw error
}
