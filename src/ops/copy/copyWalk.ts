/** Finds everything that a copy has to bring along; nothing is written yet. */
import { Effect } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { field } from "../../oci/field.ts"
import { children } from "../../oci/Manifest.ts"
import { kindOf } from "../../oci/MediaType.ts"
import { ManifestUnknown } from "../../oci/OciError.ts"
import type { Attached } from "../api/Attached.ts"
import type { CopyError } from "../api/errors.ts"
import * as limits from "../limits.ts"
import type { ReadManifest, SourceReader } from "../refs/copySource.ts"

/** Content below a manifest. */
export interface Part {
  readonly descriptor: Descriptor
  /** It may be missing at the source, and then stays missing. */
  readonly optional: boolean
  /** A manifest that only an index names: all it takes for that is to be there. */
  readonly isManifest: boolean
  /** The manifest that names it. */
  readonly parent: string
}

/** A part, and how far above content that names nothing it stands: more than any manifest that it names. */
export interface Placed extends Part {
  readonly height: number
  /** Of a manifest that was read, unless there are too many to keep. */
  readonly bytes?: Uint8Array
}

/** A manifest, with the tags that say to what it belongs, or what its entry says of it. */
interface EntryToBe extends ReadManifest {
  readonly tags: ReadonlyArray<string>
  readonly annotations?: Readonly<Record<string, string>>
  /** Its tag lists what belongs to a manifest. */
  readonly isList?: true
}

export interface Found {
  /** What becomes an entry of the target: the manifest that was asked for, and then what belongs to it. */
  readonly entries: ReadonlyArray<EntryToBe>
  /** Everything below them, each digest once. */
  readonly parts: ReadonlyArray<Placed>
  readonly manifests: number
  /** Those of the parts that had to be read, though they are no manifests: what they name is among the parts. */
  readonly documents: ReadonlySet<string>
}

/** Breadth first, each manifest read once, however many indexes and subjects lead to it. */
export const walkCopy = Effect.fnUntraced(function*(
  source: SourceReader,
  root: ReadManifest,
  { referrers, sparse }: { readonly referrers: boolean; readonly sparse: boolean }
): Effect.fn.Return<Found, CopyError> {
  const parts = new Map<string, Part>()
  const named = new Map<string, Array<string>>()
  const kept = new Map<string, Uint8Array>()
  const seen = new Set<string>([root.descriptor.digest])
  const entries: Array<EntryToBe> = [{ ...root, tags: [] }]
  const scanned = new Set<string>()
  const lists = new Map<string, Attached>()
  let readBytes = 0
  let entryBytes = root.bytes.length

  const read = Effect.fnUntraced(function*(descriptor: Descriptor): Effect.fn.Return<ReadManifest, CopyError> {
    yield* limits.atMost(limits.walkManifests, seen.size, "manifests in a copy")
    const found = yield* source.manifest(descriptor)
    readBytes += found.bytes.length
    yield* limits.atMost(limits.walkBytes, readBytes, "bytes of manifests in a copy")
    return found
  })

  const grow = Effect.fnUntraced(function*({ bytes }: ReadManifest): Effect.fn.Return<void, CopyError> {
    entryBytes += bytes.length
    yield* limits.atMost(limits.copyBytes, entryBytes, "bytes of attached manifests in a copy")
  })

  /** Takes in what a document of an unknown type names: a copy without it would be smaller than its source. */
  const mentioned = Effect.fnUntraced(function*(document: Descriptor): Effect.fn.Return<void, CopyError> {
    const waiting = [document]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (scanned.has(next.digest)) continue
      scanned.add(next.digest)
      for (const descriptor of yield* source.mentioned(next)) {
        const part = { descriptor, optional: false, isManifest: false, parent: document.digest }
        add(parts, part)
        waiting.push(descriptor)
      }
    }
  })

  /** Takes in what stands below a manifest, level by level, and answers every manifest of it. */
  const below = Effect.fnUntraced(function*(
    top: ReadManifest
  ): Effect.fn.Return<ReadonlyArray<Descriptor>, CopyError> {
    const manifests = [top.descriptor]
    let level = [top]
    for (let depth = 0; level.length > 0; depth++) {
      yield* limits.atMost(limits.walkDepth, depth, "indexes inside indexes")
      const next: Array<ReadManifest> = []
      for (const { descriptor, manifest } of level) {
        const { digest: parent } = descriptor
        if (manifest.shadowed !== undefined) yield* mentioned(descriptor)
        for (const child of children(manifest)) {
          const isManifest = child.role === "manifest" && kindOf(child.descriptor.mediaType) !== "other"
          add(parts, { descriptor: child.descriptor, optional: sparse || child.optional, isManifest, parent })
          if (isManifest) named.set(parent, [...named.get(parent) ?? [], child.descriptor.digest])
          if (child.role === "manifest" && !isManifest) yield* mentioned(child.descriptor)
          if (!isManifest || seen.has(child.descriptor.digest)) continue
          seen.add(child.descriptor.digest)
          const found = sparse
            ? yield* ifThere(read(child.descriptor))
            : yield* Effect.catchTag(
              read(child.descriptor),
              "ManifestUnknown",
              ({ reference, repository }) =>
                Effect.fail(new ManifestUnknown({ repository, reference, neededBy: parent }))
            )
          if (found === undefined) continue
          if (readBytes <= limits.copyBytes) kept.set(child.descriptor.digest, found.bytes)
          manifests.push(child.descriptor)
          next.push(found)
        }
      }
      level = next
    }
    return manifests
  })

  const own = yield* below(root)
  const waiting = referrers ? Array.from(own) : []
  for (let subject = waiting.pop(); subject !== undefined; subject = waiting.pop()) {
    for (const one of yield* source.attached(subject.digest)) {
      const { annotations, descriptor, tag } = one
      // What it lists comes one by one; a list that is no tag's says nothing more than that.
      if (one.isList === true) {
        if (tag !== undefined) lists.set(tag, one)
        continue
      }
      if (seen.has(descriptor.digest)) continue
      seen.add(descriptor.digest)
      const found = yield* read(descriptor)
      yield* grow(found)
      entries.push({
        ...found,
        tags: tag === undefined ? [] : [tag],
        ...field("annotations", annotations)
      })
      waiting.push(...yield* below(found))
    }
  }
  // Last, when all that they list is known.
  for (const [tag, { descriptor }] of lists) {
    if (seen.has(descriptor.digest)) continue
    seen.add(descriptor.digest)
    const found = yield* read(descriptor)
    yield* grow(found)
    yield* below(found)
    entries.push({ ...found, tags: [tag], isList: true })
  }
  const heights = heightsOf(named)
  const placed = Array.from(parts.values(), (part): Placed => {
    const bytes = kept.get(part.descriptor.digest)
    return {
      ...part,
      height: part.isManifest ? heights(part.descriptor.digest) : 0,
      ...field("bytes", bytes)
    }
  })
  return { entries, parts: placed, manifests: seen.size, documents: scanned }
})

/** How many manifests stand below one, in the longest way down; no way leads around, since a digest cannot name itself. */
const heightsOf = (named: ReadonlyMap<string, ReadonlyArray<string>>): (digest: string) => number => {
  const known = new Map<string, number>()
  const heightOf = (digest: string): number => {
    const height = known.get(digest) ?? 1 + Math.max(0, ...(named.get(digest) ?? []).map(heightOf))
    known.set(digest, height)
    return height
  }
  return heightOf
}

const ifThere = <A>(read: Effect.Effect<A, CopyError>): Effect.Effect<A | undefined, CopyError> =>
  Effect.catchTag(read, "ManifestUnknown", () => Effect.undefined)

/** What one manifest needs is needed, also where another one could do without. */
const add = (parts: Map<string, Part>, part: Part): void => {
  const { descriptor, optional, parent } = part
  const known = parts.get(descriptor.digest)
  if (known === undefined) parts.set(descriptor.digest, part)
  else if (known.optional && !optional) parts.set(descriptor.digest, { ...known, descriptor, optional, parent })
}
