/** Checks blobs that no manifest of an entry needs: whether a collection would keep them, and why. */
import { Effect, Option, Result } from "effect"
import { sweep } from "../../layout/garbage.ts"
import type { State } from "../../layout/State.ts"
import { isContentDigest } from "../../oci/Digest.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { children } from "../../oci/Manifest.ts"
import { platformsOf } from "../../oci/Platform.ts"
import { damaged } from "../manifests/damage.ts"
import type { BlobFile } from "../ports/Upkeep.ts"
import { type Belongings, belongingsIn, keptUnlisted, withUnlisted } from "../reachability/belonging.ts"
import { needsOfAll } from "../reachability/reachable.ts"
import type { Unlisted } from "../reachability/unlisted.ts"
import type { Opened } from "../repositories/catalog.ts"
import type { Report } from "./Report.ts"
import { blobPath } from "./verifyLinks.ts"

/** Those that nothing needs: the judgement is the collection's, so that the two never disagree. */
export const checkSurplus = Effect.fnUntraced(function*(
  opened: Opened,
  state: State | undefined,
  surplus: ReadonlyArray<BlobFile>,
  report: Report
): Effect.fn.Return<ReadonlyArray<BlobFile>, ReadFault> {
  if (state === undefined || surplus.length === 0) return surplus
  const known = yield* damaged(
    Effect.all([needsOfAll(opened, state), belongingsIn(opened, state, true), opened.pins.all])
  )
  // What is too large to be followed, or cannot be read, was told of already.
  if (Result.isFailure(known)) return surplus
  const [{ links, reached }, belongings, pins] = known.success
  const { blobs } = sweep(
    state,
    {
      now: 0,
      blobs: surplus.map(({ digest, size }) => ({ digest, size, touched: 0 })),
      links: withUnlisted(links, belongings),
      bonds: belongings.bonds,
      unreadable: new Set(),
      marked: new Set(),
      pins: new Set(pins.keys()),
      busy: undefined,
      past: [],
      outlived: new Map()
    },
    { untagged: false, graceMillis: 0, undoable: false }
  )
  const going = new Set(blobs.flatMap(({ digest, goes }) => goes ? [digest] : []))
  yield* tellUnlisted(belongings, { state, surplus, going }, report)
  yield* tellLacking(opened, keptUnlisted(belongings, [...reached, ...pins.keys()]), report)
  return surplus.filter(({ digest }) => going.has(digest))
})

/** Manifests that no entry leads to and that no other one has as a part of it. */
const tellUnlisted = Effect.fnUntraced(function*(
  { unlisted }: Belongings,
  { going, state, surplus }: {
    readonly state: State
    readonly surplus: ReadonlyArray<BlobFile>
    readonly going: ReadonlySet<string>
  },
  report: Report
): Effect.fn.Return<void> {
  const parts = new Set(
    Array.from(unlisted.values()).flatMap(({ facts }) => facts.manifests.map(({ digest }) => digest))
  )
  for (const { digest, path } of surplus) {
    const found = unlisted.get(digest)
    if (found === undefined || parts.has(digest)) continue
    const { subject } = found.facts
    if (!going.has(digest) && subject !== undefined) {
      const message = `${digest}, ${whatIs(found)}, refers to ${subject.digest}, and no entry leads to it`
      yield* report.found("REFERRER_UNLISTED", { path, digest, message, neededBy: [subject.digest] })
    } else if (going.has(digest)) {
      yield* report.found("MANIFEST_UNLISTED", {
        path,
        digest,
        message: `${digest} is ${whatIs(found)}, and no entry leads to it`,
        // An index without entries beside all of its content was hardly emptied on purpose.
        ...(state.entries.length === 0 ? { severity: "warning" as const } : {})
      })
    }
  }
})

/** What manifests need that no entry leads to, though they stay, and that is not there. */
const tellLacking = Effect.fnUntraced(function*(
  { blobs }: Pick<Opened, "blobs">,
  unlisted: ReadonlyMap<string, Unlisted>,
  report: Report
): Effect.fn.Return<void, ReadFault> {
  for (const [by, { facts }] of unlisted) {
    for (const { descriptor: { data, digest }, optional, role } of children(facts)) {
      if (optional || data !== undefined || !isContentDigest(digest)) continue
      const what = role === "manifest" ? "manifest" : "blob"
      if (Option.isSome(yield* blobs.stat(digest))) continue
      yield* report.found(what === "manifest" ? "MANIFEST_MISSING" : "BLOB_MISSING", {
        path: blobPath(digest),
        digest,
        message: `${what} ${digest} is not in the layout`,
        neededBy: [by],
        severity: "warning"
      })
    }
  }
})

const whatIs = ({ facts }: Unlisted): string => {
  if (facts.kind === "index") {
    const platforms = platformsOf(facts)
    const for_ = platforms.length === 0 ? "" : ` for ${platforms.join(", ")}`
    return `an index of ${facts.manifests.length} manifests${for_}`
  }
  if (facts.kind === "image") return "an image"
  return facts.artifactType === undefined ? "an artifact" : `an artifact of the type ${facts.artifactType}`
}
