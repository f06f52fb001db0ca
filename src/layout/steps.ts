/** The parts of changes: each says what happens to the entries of a state. */
import { Option, type Schema } from "effect"
import { containerdName, refName as refNameKey } from "../oci/Annotations.ts"
import { type Descriptor, isJsonObject } from "../oci/Descriptor.ts"
import type { Digest } from "../oci/Digest.ts"
import type { Repository, Tag } from "../oci/Reference.ts"
import { formatTagged, formatUntagged } from "../oci/RefName.ts"
import type { Entry } from "./Entry.ts"
import { EntryAdded, EntryRemoved, EntryReplaced, type Event } from "./Event.ts"
import { evolve, keyOf } from "./evolve.ts"
import { names, tagged, withDigest } from "./query.ts"
import type { State } from "./State.ts"

/** A part of a change: what happens next, seen from where the parts before it have led. */
export type Step = (state: State) => ReadonlyArray<Event>

export const inSequence = (state: State, steps: ReadonlyArray<Step>): ReadonlyArray<Event> => {
  const events: Array<Event> = []
  let next = state
  for (const step of steps) {
    for (const event of step(next)) {
      next = evolve(next, event)
      events.push(event)
    }
  }
  return events
}

/** @param value the descriptor as it is written */
export const addUntagged = ({ digest }: Descriptor, repository: Repository, value: Schema.Json): Step => (state) =>
  withDigest(state, repository, digest).length > 0
    ? []
    : [new EntryAdded({ value: nameless(value, digest, state, repository) })]

/**
 * The first entry of the tag takes the new descriptor where it stands; further entries of the tag go.
 *
 * @param written the descriptor as it is written where no entry has it yet
 */
export const setTag = (
  descriptor: Descriptor,
  repository: Repository,
  tag: Tag,
  written: Schema.Json = descriptor
): Step =>
(state) => {
  const [first, ...others] = tagged(state, repository, tag)
  const already = withDigest(state, repository, descriptor.digest)
  const untagged = already.find(({ name }) => name._tag === "Untagged")
  const value = renamed(already[0]?.value ?? written, refNameFor(state, repository, tag))

  const duplicates = others.map((entry): Step => release(entry, repository))
  if (first === undefined) {
    return untagged === undefined
      ? [new EntryAdded({ value })]
      : [replacement(state, untagged, renamed(untagged.value, refNameFor(state, repository, tag)))]
  }
  if (first.digest === descriptor.digest) return inSequence(state, duplicates)
  const moved: Step = (next) => [replacement(next, first, value)]
  const adopted: Step = (next) => untagged === undefined ? [] : drop(untagged)(next)
  const kept: Step = (next) => keep(first, repository)(next)
  // The tag moves first, so that a further entry of the manifest it moves to is seen to be one too many.
  return inSequence(state, [moved, ...duplicates, adopted, kept])
}

/** Takes the tag off an entry: the manifest stays reachable by digest, through this entry if no other has it. */
export const release = (entry: Entry, repository: Repository): Step => (state) => {
  const elsewhere = others(state, entry, repository)
  return elsewhere || entry.descriptor === undefined
    ? drop(entry)(state)
    : [replacement(state, entry, nameless(entry.value, entry.descriptor.digest, state, repository))]
}

/** Adds an untagged entry for the manifest of an entry that is gone, unless another entry has it. */
export const keep = (gone: Entry, repository: Repository): Step => (state) =>
  gone.descriptor === undefined ? [] : addUntagged(gone.descriptor, repository, gone.value)(state)

export const drop =
  (entry: Entry): Step => (state) => [new EntryRemoved({ ...keyOf(state, entry), value: entry.value })]

export const replacement = (state: State, entry: Entry, to: Schema.Json): EntryReplaced =>
  new EntryReplaced({ ...keyOf(state, entry), from: entry.value, to })

const others = (state: State, entry: Entry, repository: Repository): boolean =>
  entry.descriptor !== undefined &&
  withDigest(state, repository, entry.descriptor.digest).some((other) => other !== entry)

/**
 * Whether a repository has bare tags: the default one, until another tool has written its names in full. A bare tag is
 * what `DIR:TAG` means to skopeo and umoci.
 */
const writesBare = (state: State, repository: Repository): boolean =>
  repository === state.defaultRepository &&
  Option.match(names(state, repository), {
    onNone: () => true,
    onSome: ({ bare, size }) => bare === size
  })

const refNameFor = (state: State, repository: Repository, tag: Tag): string =>
  writesBare(state, repository) ? tag : formatTagged(repository, tag)

/** The descriptor as an untagged entry of the repository. */
const nameless = (value: Schema.Json, digest: Digest, state: State, repository: Repository): Schema.Json =>
  renamed(value, writesBare(state, repository) ? undefined : formatUntagged(repository, digest))

/** The descriptor under the very name of an entry, full image name included. */
export const namedAs = (value: Schema.Json, { value: entry }: Entry): Schema.Json => {
  const bare = renamed(value, undefined)
  const annotations = isJsonObject(entry) ? entry["annotations"] : undefined
  const names = Object.entries(isJsonObject(annotations) ? annotations : {}).filter(([key]) =>
    key === refNameKey || key === containerdName
  )
  if (names.length === 0 || !isJsonObject(bare)) return bare
  const rest = bare["annotations"]
  return { ...bare, annotations: { ...(isJsonObject(rest) ? rest : {}), ...Object.fromEntries(names) } }
}

/** The descriptor under another name or none; all else that its entry carried stays. */
const renamed = (value: Schema.Json, refName: string | undefined): Schema.Json => {
  const { annotations, ...fields } = isJsonObject(value) ? value : {}
  const { [refNameKey]: _name, [containerdName]: _image, ...rest } = isJsonObject(annotations) ? annotations : {}
  const kept = refName === undefined ? rest : { ...rest, [refNameKey]: refName }
  return Object.keys(kept).length === 0 ? fields : { ...fields, annotations: kept }
}
