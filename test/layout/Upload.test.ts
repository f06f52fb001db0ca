import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  absent,
  decideUpload,
  evolveUpload,
  isUploadId,
  type UploadCommand,
  type UploadEvent,
  uploadExpiryMillis,
  type UploadId,
  type UploadRefusal,
  type UploadState
} from "../../src/layout/Upload.ts"
import { BlobUploadUnknown, DigestInvalid, RangeInvalid, SizeInvalid } from "../../src/oci/OciError.ts"
import { digest, repository } from "../support/entries.ts"

const id = (digit: string): UploadId => {
  const text = digit.repeat(32)
  assert(isUploadId(text))
  return text
}

const started = 1_000_000
const upload = id("0")
const app = repository("app")
const stranger = repository("stranger")
const addressed = { id: upload, repository: app, now: started + 5 }

const states = {
  absent,
  open: { _tag: "Open", id: upload, repository: app, size: 10, touched: started },
  committed: { _tag: "Committed", repository: app, digest: digest("a"), size: 10 },
  cancelled: { _tag: "Cancelled", repository: app }
} as const satisfies Record<string, UploadState>

const commands = {
  start: { _tag: "StartUpload", ...addressed },
  resume: { _tag: "ResumeUpload", ...addressed },
  resumeHere: { _tag: "ResumeUpload", offset: 10, ...addressed },
  resumeElsewhere: { _tag: "ResumeUpload", offset: 9, ...addressed },
  append: { _tag: "AppendChunk", offset: 10, length: 4, ...addressed },
  appendNothing: { _tag: "AppendChunk", offset: 10, length: 0, ...addressed },
  appendGap: { _tag: "AppendChunk", offset: 11, length: 4, ...addressed },
  appendOverlap: { _tag: "AppendChunk", offset: 9, length: 4, ...addressed },
  commit: { _tag: "CommitUpload", expected: digest("a"), actual: digest("a"), ...addressed },
  commitSized: { _tag: "CommitUpload", expected: digest("a"), actual: digest("a"), size: 10, ...addressed },
  commitOther: { _tag: "CommitUpload", expected: digest("b"), actual: digest("a"), ...addressed },
  commitOtherSize: { _tag: "CommitUpload", expected: digest("a"), actual: digest("a"), size: 9, ...addressed },
  cancel: { _tag: "CancelUpload", ...addressed }
} as const satisfies Record<string, UploadCommand>

const unknown = new BlobUploadUnknown({ upload })
const outOfPlace = (offset: number) => new RangeInvalid({ offset, size: 10 })
const begun: ReadonlyArray<UploadEvent> = [{ _tag: "UploadStarted", id: upload, repository: app, at: addressed.now }]

type Answer = ReadonlyArray<UploadEvent> | UploadRefusal
type Row = Record<keyof typeof commands, Answer>

const over: Row = {
  start: begun,
  resume: unknown,
  resumeHere: unknown,
  resumeElsewhere: unknown,
  append: unknown,
  appendNothing: unknown,
  appendGap: unknown,
  appendOverlap: unknown,
  commit: unknown,
  commitSized: unknown,
  commitOther: unknown,
  commitOtherSize: unknown,
  cancel: []
}

/** Every command in every state. */
const table: Record<keyof typeof states, Row> = {
  absent: over,
  open: {
    start: begun,
    resume: [],
    resumeHere: [],
    resumeElsewhere: outOfPlace(9),
    append: [{ _tag: "ChunkAppended", length: 4, at: addressed.now }],
    appendNothing: [],
    appendGap: outOfPlace(11),
    appendOverlap: outOfPlace(9),
    commit: [{ _tag: "UploadCommitted", digest: digest("a") }],
    commitSized: [{ _tag: "UploadCommitted", digest: digest("a") }],
    commitOther: new DigestInvalid({ digest: digest("b"), actual: digest("a") }),
    commitOtherSize: new SizeInvalid({ expected: 9, actual: 10 }),
    cancel: [{ _tag: "UploadCancelled" }]
  },
  committed: { ...over, commit: [], commitSized: [], commitOtherSize: [] },
  cancelled: over
}

const keysOf = <K extends string>(record: Record<K, unknown>): ReadonlyArray<K> => Object.keys(record) as Array<K>

const answer = (state: UploadState, command: UploadCommand): Answer => Result.merge(decideUpload(state, command))

describe.each(keysOf(states))("a session that is %s", (state) => {
  it.each(keysOf(commands))("answers %s", (command) => {
    assert.deepStrictEqual(answer(states[state], commands[command]), table[state][command])
  })
})

describe("a session of another repository", () => {
  it.each(keysOf(states).filter((name) => name !== "absent"))("is unknown while %s", (state) => {
    for (const name of keysOf(commands)) {
      if (name === "start") continue
      assert.deepStrictEqual(answer(states[state], { ...commands[name], repository: stranger }), unknown, name)
    }
  })
})

describe("expiry", () => {
  const later = (millis: number) => ({ ...commands.append, now: started + millis })

  it("comes a day after the last append", () => {
    assert.strictEqual(uploadExpiryMillis, 24 * 60 * 60 * 1000)
    assert.isArray(answer(states.open, later(uploadExpiryMillis - 1)))
    assert.deepStrictEqual(answer(states.open, later(uploadExpiryMillis)), unknown)
  })

  it("does not forget what was committed", () => {
    assert.deepStrictEqual(answer(states.committed, { ...commands.commit, now: started + 10 * uploadExpiryMillis }), [])
  })
})

describe("what happens to a session", () => {
  const after = (...events: ReadonlyArray<UploadEvent>): UploadState => events.reduce(evolveUpload, absent)
  const start: UploadEvent = { _tag: "UploadStarted", id: upload, repository: app, at: started }
  const chunk: UploadEvent = { _tag: "ChunkAppended", length: 5, at: started + 7 }
  const done: UploadEvent = { _tag: "UploadCommitted", digest: digest("a") }

  it("adds up", () => {
    assert.deepStrictEqual(after(start), { _tag: "Open", id: upload, repository: app, size: 0, touched: started })
    assert.deepStrictEqual(after(start, chunk, chunk), {
      _tag: "Open",
      id: upload,
      repository: app,
      size: 10,
      touched: started + 7
    })
    assert.deepStrictEqual(after(start, chunk, chunk, done), states.committed)
    assert.deepStrictEqual(after(start, chunk, { _tag: "UploadCancelled" }), states.cancelled)
  })

  it("changes nothing in one that is over or never was", () => {
    assert.strictEqual(after(chunk, done), absent)
    assert.deepStrictEqual(after(start, chunk, chunk, done, chunk, { _tag: "UploadCancelled" }), states.committed)
    assert.deepStrictEqual(after(start, { _tag: "UploadCancelled" }, done), states.cancelled)
  })
})

describe("an upload id", () => {
  it.each(["0".repeat(32), "0123456789abcdef0123456789abcdef"])("is %s", (text) => assert.isTrue(isUploadId(text)))

  it.each([
    "",
    "0".repeat(31),
    "0".repeat(33),
    "A".repeat(32),
    "g".repeat(32),
    `${"0".repeat(31)}/`,
    "../../index.json",
    `${"0".repeat(32)}\n`,
    `..%2f${"0".repeat(27)}`
  ])("is not %j", (text) => assert.isFalse(isUploadId(text)))
})
