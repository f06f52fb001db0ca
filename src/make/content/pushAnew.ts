/** Stores a manifest that was made of another; if asked, with what referred to that made anew for it, in one commit. */
import { Effect } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { CopyError } from "../../ops/api/errors.ts"
import type { Change } from "../../ops/api/Registry.ts"
import type { ReadManifest, SourceReader } from "../../ops/refs/copySource.ts"
import { carryReferrers } from "./carryReferrers.ts"
import type { Made, MakeTarget } from "./Made.ts"
import { pushDocument, pushMade } from "./pushDocument.ts"

/** A manifest, and what was made of it. */
export interface Anew {
  readonly from: Descriptor
  readonly to: Descriptor
}

interface AnewOptions {
  /** Whether what refers to the manifest is made anew, where the bytes are not the ones that it was read with. */
  readonly referrers: boolean
  /**
   * Manifests that it names and that were made anew too: what refers to them is carried along as well, but for what it
   * names itself.
   */
  readonly below?: ReadonlyArray<Anew>
}

export const pushAnew = Effect.fnUntraced(function*(
  reader: SourceReader,
  target: MakeTarget,
  { bytes: before, descriptor: from, manifest: { manifests } }: ReadManifest,
  { bytes, mediaType }: { readonly bytes: Uint8Array; readonly mediaType: string },
  { below = [], referrers }: AnewOptions
): Effect.fn.Return<Made, CopyError> {
  if (!referrers || bytes === before) {
    return { ...(yield* pushMade(target, bytes, mediaType, { stored: true })), from }
  }
  const { registry, repository, tags = [] } = target
  const descriptor = yield* pushDocument(target, bytes, mediaType)
  const anew: Array<string> = []
  const left: Array<string> = []
  const changes: Array<Change> = []
  const own = new Set<string>(manifests.map(({ digest }) => digest))
  for (const one of [{ from, to: descriptor }, ...below]) {
    const found = yield* carryReferrers(reader, repository, one.from, one.to, own)
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
    descriptor,
    existed: first?.existed ?? false,
    moved: first?.moved ?? [],
    revision,
    from,
    carried: { anew, left }
  }
})
