import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { BlobDeleted, EntryAdded, EntryRemoved, EntryReplaced } from "../../../src/layout/Event.ts"
import {
  AbortRecord,
  generationText,
  genesis,
  GroupRecord,
  nextRevision,
  parseGeneration,
  readLine,
  writeLine
} from "../../../src/node/journal/journalRecord.ts"
import { sha256 } from "../../support/disk.ts"
import { digest, entry } from "../../support/entries.ts"

const journal = "0123456789abcdef".repeat(2)

const group = new GroupRecord({
  journal,
  seq: 3,
  prev: genesis,
  id: "0123456789abcdef",
  before: "b".repeat(64),
  after: "c".repeat(64),
  parts: { blobs: "17:1700000000000000000", own: "", marker: "" },
  commits: [
    { revision: 5, time: 1_700_000_000_000, actor: "foreign", events: [] },
    {
      revision: 6,
      time: 1_700_000_000_001,
      actor: "mcp:é\n\"",
      events: [
        new EntryAdded({ value: { ...entry("a", "app:v1"), "x-\u2028": ["\ud800", 1.5, null, { deep: [true] }] } }),
        new EntryRemoved({ digest: "", occurrence: 0, value: "no descriptor" }),
        new EntryReplaced({
          refName: "",
          digest: digest("a"),
          occurrence: 7,
          from: entry("a", ""),
          to: JSON.parse("{\"__proto__\":{\"digest\":1}}") as EntryAdded["value"]
        }),
        new BlobDeleted({ digest: digest("d") })
      ]
    }
  ]
})

const abort = new AbortRecord({
  journal,
  seq: 4,
  prev: "a".repeat(64),
  aborts: 3,
  after: "b".repeat(64),
  revision: 5,
  time: 7
})

const lineOf = (text: string) => readLine(text.slice(0, -1))

describe("a journal line", () => {
  it.each([["group", group], ["abort", abort]] as const)("of a %s reads back as what was written", (_, record) => {
    const { hash, text } = writeLine(record)
    assert.match(text, /^[^\n]*\n$/u)
    assert.deepStrictEqual(lineOf(text), Result.succeed({ record, hash }))
  })

  it("is the same text for the same record", () => {
    assert.strictEqual(writeLine(group).text, writeLine(group).text)
    assert.notStrictEqual(writeLine(abort).hash, writeLine(new AbortRecord({ ...abort, aborts: 2 })).hash)
  })

  it("is JSON with the version of its format first, then its hash", () => {
    const { hash, text } = writeLine(abort)
    assert.deepStrictEqual(JSON.parse(text), { v: 2, h: hash, e: { ...abort, _tag: "Abort" } })
    assert.isTrue(text.startsWith(`{"v":2,"h":"${hash}","e":{"_tag":"Abort"`))
  })

  it("is refused when any of its characters changed", () => {
    const { text } = writeLine(abort)
    for (let place = 0; place < text.length - 1; place++) {
      const changed = `${text.slice(0, place)}${text[place] === "x" ? "y" : "x"}${text.slice(place + 1)}`
      assert.isTrue(Result.isFailure(lineOf(changed)), `character ${place}`)
    }
  })

  it("is refused when it is cut short or runs on", () => {
    const { text } = writeLine(abort)
    for (let length = 0; length < text.length - 1; length++) {
      assert.isTrue(Result.isFailure(readLine(text.slice(0, length))), `${length} characters`)
    }
    assert.isTrue(Result.isFailure(readLine(`${text.slice(0, -1)} `)))
    assert.isTrue(Result.isFailure(readLine(` ${text.slice(0, -1)}`)))
  })

  it.each([
    ["", "is no journal line"],
    ["{}", "is no journal line"],
    [`{"h":"${genesis}","e":{}}`, "is no journal line"],
    [`{"v":3,"h":"${genesis}","e":{}}`, "is no journal line"],
    [`{"v":2,"h":"${genesis}","e":{}}`, "does not match its hash"]
  ])("%j %s", (text, reason) => {
    assert.deepStrictEqual(readLine(text), Result.fail(reason))
  })

  it.each(["nonsense", "{}", "null", `{"_tag":"Group","seq":1}`])("with the right hash of %s is no record", (body) => {
    assert.isTrue(Result.isFailure(readLine(`{"v":2,"h":"${sha256(body)}","e":${body}}`)))
  })
})

describe("a line with the right hash", () => {
  const hashed = (body: string) => readLine(`{"v":2,"h":"${sha256(body)}","e":${body}}`)
  const body = JSON.stringify({ ...abort, _tag: "Abort" })

  it("is no record when it has an entry that no index could hold", () => {
    const added = (depth: number): string => {
      const commits = `[{"revision":1,"time":0,"actor":"","events":[{"_tag":"EntryAdded","value":${
        "[".repeat(depth) + "]".repeat(depth)
      }}]}]`
      return JSON.stringify({ ...group, _tag: "Group", commits: 0 }).replace("\"commits\":0", `"commits":${commits}`)
    }
    assert.isTrue(Result.isSuccess(hashed(added(62))))
    for (const depth of [63, 20_000]) {
      assert.deepStrictEqual(hashed(added(depth)), Result.fail("is nested more than 67 deep"))
    }
  })

  it("is no record when a generation could not say where it is", () => {
    assert.isTrue(Result.isSuccess(hashed(body.replace("\"seq\":4", "\"seq\":999999999999999"))))
    assert.isTrue(Result.isFailure(hashed(body.replace("\"seq\":4", "\"seq\":1000000000000000"))))
    assert.isTrue(Result.isFailure(hashed(body.replace(journal, "j"))))
  })
})

describe("the next revision", () => {
  it("is 1 in a new journal, else the one after the last commit that happened", () => {
    assert.strictEqual(nextRevision(undefined), 1)
    assert.strictEqual(nextRevision({ record: group, hash: genesis }), 7)
    assert.strictEqual(nextRevision({ record: abort, hash: genesis }), 5)
  })
})

describe("the generation", () => {
  const id = "f".repeat(16)

  it("reads back as what was written", () => {
    assert.deepStrictEqual(parseGeneration(generationText(group)), { journal, seq: 3, id: "0123456789abcdef" })
    assert.deepStrictEqual(parseGeneration(`${journal}.0.${id}`), { journal, seq: 0, id })
  })

  it.each([
    undefined,
    "",
    journal,
    `${journal}.1`,
    `${journal}.1.`,
    `${journal}.1.${id}0`,
    `${journal}..${id}`,
    `${journal}.-1.${id}`,
    `${journal}.1e3.${id}`,
    `x${journal}.1.${id}`,
    `${journal}.1.${id} `
  ])(
    "is none in %j",
    (text) => assert.isUndefined(parseGeneration(text))
  )

  it("is none with a number too large to count with", () => {
    assert.isUndefined(parseGeneration(`${journal}.${"9".repeat(16)}.${id}`))
  })
})
