/** Records: one object for each group of commits, under consecutive numbers. */
import { Result, Schema } from "effect"
import { canonical } from "../../layout/canonical.ts"
import { Commit, highestRevision, Revision } from "../../layout/Commit.ts"
import type { State } from "../../layout/State.ts"
import { sha256 } from "../../node/journal/journalRecord.ts"
import { ContentDigest } from "../../oci/Digest.ts"
import { jsonDepth, parseJson } from "../../oci/Json.ts"

export const recordsFolder = ".ocilayout/records/"

/** Numbers count down in names, so that a listing tells the newest first. */
export const keyOfRecord = (number: number): string =>
  `${recordsFolder}${String(highestRevision - number).padStart(15, "0")}`

export const numberOfRecord = (key: string): number | undefined => {
  const [, digits] = /^\.ocilayout\/records\/(\d{15})$/u.exec(key) ?? []
  return digits === undefined ? undefined : highestRevision - Number(digits)
}

/** An object, as long as it has this ETag. */
const fields = {
  digest: ContentDigest,
  etag: Schema.String,
  /** In bytes. */
  size: Schema.Natural
}

/** An object that a caller deleted while another ETag of the same content was condemned. */
const Hidden = Schema.Struct(fields)
export type Hidden = typeof Hidden.Type

/** An object that is to go. */
const Condemned = Schema.Struct({
  ...fields,
  /** Whether a caller deleted it, so that a push of a manifest does not bring it back. */
  deleted: Schema.optionalKey(Schema.Literal(true))
})
export type Condemned = typeof Condemned.Type

const Time = Schema.Natural

/** A group of commits. That it exists under its number decides that it happened. */
export const BucketRecord = Schema.Struct({
  /** Random, the same for every record of a layout. */
  journal: Schema.String.check(Schema.isPattern(/^[0-9a-f]{32}$/u)),
  /** Counts from 1 without gaps. */
  number: Revision,
  /** The SHA-256 of the record before; 64 zeros in the first. */
  previous: Schema.String,
  /** Random: tells this record from another one of the same number. */
  id: Schema.String.check(Schema.isPattern(/^[0-9a-f]{16}$/u)),
  /** When it was decided, by the store's clock, and never before the record before it: milliseconds since 1970. */
  time: Time,
  /** The last revision up to here. */
  revision: Revision,
  /** The SHA-256 of the entries after it. */
  entries: Schema.String,
  /** The SHA-256 of the index with changes of another tool that it took in: those bytes change nothing a second time. */
  took: Schema.optionalKey(Schema.String),
  /** Content that it condemns. */
  condemns: Schema.optionalKey(Schema.Array(Condemned)),
  /** The records whose condemned content is to go, with their times; this one is among them where it condemns. */
  condemned: Schema.optionalKey(Schema.Array(Schema.Struct({ number: Revision, time: Time }))),
  /** All content that is hidden from here on, where that is other content than before. */
  hides: Schema.optionalKey(Schema.Array(Hidden)),
  /** The last record that says what is hidden, where something is; this one where it hides. */
  hidden: Schema.optionalKey(Revision),
  /** From which number on records are objects of their own for good, and when that was said for the first time. */
  floor: Schema.optionalKey(Schema.Struct({ number: Revision, time: Time })),
  commits: Schema.Array(Commit)
})
export type BucketRecord = typeof BucketRecord.Type

const encode = Schema.encodeUnknownResult(Schema.toCodecJson(BucketRecord))
const decode = Schema.decodeUnknownResult(Schema.toCodecJson(BucketRecord))

/** A record with the hash that the next one names. */
export interface StoredRecord {
  readonly record: BucketRecord
  readonly hash: string
  readonly text: string
}

export const writeRecord = (record: BucketRecord): { readonly bytes: Uint8Array; readonly line: StoredRecord } => {
  const text = JSON.stringify({ v: 1, e: Result.getOrThrow(encode(record)) })
  const bytes = new Uint8Array(Buffer.from(text))
  return { bytes, line: { record, hash: sha256(bytes), text } }
}

/** An entry lies 2 deep in an index, and 7 deep here. */
export const maxDepth = jsonDepth + 5

const Envelope = Schema.Struct({ v: Schema.Literal(1), e: Schema.Json })
const open = Schema.decodeUnknownResult(Envelope)

export const readRecord = (bytes: Uint8Array): Result.Result<StoredRecord, string> =>
  Result.gen(function*() {
    const json = yield* parseJson(bytes, { maxDepth, duplicateKeys: "lastWins" })
    const { e } = yield* Result.mapError(open(json), () => "is no record of a version that is known")
    const record = yield* Result.mapError(decode(e), (issue) => `is no record: ${String(issue)}`)
    return { record, hash: sha256(bytes), text: Buffer.from(bytes).toString() }
  })

const hashes = new WeakMap<State, string>()

/**
 * The same for the same entries in another order: what is replayed from records may have another one than an index.
 * Remembered for each state.
 */
export const hashOfEntries = (state: State): string => {
  const known = hashes.get(state)
  if (known !== undefined) return known
  const hash = sha256(JSON.stringify(state.entries.map(({ value }) => canonical(value)).toSorted()))
  hashes.set(state, hash)
  return hash
}
