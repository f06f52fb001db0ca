/** Stores a manifest that was made of another, and what referred to that made anew for it, in one commit. */
import { Effect, Stream } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { CopyError } from "../../ops/api/errors.ts"
import type { Change } from "../../ops/api/Registry.ts"
import type { SourceReader } from "../../ops/refs/copySource.ts"
import { carryReferrers } from "./carryReferrers.ts"
import type { Made, MakeTarget } from "./Made.ts"

/** A manifest, and what was made of it. */
export interface Anew {
  readonly from: Descriptor
  readonly to: Descriptor
}

/**
 * @param below manifests that it names and that were made anew too; what refers to them is carried along as well, but
 * for what it names itself
 */
export const pushAnew = Effect.fnUntraced(function*(
  reader: SourceReader,
  { registry, repository, tags = [] }: MakeTarget,
  from: Descriptor,
  bytes: Uint8Array,
  mediaType: string,
  below: ReadonlyArray<Anew> = []
): Effect.fn.Return<Made, CopyError> {
  const stored = yield* registry.pushBlob(repository, Stream.succeed(bytes), { mediaType, size: bytes.length })
  const anew: Array<string> = []
  const left: Array<string> = []
  const changes: Array<Change> = []
  const own = (yield* reader.manifest(from)).manifest.manifests.map(({ digest }) => digest)
  for (const { from: before, to } of [{ from, to: stored.descriptor }, ...below]) {
    const found = yield* carryReferrers(reader, repository, before, to, new Set<string>(own))
    anew.push(...found.carried.anew)
    left.push(...found.carried.left)
    changes.push(...found.changes)
  }
  const { changes: done, revision } = yield* registry.batch([
    { _tag: "PushManifest", repository, bytes, mediaType, options: { tags, stored: true } },
    ...changes
  ])
  const [first] = done
  return {
    descriptor: stored.descriptor,
    existed: first?.existed ?? false,
    moved: first?.moved ?? [],
    revision,
    from,
    carried: { anew, left }
  }
})
