/** Whether a command may happen to a layout, and what then happens. */
import { Result } from "effect"
import { field } from "../oci/field.ts"
import {
  BlobUnknown,
  Conflict,
  IndexTooLarge,
  ManifestBlobUnknown,
  ManifestUnknown,
  Referenced,
  TagExists
} from "../oci/OciError.ts"
import type { Tag } from "../oci/Reference.ts"
import { deleteName, moveName } from "./byName.ts"
import {
  type Batch,
  type Command,
  type Decision,
  type DeleteBlob,
  type DeleteManifest,
  type DeleteTag,
  type IndexLimits,
  indexLimits,
  type Missing,
  type PutManifest,
  type RestoreNames
} from "./Command.ts"
import { mostBytes } from "./entryBytes.ts"
import { BlobCollected, BlobDeleted, type Event } from "./Event.ts"
import { replay } from "./evolve.ts"
import { reaching, tagged } from "./query.ts"
import type { State } from "./State.ts"
import { addUntagged, drop, inSequence, release, setTag } from "./steps.ts"
import { restoreNames, revertCommit } from "./undo.ts"

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
    case "DeleteName":
      return deleteName(state, command)
    case "MoveName":
      return complete(command, () => moveName(state, command))
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

/** Refuses a command if content that its manifests need is missing. */
const complete = ({ missing }: { readonly missing: ReadonlyArray<Missing> }, decision: () => Decision): Decision =>
  missing.length > 0 ? Result.fail(new ManifestBlobUnknown({ missing })) : decision()

const putManifest = (state: State, { descriptor, repository, tags }: PutManifest): Decision => {
  for (const write of tags) {
    const refusal = refuseTag(tagged(state, repository, write.tag)[0]?.digest, repository, write, descriptor.digest)
    if (refusal !== undefined) return Result.fail(refusal)
  }
  const steps = tags.length === 0
    ? [addUntagged(descriptor, repository, descriptor)]
    : tags.map(({ tag }) => setTag(descriptor, repository, tag))
  return Result.succeed(inSequence(state, steps))
}

/** Why a tag may not be set, by what it points at now. */
export const refuseTag = (
  actual: string | undefined,
  repository: string,
  { ifAbsent, ifDigest, tag }: {
    readonly tag: Tag
    readonly ifAbsent?: boolean | undefined
    readonly ifDigest?: string | undefined
  },
  digest: string
): Conflict | TagExists | undefined => {
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
  repository: string,
  tag: Tag
): Conflict | undefined =>
  expected === undefined || expected === actual ? undefined : new Conflict({
    reason: actual === undefined ? "it is not there" : "it points elsewhere",
    repository,
    tag,
    expected,
    ...field("actual", actual)
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
  const entries = reaching(state, repository, digest)
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
