/** Whether a command may happen to a layout, and what then happens. */
import { Option, Result, type Schema } from "effect"
import { containerdName, refName as refNameKey } from "../oci/Annotations.ts"
import { type Descriptor, isJsonObject } from "../oci/Descriptor.ts"
import type { Digest } from "../oci/Digest.ts"
import {
  BlobUnknown,
  Conflict,
  IndexTooLarge,
  ManifestBlobUnknown,
  ManifestUnknown,
  type OciError,
  Referenced,
  TagExists
} from "../oci/OciError.ts"
import type { Repository, Tag } from "../oci/Reference.ts"
import { formatTagged, formatUntagged } from "../oci/RefName.ts"
import {
  type Batch,
  type Command,
  type DeleteBlob,
  type DeleteManifest,
  type DeleteTag,
  type IndexLimits,
  indexLimits,
  type Missing,
  type PutManifest,
  type RestoreNames,
  type TagWrite
} from "./Command.ts"
import type { Entry } from "./Entry.ts"
import { mostBytes } from "./entryBytes.ts"
import { BlobCollected, BlobDeleted, EntryAdded, EntryRemoved, EntryReplaced, type Event } from "./Event.ts"
import { evolve, keyOf, replay } from "./evolve.ts"
import { names, tagged, withDigest } from "./query.ts"
import type { State } from "./State.ts"
import { restoreNames, revertCommit } from "./undo.ts"

export type Decision = Result.Result<ReadonlyArray<Event>, OciError>

/** Nothing to do is a decision too: no events. */
export const decide = (state: State, command: Command, limits: IndexLimits = indexLimits): Decision =>
  Result.flatMap(decideOne(state, command, limits), (events) => withinLimits(state, events, limits))

const decideOne = (state: State, command: Command, limits: IndexLimits): Decision => {
  switch (command._tag) {
    case "PutManifest":
      return complete(command, () => putManifest(state, command))
    case "DeleteTag":
      return deleteTag(state, command)
    case "DeleteManifest":
      return deleteManifest(state, command)
    case "DeleteBlob":
      return deleteBlob(command)
    case "RevertCommit":
      return complete(command, () => revertCommit(state, command))
    case "RestoreNames":
      return complete(command, () => Result.succeed(restore(state, command)))
    case "CollectGarbage":
      return Result.succeed([
        ...command.blobs.map((digest) => command.atOnce ? new BlobDeleted({ digest }) : new BlobCollected({ digest })),
        ...inSequence(state, command.entries.map(drop))
      ])
    case "Batch":
      return batch(state, command, limits)
  }
}

const batch = (state: State, { commands }: Batch, limits: IndexLimits): Decision => {
  const events: Array<Event> = []
  let next = state
  for (const command of commands) {
    const decision = decide(next, command, limits)
    if (Result.isFailure(decision)) return decision
    next = replay(next, decision.success)
    events.push(...decision.success)
  }
  return Result.succeed(events)
}

/** Nothing gets a name whose content is not there. */
const complete = ({ missing }: { readonly missing: ReadonlyArray<Missing> }, decision: () => Decision): Decision =>
  missing.length > 0 ? Result.fail(new ManifestBlobUnknown({ missing })) : decision()

const putManifest = (state: State, { descriptor, repository, tags }: PutManifest): Decision => {
  for (const write of tags) {
    const refusal = refuseTag(state, repository, write, descriptor)
    if (refusal !== undefined) return Result.fail(refusal)
  }
  const steps = tags.length === 0
    ? [addUntagged(descriptor, repository, descriptor)]
    : tags.map(({ tag }) => setTag(descriptor, repository, tag))
  return Result.succeed(inSequence(state, steps))
}

const refuseTag = (
  state: State,
  repository: Repository,
  { ifAbsent, ifDigest, tag }: TagWrite,
  { digest }: Descriptor
): Conflict | TagExists | undefined => {
  const actual = tagged(state, repository, tag)[0]?.digest
  const conflict = refuseUnless(ifDigest, actual, repository, tag)
  if (conflict !== undefined) return conflict
  return ifAbsent === true && actual !== undefined && actual !== digest
    ? new TagExists({ repository, tag, digest: actual })
    : undefined
}

/** The condition that a tag points at a digest now. */
const refuseUnless = (
  expected: string | undefined,
  actual: string | undefined,
  repository: Repository,
  tag: Tag
): Conflict | undefined =>
  expected === undefined || expected === actual ? undefined : new Conflict({
    reason: actual === undefined ? "it is not there" : "it points elsewhere",
    repository,
    tag,
    expected,
    ...(actual === undefined ? {} : { actual })
  })

const deleteTag = (state: State, { ifDigest, repository, tag }: DeleteTag): Decision => {
  const entries = tagged(state, repository, tag)
  const actual = entries[0]?.digest
  if (actual === undefined) return Result.fail(new ManifestUnknown({ repository, reference: tag }))
  const conflict = refuseUnless(ifDigest, actual, repository, tag)
  if (conflict !== undefined) return Result.fail(conflict)
  return Result.succeed(inSequence(state, entries.map((entry) => release(entry, repository))))
}

const deleteManifest = (state: State, { digest, force, neededBy, repository }: DeleteManifest): Decision => {
  const entries = withDigest(state, repository, digest)
  if (entries.length === 0) return Result.fail(new ManifestUnknown({ repository, reference: digest }))
  if (neededBy.length > 0 && !force) return Result.fail(new Referenced({ digest, by: neededBy }))
  return Result.succeed(inSequence(state, entries.map((entry) => drop(entry))))
}

const deleteBlob = ({ digest, neededBy, present }: DeleteBlob): Decision => {
  if (!present) return Result.fail(new BlobUnknown({ digest }))
  return neededBy.length > 0
    ? Result.fail(new Referenced({ digest, by: neededBy }))
    : Result.succeed([new BlobDeleted({ digest })])
}

/** A tag goes back the way tags move; a repository, or the layout, becomes entry by entry what it was. */
const restore = (state: State, { scope, target }: RestoreNames): ReadonlyArray<Event> => {
  const { repository, tag } = scope
  if (repository === undefined || tag === undefined) return restoreNames(state, target, repository)
  const entry = tagged(target, repository, tag)[0]
  const steps = entry?.descriptor === undefined
    ? tagged(state, repository, tag).map((present) => release(present, repository))
    : [setTag(entry.descriptor, repository, tag, entry.value)]
  return inSequence(state, steps)
}

/** A part of a change: what happens next, seen from where the parts before it have led. */
type Step = (state: State) => ReadonlyArray<Event>

const inSequence = (state: State, steps: ReadonlyArray<Step>): ReadonlyArray<Event> => {
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
const addUntagged = ({ digest }: Descriptor, repository: Repository, value: Schema.Json): Step => (state) =>
  withDigest(state, repository, digest).length > 0
    ? []
    : [new EntryAdded({ value: nameless(value, digest, state, repository) })]

/**
 * The first entry of the tag takes the new descriptor where it stands; further entries of the tag go.
 *
 * @param written the descriptor as it is written where no entry has it yet
 */
const setTag = (
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
const release = (entry: Entry, repository: Repository): Step => (state) => {
  const elsewhere = others(state, entry, repository)
  return elsewhere || entry.descriptor === undefined
    ? drop(entry)(state)
    : [replacement(state, entry, nameless(entry.value, entry.descriptor.digest, state, repository))]
}

/** Adds an untagged entry for the manifest of an entry that is gone, unless another entry has it. */
const keep = (gone: Entry, repository: Repository): Step => (state) =>
  gone.descriptor === undefined ? [] : addUntagged(gone.descriptor, repository, gone.value)(state)

const drop = (entry: Entry): Step => (state) => [new EntryRemoved({ ...keyOf(state, entry), value: entry.value })]

const replacement = (state: State, entry: Entry, to: Schema.Json): EntryReplaced =>
  new EntryReplaced({ ...keyOf(state, entry), from: entry.value, to })

const others = (state: State, entry: Entry, repository: Repository): boolean =>
  entry.descriptor !== undefined &&
  withDigest(state, repository, entry.descriptor.digest).some((other) => other !== entry)

/** Where the tool that made the layout writes bare tags, so do we, lest it lose sight of its names (DESIGN 4). */
const writesBare = (state: State, repository: Repository): boolean =>
  repository === state.defaultRepository &&
  Option.match(names(state, repository), {
    onNone: () => false,
    onSome: ({ bare, size }) => bare === size
  })

const refNameFor = (state: State, repository: Repository, tag: Tag): string =>
  writesBare(state, repository) ? tag : formatTagged(repository, tag)

/** The descriptor as an untagged entry of the repository. */
const nameless = (value: Schema.Json, digest: Digest, state: State, repository: Repository): Schema.Json =>
  renamed(value, writesBare(state, repository) ? undefined : formatUntagged(repository, digest))

/** The descriptor under another name or none; all else that its entry carried stays. */
const renamed = (value: Schema.Json, refName: string | undefined): Schema.Json => {
  const { annotations, ...fields } = isJsonObject(value) ? value : {}
  const { [refNameKey]: _name, [containerdName]: _image, ...rest } = isJsonObject(annotations) ? annotations : {}
  const kept = refName === undefined ? rest : { ...rest, [refNameKey]: refName }
  return Object.keys(kept).length === 0 ? fields : { ...fields, annotations: kept }
}

const withinLimits = (state: State, events: ReadonlyArray<Event>, limits: IndexLimits): Decision => {
  const come = events.flatMap((event) =>
    event._tag === "EntryAdded" ? [event.value] : event._tag === "EntryReplaced" ? [event.to] : []
  )
  // Nearly always there is room for what comes even if nothing goes.
  const most = come.reduce<number>((bytes, value) => bytes + mostBytes(value), state.bytes)
  if (come.length === 0 || (state.entries.length + come.length <= limits.entries && most <= limits.bytes)) {
    return Result.succeed(events)
  }
  const { bytes, entries } = replay(state, events)
  if (entries.length > limits.entries && entries.length > state.entries.length) {
    return Result.fail(new IndexTooLarge({ what: "entries", actual: entries.length, limit: limits.entries }))
  }
  return bytes > limits.bytes && bytes > state.bytes
    ? Result.fail(new IndexTooLarge({ what: "bytes", actual: bytes, limit: limits.bytes }))
    : Result.succeed(events)
}
