/** What in a layout is not needed, and why everything else stays. Pure: what lies on the disk comes in as evidence. */
import type { ContentDigest } from "../oci/Digest.ts"
import type { Bond } from "./belonging.ts"
import { type Entry, rawNameOf } from "./Entry.ts"
import type { State } from "./State.ts"

/** What a manifest names, by digest. */
export interface Links {
  /** Its config, layers and manifests. */
  readonly children: ReadonlyArray<string>
}

/** A blob as it lies there. */
export interface StoredBlob {
  readonly digest: ContentDigest
  /** In bytes. */
  readonly size: number
  /**
   * When its file was written or created, the later of the two: milliseconds since 1970. Marks are in `Evidence.marked`.
   */
  readonly touched: number
  /** When its content was written, where that is known: milliseconds since 1970. */
  readonly written?: number
  /** It is reached through a link, so that what is there may be another layout's as well. */
  readonly linked?: true
  /** The blob of this layout that such a link leads to. */
  readonly leadsTo?: ContentDigest
}

/** Content of an entry that can still be restored from the history. */
export interface Remembered {
  readonly digest: string
  /** The commit that had it. */
  readonly revision: number
}

export interface GarbageOptions {
  /** Whether manifests go that no tag, index or subject keeps. */
  readonly untagged: boolean
  /** Younger content stays, since a client may be about to name it; in milliseconds. */
  readonly graceMillis: number
  /** Whether content of entries that this collection removes is kept for the undo window. */
  readonly undoable: boolean
}

export interface Evidence {
  readonly now: number
  readonly blobs: ReadonlyArray<StoredBlob>
  /** What each manifest names, by digest. */
  readonly links: ReadonlyMap<string, Links>
  /** Attached manifests: each is kept while its subject is kept, and does not keep its subject. */
  readonly bonds: ReadonlyArray<Pick<Bond, "digest" | "subject">>
  /** Manifests that are there and could not be read, so that what they need is not known. */
  readonly unreadable: ReadonlySet<string>
  /** What was just pushed, mounted or named. */
  readonly marked: ReadonlySet<string>
  readonly pins: ReadonlySet<string>
  /** Why no content may go now, in a sentence without a capital: a tool may be at work, or the index is not whole. */
  readonly busy: string | undefined
  readonly past: ReadonlyArray<Remembered>
  /** Entries that a rule says are kept no longer, and which rule. */
  readonly outlived: ReadonlyMap<Entry, string>
}

/** Something in a layout, with what becomes of it and why. */
type Verdict<A> = A & { readonly goes: boolean; readonly why: string }

export interface Sweep {
  /** The entries that could go: those without a tag, and those that a rule names. */
  readonly entries: ReadonlyArray<Verdict<{ readonly entry: Entry }>>
  readonly blobs: ReadonlyArray<Verdict<StoredBlob>>
}

export const sweep = (state: State, evidence: Evidence, options: GarbageOptions): Sweep => {
  const { bonds, links, outlived, past, pins } = evidence
  const belonging = Map.groupBy(bonds, ({ subject }) => subject)
  const subjects = Map.groupBy(bonds, ({ digest }) => digest)
  const marks = new Map<string, string>()
  const entries: Array<Verdict<{ readonly entry: Entry }>> = []
  /** Entries that may go, by what would keep them: themselves, or what they refer to. */
  const waiting = new Map<string, Array<Entry>>()
  const kept = new Set<Entry>()
  /** Marks all that something needs, and all that refers to it; what is marked already keeps its first reason. */
  const mark = (digest: string, why: string): void => {
    const next = [{ digest, why }]
    for (let one = next.pop(); one !== undefined; one = next.pop()) {
      if (marks.has(one.digest)) continue
      marks.set(one.digest, one.why)
      for (const child of links.get(one.digest)?.children ?? []) next.push({ digest: child, why: one.why })
      const belongs = `belongs to ${one.digest}, which stays`
      for (const { digest } of belonging.get(one.digest) ?? []) next.push({ digest, why: belongs })
      for (const entry of waiting.get(one.digest) ?? []) {
        const isItself = entry.digest === one.digest
        // A rule takes the tag; what it points at may be needed all the same.
        if (kept.has(entry) || (isItself && outlived.has(entry))) continue
        kept.add(entry)
        const reason = isItself ? one.why : belongs
        entries.push({ entry, goes: false, why: reason })
        next.push({ digest: entry.digest, why: reason })
      }
    }
  }

  const candidates: Array<Entry> = []
  const roots: Array<Entry> = []
  for (const entry of state.entries) {
    const isCandidate = outlived.has(entry) || (options.untagged && entry.name._tag === "Untagged")
    ;(isCandidate ? candidates : roots).push(entry)
    if (!isCandidate) continue
    for (const digest of [entry.digest, ...(subjects.get(entry.digest) ?? []).map(({ subject }) => subject)]) {
      const others = waiting.get(digest)
      if (others === undefined) waiting.set(digest, [entry])
      else others.push(entry)
    }
  }
  for (const entry of roots) mark(entry.digest, `needed by ${displayName(entry)}`)
  for (const digest of pins) mark(digest, "pinned")

  const touched = new Map<string, number>(evidence.blobs.map((blob) => [blob.digest, blob.touched]))
  const isYoung = (digest: string): boolean =>
    evidence.marked.has(digest) || evidence.now - (touched.get(digest) ?? 0) < options.graceMillis
  const young = "it was pushed so recently that a client may be about to use it"
  for (const entry of candidates) if (!outlived.has(entry) && isYoung(entry.digest)) mark(entry.digest, young)
  const [unknown] = evidence.unreadable
  const unclear = unknown === undefined ? undefined : `${unknown} cannot be read, and may need it`
  if (unclear !== undefined) {
    for (const entry of candidates) if (!outlived.has(entry)) mark(entry.digest, unclear)
  }
  const left = candidates.filter((entry) => !kept.has(entry))
  // From here on, marks come from the history. They keep content, and no entry of the index.
  waiting.clear()
  for (const entry of left) {
    entries.push({ entry, goes: true, why: reasonToGo(entry, outlived, subjects.get(entry.digest)?.[0]?.subject) })
  }

  for (const { digest, leadsTo } of evidence.blobs) {
    if (leadsTo !== undefined) mark(leadsTo, `${digest} is a link to it`)
  }
  for (const { digest, revision } of past) mark(digest, `can be brought back: revision ${revision} had it`)
  if (options.undoable) {
    for (const { digest } of left) mark(digest, "can be brought back after it is taken out of the index")
  }
  return {
    entries,
    blobs: evidence.blobs.map((blob) => {
      const needed = marks.get(blob.digest)
      if (needed !== undefined) return { ...blob, goes: false, why: needed }
      if (isYoung(blob.digest)) return { ...blob, goes: false, why: young }
      if (blob.linked === true) return { ...blob, goes: false, why: "it is reached by a link, and may be another's" }
      const why = unclear ?? evidence.busy
      return why === undefined ? { ...blob, goes: true, why: "no manifest needs it" } : { ...blob, goes: false, why }
    })
  }
}

const reasonToGo = (
  entry: Entry,
  outlived: ReadonlyMap<Entry, string>,
  subject: string | undefined
): string => {
  const rule = outlived.get(entry)
  if (rule !== undefined) return rule
  return subject === undefined ? "no tag, index or subject keeps it" : `belongs to ${subject}, which is not kept`
}

/** The name of an entry as people write it. */
export const displayName = (entry: Entry): string => {
  const { digest, name } = entry
  if (name._tag === "Tagged") return `${name.repository}:${name.tag}`
  return name._tag === "Untagged" ? `${name.repository}@${digest}` : rawNameOf(entry) ?? digest
}
