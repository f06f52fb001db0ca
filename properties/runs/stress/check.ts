/** Whether what the processes were told can be true, by itself and of what lies on the disk at the end. */
import { linearize, type Operation, type Sequential } from "../../support/linearize.ts"
import type { Answer, BlobCall, Call, TagCall, UploadCall } from "./Call.ts"
import type { Found } from "./folder.ts"
import { blobs, tags, uploads } from "./models.ts"
import { contested } from "./Plan.ts"

export type History = ReadonlyArray<Operation<Call, Answer>>

/** Refusals that have a place in a plan; with anything else something has gone wrong. */
const expected = new Set(
  "BlobUnknown BlobUploadUnknown Conflict ManifestUnknown RangeInvalid SizeInvalid TagExists UploadBusy".split(" ")
)

export const checkAnswers = (history: History): ReadonlyArray<string> =>
  history.flatMap(({ answer, call }) =>
    answer?.refused === undefined || expected.has(answer.refused)
      ? []
      : [`${JSON.stringify(call)} failed: ${answer.refused}: ${answer.message}`]
  )

/** What a failing medium says leaves open what has happened. */
export const withoutFailures = (history: History): History =>
  history.map((operation) =>
    operation.answer?.refused === undefined || expected.has(operation.answer.refused)
      ? operation
      : { call: operation.call, asked: operation.asked }
  )

const isTagCall = ({ op }: Call): boolean =>
  op.endsWith("Tag") || op.endsWith("Manifest") || op === "isListed" || op === "revert"

/** A listing is a look at every tag that there is in its repository. */
const looks = (history: History): History => {
  const tagsOf = new Map<string, Set<string>>()
  for (const { call } of history) {
    if (!("tag" in call)) continue
    tagsOf.set(call.repository, (tagsOf.get(call.repository) ?? new Set()).add(call.tag))
  }
  return history.flatMap((operation): History => {
    const { answer, call } = operation
    if (call.op !== "tags") return [operation]
    return Array.from(tagsOf.get(call.repository) ?? [], (tag) => ({
      ...operation,
      call: { op: "isListed", repository: call.repository, tag },
      ...(answer?.names === undefined ? {} : { answer: { names: answer.names.filter((name) => name === tag) } })
    }))
  })
}

const keyOf = (call: Call): string =>
  isTagCall(call) && "tag" in call
    ? `tag ${call.repository}:${call.tag}`
    : "blob" in call
    ? `blob ${call.blob}`
    : "id" in call
    ? `upload ${call.id}`
    : "tags"

export interface Linearized {
  readonly histories: number
  readonly violations: ReadonlyArray<string>
}

/** Every tag, blob and upload went through one order of what was asked of it. */
export const checkOrders = (history: History): Linearized => {
  const byKey = Map.groupBy(looks(history), ({ call }) => keyOf(call))
  const violations = Array.from(byKey, ([key, operations]) => {
    const verdict = key.startsWith("tag ")
      ? explain(tags, operations as ReadonlyArray<Operation<TagCall, Answer>>)
      : key.startsWith("blob ")
      ? explain(blobs, operations as ReadonlyArray<Operation<BlobCall, Answer>>)
      : explain(uploads, operations as ReadonlyArray<Operation<UploadCall, Answer>>)
    return verdict === undefined ? [] : [`${key}: ${verdict}`]
  }).flat()
  return { histories: byKey.size, violations }
}

const explain = <State, Of extends Call>(
  model: Sequential<State, Of, Answer>,
  operations: ReadonlyArray<Operation<Of, Answer>>
): string | undefined => {
  const verdict = linearize(model, operations)
  if (verdict._tag === "Linearizable") return undefined
  if (verdict._tag === "Undecided") return "its history was too long to be decided"
  const { answer, call } = verdict.stuck
  return `nothing explains that ${JSON.stringify(call)} was answered ${JSON.stringify(answer)} at ${verdict.state}`
}

/** Who may set a tag only where there is none: one of them did, and that is where it still is. */
export const checkWinners = (history: History): ReadonlyArray<string> => {
  const contests = Map.groupBy(
    history.filter(({ call }) => call.op === "pushManifest" && call.tag.startsWith(contested)),
    ({ call }) => "tag" in call ? call.tag : ""
  )
  return Array.from(contests).flatMap(([tag, pushes]) => {
    const winners = pushes.filter(({ answer }) => answer?.revision !== undefined)
    const unknown = pushes.filter(({ answer }) => answer === undefined)
    if (winners.length === 1 || (winners.length === 0 && unknown.length > 0)) return []
    return [`${tag} was won ${winners.length} times of ${pushes.length}`]
  })
}

const digestIn = (call: Call): string => "digest" in call ? call.digest : ""

/** What was acknowledged, and not taken back, is there. */
export const lostOf = (history: History, found: Found): ReadonlyArray<string> => {
  const deleted = new Set(
    history.flatMap(({ call }) => call.op === "deleteManifest" || call.op === "revert" ? [call.digest] : [])
  )
  return history.flatMap(({ answer, call }) => {
    if (answer === undefined || answer.refused !== undefined) return []
    const { op } = call
    const isEntry = op === "pushManifest" || op === "tagManifest"
    const isLost = isEntry
      ? !deleted.has(digestIn(call)) && !found.entries.has(`${call.repository} ${digestIn(call)}`)
      : (op === "pushBlob" || op === "mountBlob" || op === "commit") && !found.blobs.has(answer.digest ?? "")
    return isLost ? [`${JSON.stringify(call)} was acknowledged and is lost`] : []
  })
}

/** The journal tells of every acknowledged commit, and every listing was one of its states, at its time. */
export const checkRevisions = (history: History, found: Found): ReadonlyArray<string> => {
  const commits = history.flatMap(({ answer, answered, asked, call }) =>
    answer?.revision === undefined || answered === undefined
      ? []
      : [{ answered, asked, call, digest: answer.digest ?? "", revision: answer.revision }]
  )
  const untold = commits.flatMap(({ call, digest, revision }) =>
    found.commits.get(revision)?.includes(digest) === true
      ? []
      : [`revision ${revision} of the journal is not ${JSON.stringify(call)}`]
  )
  const strange = history.flatMap(({ answer, answered, asked, call }) => {
    if (call.op !== "tags" || answer?.names === undefined || answered === undefined) return []
    const before = commits.filter((commit) => commit.answered < asked).map(({ revision }) => revision)
    const after = commits.filter((commit) => commit.asked > answered).map(({ revision }) => revision)
    const least = before.reduce((most, revision) => Math.max(most, revision), 0)
    const end = after.reduce((least, revision) => Math.min(least, revision), Number.POSITIVE_INFINITY)
    const listed = answer.names.join(" ")
    const states = found.listings.get(call.repository) ?? []
    return states.slice(least, end).includes(listed)
      ? []
      : [`${call.repository} never had the tags ${listed} between revisions ${least} and ${end}`]
  })
  return [...untold, ...strange]
}
