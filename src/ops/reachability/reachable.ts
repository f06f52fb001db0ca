/**
 * Finds what is needed in a layout. A manifest needs what it names. A document of an unknown type needs every digest
 * that its text contains, and so on: so we never collect content because we do not understand the document that names
 * it.
 */
import { Effect, Option, Result } from "effect"
import type { Links } from "../../layout/garbage.ts"
import type { State } from "../../layout/State.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { type ContentDigest, isContentDigest } from "../../oci/Digest.ts"
import { digestsIn } from "../../oci/digestsIn.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { decodeText } from "../../oci/Json.ts"
import { type Facts, neededBy } from "../../oci/Manifest.ts"
import { kindOf } from "../../oci/MediaType.ts"
import * as limits from "../limits.ts"
import { descriptorsOf } from "../manifests/manifests.ts"
import type { Opened } from "../repositories/catalog.ts"

export interface Needs {
  /** The manifests that the entries lead to, of any type. */
  readonly reached: ReadonlySet<string>
  readonly links: ReadonlyMap<string, Links>
  /** Content that is there and cannot be read, so that what it needs is not known. */
  readonly unreadable: ReadonlySet<string>
}

/** What is read to find out what a layout needs. */
type Reading = Pick<Opened, "blobs" | "manifests"> & { readonly pins: Pick<Opened["pins"], "all"> }

/** What a manifest names, and what it may name for another tool. */
export const linksOf = (facts: Facts): Links => ({
  children: [...neededBy(facts).map((child) => child.digest), ...(facts.shadowed ?? [])]
})

/**
 * What the entries of a state need, and what is pinned.
 *
 * @param past manifests that entries had once
 */
export const needsOfAll = Effect.fnUntraced(function*(
  opened: Reading,
  { entries }: Pick<State, "entries">,
  past: ReadonlyArray<Descriptor> = []
): Effect.fn.Return<Needs, ReadFault> {
  const walk = yield* opened.manifests.walk([...descriptorsOf(entries), ...past], true)
  const links = new Map<string, Links>()
  for (const [digest, facts] of walk.facts) {
    links.set(digest, linksOf(facts))
  }
  const unreadable = new Set<string>(walk.unreadable.keys())
  const named = entries.filter(({ descriptor }) => descriptor === undefined).map(({ digest, value }) => ({
    digest,
    children: digestsIn(JSON.stringify(value)).filter((child) => child !== digest)
  }))
  const waiting: Array<string> = [
    ...Array.from(walk.reached.values()).flatMap(({ digest, mediaType }) =>
      kindOf(mediaType) === "other" ? [digest] : []
    ),
    ...named.flatMap(({ children, digest }) => [digest, ...children]),
    ...Array.from(walk.facts.values()).flatMap(({ shadowed = [] }) => shadowed),
    ...(yield* opened.pins.all).keys()
  ]
  const seen = new Set<string>(walk.facts.keys())
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    yield* limits.atMost(limits.walkManifests, seen.size, "documents of unknown types in a layout")
    const text = yield* textOf(opened, next, walk.reached)
    if (Option.isNone(text)) unreadable.add(next)
    else if (text.value !== "") {
      const children = digestsIn(text.value)
      links.set(next, { children })
      for (const child of children) waiting.push(child)
    }
  }
  // What an entry names that is no descriptor stays with it, however it names it.
  for (const { children, digest } of named) {
    links.set(digest, { children: [...(links.get(digest)?.children ?? []), ...children] })
  }
  return { reached: new Set<string>(walk.reached.keys()), links, unreadable }
})

/**
 * All content that is needed, and whether it is a manifest. What a manifest needs comes before the manifest, so that
 * who makes sure of all in this order never has a manifest without what it needs.
 */
export const contentOf = ({ links, reached }: Needs): ReadonlyMap<ContentDigest, boolean> => {
  const all = new Map<ContentDigest, boolean>()
  const add = (digest: string): void => {
    if (isContentDigest(digest)) all.set(digest, reached.has(digest))
  }
  for (const { children } of links.values()) for (const child of children) if (!reached.has(child)) add(child)
  for (const digest of links.keys()) if (!reached.has(digest)) add(digest)
  for (const digest of Array.from(reached).toReversed()) add(digest)
  return all
}

/** Content as text: empty when it is none, too large to be a document, or not there; none when it is damaged. */
const textOf = Effect.fnUntraced(function*(
  { blobs, manifests }: Reading,
  digest: string,
  reached: ReadonlyMap<string, Descriptor>
): Effect.fn.Return<Option.Option<string>, ReadFault> {
  if (!isContentDigest(digest)) return Option.some("")
  const stored = yield* Effect.result(blobs.get(digest, limits.manifestBytes))
  if (Result.isFailure(stored)) {
    if (stored.failure._tag === "LimitExceeded") return Option.some("")
    if (stored.failure._tag === "ContentMismatch") return Option.none()
    return yield* stored.failure
  }
  const descriptor = reached.get(digest)
  const embedded = descriptor === undefined ? Option.none() : manifests.embedded(descriptor)
  return Option.some(Option.match(Option.orElse(stored.success, () => embedded), {
    onNone: () => "",
    onSome: (bytes) => Result.getOrElse(decodeText(bytes), () => "")
  }))
})
