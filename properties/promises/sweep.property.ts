/** What a sweep takes is needed by nothing that stays; what nothing needs any more goes, at once. */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import type { Entry } from "../../src/layout/Entry.ts"
import { type Evidence, type GarbageOptions, sweep } from "../../src/layout/garbage.ts"
import { fromIndex, type State } from "../../src/layout/State.ts"
import { ContentDigest } from "../../src/oci/Digest.ts"

const digests = Array.from("0123456789ab", (digit) => ContentDigest.make(`sha256:${digit.repeat(64)}`))
const one = fc.constantFrom(...digests)
const seldom = fc.nat({ max: 4 }).map((drawn) => drawn === 0)
const none: Array<ContentDigest> = []
const some = fc.oneof(fc.constant(none), fc.uniqueArray(one, { maxLength: 2 }))

const now = 1_000_000
const graceMillis = 1000

/** What is known of a digest: what it names, though it may be no manifest at all, and how it lies there. */
const content = fc.record({
  isManifest: fc.boolean(),
  children: fc.uniqueArray(one, { maxLength: 3 }),
  subject: fc.option(one, { nil: undefined }),
  isThere: fc.nat({ max: 9 }).map((drawn) => drawn > 0),
  isYoung: seldom
})

const entry = fc.record({ digest: one, tag: fc.option(fc.constantFrom("v1", "v2"), { nil: undefined }), isOld: seldom })

interface Layout {
  readonly state: State
  readonly evidence: Evidence
  readonly options: GarbageOptions
}

const layout: fc.Arbitrary<Layout> = fc.record({
  contents: fc.array(content, { minLength: digests.length, maxLength: digests.length }),
  entries: fc.noBias(fc.array(entry, { maxLength: 6 })),
  marked: some,
  pins: some,
  past: some,
  unreadable: fc.oneof(fc.constant(none), some),
  isBusy: seldom,
  untagged: fc.boolean(),
  undoable: fc.boolean()
}).map(({ contents, entries, isBusy, marked, past, pins, undoable, unreadable, untagged }) => {
  const values = entries.map(({ digest, tag }) => ({
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest,
    size: 7,
    annotations: { "org.opencontainers.image.ref.name": tag === undefined ? `app@${digest}` : `app:${tag}` }
  }))
  const state = fromIndex(values, { defaultRepository: undefined, bytes: 0 })
  const known = digests.flatMap((digest, at) => {
    const found = contents[at]
    return found === undefined ? [] : [{ digest, ...found }]
  })
  return {
    state,
    evidence: {
      now,
      blobs: known.flatMap(({ digest, isThere, isYoung }) =>
        isThere ? [{ digest, size: 7, touched: now - graceMillis + (isYoung ? 1 : 0) }] : []
      ),
      links: new Map(
        known.flatMap(({ children, digest, isManifest, isThere }) =>
          isManifest && isThere && !unreadable.includes(digest) ? [[digest, { children }]] : []
        )
      ),
      bonds: known.flatMap(({ digest, isManifest, isThere, subject }) =>
        isManifest && isThere && !unreadable.includes(digest) && subject !== undefined ? [{ digest, subject }] : []
      ),
      unreadable: new Set(unreadable),
      marked: new Set(marked),
      pins: new Set(pins),
      busy: isBusy ? "a tool may be at work" : undefined,
      past: past.map((digest) => ({ digest, revision: 1 })),
      outlived: new Map(state.entries.flatMap((entry, at) => entries[at]?.isOld === true ? [[entry, "a rule"]] : []))
    },
    options: { untagged, graceMillis, undoable }
  }
})

/** All that is needed by some, or belongs to it, in as many steps as it takes. */
const closure = (roots: Iterable<string>, { bonds, links }: Evidence): ReadonlySet<string> => {
  const needed = new Set(roots)
  for (const digest of needed) {
    for (const child of links.get(digest)?.children ?? []) needed.add(child)
    for (const bond of bonds) if (bond.subject === digest) needed.add(bond.digest)
  }
  return needed
}

const swept = ({ evidence, options, state }: Layout) => {
  const { blobs, entries } = sweep(state, evidence, options)
  const gone = new Set<Entry>(entries.flatMap(({ entry, goes }) => goes ? [entry] : []))
  return {
    blobs,
    stay: state.entries.filter((entry) => !gone.has(entry)),
    gone: state.entries.filter((entry) => gone.has(entry)),
    lost: new Set<string>(blobs.flatMap(({ digest, goes }) => goes ? [digest] : []))
  }
}

const subjectOf = ({ bonds }: Evidence, digest: string): string | undefined =>
  bonds.find((bond) => bond.digest === digest)?.subject

const isFresh = ({ blobs, marked }: Evidence, digest: string): boolean =>
  marked.has(digest) || blobs.some((blob) => blob.digest === digest && blob.touched > now - graceMillis)

describe("a sweep", () => {
  const met = new Set<string>()

  it("takes nothing that what stays needs, that is fresh, pinned or can be brought back", () => {
    fc.assert(fc.property(layout, (layout) => {
      const { evidence, options } = layout
      const { gone, lost, stay } = swept(layout)
      const roots = [
        ...stay.map(({ digest }) => digest),
        ...evidence.pins,
        ...evidence.past.map(({ digest }) => digest),
        ...(options.undoable ? gone.map(({ digest }) => digest) : [])
      ]
      for (const digest of closure(roots, evidence)) assert.isFalse(lost.has(digest), digest)
      for (const digest of lost) assert.isFalse(isFresh(evidence, digest), digest)
      if (evidence.unreadable.size > 0) assert.strictEqual(lost.size, 0, "what cannot be read may need anything")
      if (evidence.busy !== undefined) assert.strictEqual(lost.size, 0, "a tool may count on anything")
      met.add(`blobs ${lost.size > 0}`)
    }))
  })

  it("takes no entry but by a rule, or without a tag, when nothing that stays needs it and it refers to nothing of it", () => {
    fc.assert(fc.property(layout, (layout) => {
      const { evidence, options } = layout
      const { gone, stay } = swept(layout)
      const needed = closure([...stay.map(({ digest }) => digest), ...evidence.pins], evidence)
      for (const entry of gone) {
        met.add(evidence.outlived.has(entry) ? "a rule" : "untagged")
        const subject = subjectOf(evidence, entry.digest)
        if (subject !== entry.digest) assert.isFalse(needed.has(subject ?? ""), "it refers to what stays")
        if (evidence.outlived.has(entry)) continue
        assert.isTrue(options.untagged)
        assert.strictEqual(entry.name._tag, "Untagged")
        assert.isFalse(needed.has(entry.digest), "it is needed")
        assert.isFalse(isFresh(evidence, entry.digest), "it is fresh")
        assert.strictEqual(evidence.unreadable.size, 0, "what cannot be read may need it, or be it")
      }
    }))
  })

  it("leaves nothing that is not needed", () => {
    fc.assert(fc.property(layout, (layout) => {
      const { evidence, options } = layout
      if (evidence.unreadable.size > 0 || evidence.busy !== undefined) return
      const { blobs, gone, lost, stay } = swept(layout)
      // What no sweep may take; of the candidates those that are fresh, or hang on what stays by what they refer to.
      const isCandidate = (entry: Entry): boolean =>
        evidence.outlived.has(entry) || (options.untagged && entry.name._tag === "Untagged")
      const roots = new Set([
        ...stay.filter((entry) => !isCandidate(entry)).map(({ digest }) => digest),
        ...evidence.pins
      ])
      const waiting = layout.state.entries.filter(isCandidate)
      for (let before = -1; before < roots.size;) {
        before = roots.size
        const kept = closure(roots, evidence)
        for (const entry of waiting) {
          const { digest } = entry
          const subject = subjectOf(evidence, digest)
          // A rule takes a tag from what is needed all the same, but nothing that refers to what stays.
          const isNeeded = !evidence.outlived.has(entry) && (isFresh(evidence, digest) || kept.has(digest))
          if (isNeeded || (subject !== undefined && kept.has(subject))) roots.add(digest)
        }
      }
      for (const entry of stay.filter(isCandidate)) {
        met.add("a candidate that stays")
        assert.isTrue(roots.has(entry.digest), entry.digest)
      }
      const past = [...evidence.past, ...(options.undoable ? gone : [])].map(({ digest }) => digest)
      const kept = closure([...roots, ...past], evidence)
      for (const { digest } of blobs) {
        assert.strictEqual(lost.has(digest), !kept.has(digest) && !isFresh(evidence, digest), digest)
      }
    }))
  })

  it("finds nothing more to take in what it has left", () => {
    fc.assert(fc.property(layout, ({ evidence, options, state }) => {
      const { blobs, gone, lost, stay } = swept({ evidence, options, state })
      const later: Layout = {
        options,
        state: fromIndex(stay.map(({ value }) => value), { defaultRepository: undefined, bytes: 0 }),
        evidence: {
          ...evidence,
          blobs: blobs.filter(({ digest }) => !lost.has(digest)),
          links: new Map(Array.from(evidence.links).filter(([digest]) => !lost.has(digest as ContentDigest))),
          bonds: evidence.bonds.filter(({ digest }) => !lost.has(digest)),
          past: options.undoable
            ? [...evidence.past, ...gone.map(({ digest }) => ({ digest, revision: 2 }))]
            : evidence.past,
          outlived: new Map()
        }
      }
      const again = swept(later)
      assert.deepStrictEqual(again.gone, [])
      assert.deepStrictEqual(Array.from(again.lost), [])
    }))
    assert.includeMembers(Array.from(met), [
      "blobs true",
      "blobs false",
      "a rule",
      "untagged",
      "a candidate that stays"
    ])
  })
})
