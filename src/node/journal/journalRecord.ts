/** One line of the journal: a group of commits, the word that a group did not happen, or where a segment begins. */
import { Result, Schema } from "effect"
import { createHash } from "node:crypto"
import { Commit, highestRevision, Revision } from "../../layout/Commit.ts"
import { jsonDepth, parseJson } from "../../oci/Json.ts"

export const sha256 = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** What all lines share. */
const chained = {
  /** Random, the same for every line of a journal: an index of another journal's is not derived from this one. */
  journal: Schema.String.check(Schema.isPattern(/^[0-9a-f]{32}$/u)),
  /** The number of the line. */
  seq: Revision,
  /** The hash of the line before; 64 zeros on the first. */
  prev: Schema.String
}

/**
 * What a layout is made of, each by its inode number and the time it was made: `blobs`, `.ocilayout` and `oci-layout`;
 * empty for what is not there. They tell a layout that was removed and built anew from one that another tool has
 * rewritten, and from a copy.
 */
export const LayoutIdentity = Schema.Struct({ blobs: Schema.String, own: Schema.String, marker: Schema.String })
export type LayoutIdentity = typeof LayoutIdentity.Type

/** A group's random name. A copy of a layout gives the same number to another group; this tells the two apart (R8). */
const GroupId = Schema.String.check(Schema.isPattern(/^(?:[0-9a-f]{16})?$/u))

/** Commits made durable together; `before` and `after` are the SHA-256 of `index.json`. */
export class GroupRecord extends Schema.TaggedClass<GroupRecord>()("Group", {
  ...chained,
  id: GroupId,
  before: Schema.String,
  after: Schema.String,
  parts: LayoutIdentity,
  commits: Schema.NonEmptyArray(Commit)
}) {}

/** The group of the line before was never published; `revision` is the next one free. */
export class AbortRecord extends Schema.TaggedClass<AbortRecord>()("Abort", {
  ...chained,
  aborts: Revision,
  /** The SHA-256 of the index that holds instead. */
  after: Schema.String,
  revision: Revision,
  /** That of the commits that did not happen: later ones are not earlier. */
  time: Schema.Natural
}) {}

/**
 * The first line of every segment but the first: all that the segments before it led to, so that the
 * state is known without reading them, and they can be removed one day.
 */
export class SnapshotRecord extends Schema.TaggedClass<SnapshotRecord>()("Snapshot", {
  ...chained,
  /** The next one free, which is also the name of the segment before. */
  revision: Revision,
  /** When the first commit of the journal happened: milliseconds since 1970. */
  started: Schema.Natural,
  /** When the last commit happened. */
  time: Schema.Natural,
  /** The `revision` of the oldest snapshot whose segment before is kept; older ones were let go of on purpose. */
  oldest: Revision,
  /** The SHA-256 of the index that the last group wrote; empty when that is not known. */
  after: Schema.String,
  /** Of the last group that happened; empty when that is not known. */
  id: GroupId,
  parts: LayoutIdentity,
  /** The entries, in index order. */
  entries: Schema.Array(Schema.Json)
}) {}

export const JournalRecord = Schema.Union([GroupRecord, AbortRecord, SnapshotRecord])
export type JournalRecord = typeof JournalRecord.Type

/** A record with the hash that the next one names. */
export interface Line {
  readonly record: JournalRecord
  readonly hash: string
}

export const genesis = "0".repeat(64)

const encode = Schema.encodeUnknownResult(Schema.toCodecJson(JournalRecord))
const decode = Schema.decodeUnknownResult(Schema.toCodecJson(JournalRecord))

/**
 * The version of the format of a line. A program that finds a later one refuses the layout, and cuts nothing off (R20).
 */
const journalFormat = 2

/** The version that a line, or the beginning of one, says it is written in, where we do not know it. */
export const unknownFormat = (text: string): number | undefined => {
  const [, version] = /^\{"v":(\d{1,9})[,}]/u.exec(text) ?? []
  return version === undefined || Number(version) <= journalFormat ? undefined : Number(version)
}

/** The hash is of the record's very text, so a reader needs no second spelling of it. */
export const writeLine = (record: JournalRecord): { readonly text: string; readonly hash: string } => {
  const body = JSON.stringify(Result.getOrThrow(encode(record)))
  const hash = sha256(body)
  return { text: `{"v":${journalFormat},"h":"${hash}","e":${body}}\n`, hash }
}

/** An entry that an index could not hold is not to be put back: it lies 2 deep there, and 5 deep here. */
const maxDepth = jsonDepth - 2 + 5

const shape = /^\{"v":2,"h":"([0-9a-f]{64})","e":(.*)\}$/su

/** The record of a line without its line break, or why it is none. */
export const readLine = (text: string): Result.Result<Line, string> =>
  Result.gen(function*() {
    const [, hash = "", body = ""] = shape.exec(text) ?? []
    if (hash === "") return yield* Result.fail("is no journal line")
    if (sha256(body) !== hash) return yield* Result.fail("does not match its hash")
    const json = yield* parseJson(Buffer.from(body), { maxDepth, duplicateKeys: "lastWins" })
    const record = yield* Result.mapError(decode(json), (issue) => `is no record: ${String(issue)}`)
    return { record, hash }
  })

/** The time of the last commit up to a line; the next one is no earlier, even if the clock was set back. */
export const lastTime = (last: Line | undefined): number => {
  if (last === undefined) return 0
  const { record } = last
  return record._tag === "Group" ? record.commits.at(-1)?.time ?? 0 : record.time
}

/** Whether a line is of a group, by how we write it. */
export const isGroupLine = (text: string): boolean => text.startsWith("{\"_tag\":\"Group\"", bodyAt)

/** Where the record begins in a line. */
const bodyAt = `{"v":${journalFormat},"h":"${"0".repeat(64)}","e":`.length

const link = /^\{"_tag":"Group","journal":"[0-9a-f]{32}","seq":\d+,"prev":"([0-9a-f]{64})"/u

/** A line as a link of the chain, read or not. */
export interface Skimmed {
  readonly hash: string
  readonly prev: string
  readonly line?: Line
}

/** A group's line as a link of the chain, if it is what was written. */
export const skimLine = (text: string): Result.Result<Skimmed, string> => {
  const [, hash = "", body = ""] = shape.exec(text) ?? []
  const [, prev] = link.exec(body) ?? []
  return prev === undefined || sha256(body) !== hash
    ? Result.fail("does not match its hash")
    : Result.succeed({ hash, prev })
}

/** The revision that the next commit gets. */
export const nextRevision = (last: Line | undefined): number => {
  if (last === undefined) return 1
  const { record } = last
  return record._tag === "Group" ? (record.commits.at(-1)?.revision ?? 0) + 1 : record.revision
}

/** Whether no numbers are left, which no honest journal comes near. */
export const isSpent = (last: Line | undefined): boolean =>
  last !== undefined && Math.max(last.record.seq, nextRevision(last)) > highestRevision - 1_000_000_000

/** Which group of which journal an index was written by, or derived from. */
export interface Generation {
  readonly journal: string
  readonly seq: number
  /** Random, so that groups of the same number in two copies of a journal are told apart. */
  readonly id: string
}

/** The generation that an index written with this record carries. */
export const generationText = ({ id, journal, seq }: Generation): string => `${journal}.${seq}.${id}`

export const parseGeneration = (text: string | undefined): Generation | undefined => {
  const [, journal, seq, id] = /^([0-9a-f]{32})\.(\d{1,15})\.([0-9a-f]{16})$/u.exec(text ?? "") ?? []
  return journal === undefined || seq === undefined || id === undefined ? undefined : { journal, seq: Number(seq), id }
}

/** Whether an index carries the generation of this very record: then its group happened (R2). */
export const isOfGroup = (generation: Generation | undefined, { id, journal, seq }: Generation): boolean =>
  generation?.journal === journal && generation.seq === seq && generation.id === id

/** The groups that happened: all that no abort takes back. */
export const committed = (lines: ReadonlyArray<Line>): ReadonlyArray<GroupRecord> => {
  const aborted = new Set(lines.flatMap(({ record }) => record._tag === "Abort" ? [record.aborts] : []))
  return lines.flatMap(({ record }) => record._tag === "Group" && !aborted.has(record.seq) ? [record] : [])
}

/** The last group that happened, or the snapshot that stands for it where it is in an earlier segment. */
export const lastOf = (lines: ReadonlyArray<Line>): GroupRecord | SnapshotRecord | undefined =>
  committed(lines).at(-1) ?? snapshotOf(lines)

/** The SHA-256 of the index that the last group wrote. */
export const lastHash = (lines: ReadonlyArray<Line>): string | undefined => lastOf(lines)?.after

/** The snapshot that lines begin with, where they do not begin with the journal. */
export const snapshotOf = (lines: ReadonlyArray<Line>): SnapshotRecord | undefined => {
  const first = lines[0]?.record
  return first?._tag === "Snapshot" ? first : undefined
}
